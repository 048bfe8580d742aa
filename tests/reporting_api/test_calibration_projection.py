"""The projection of calibration: kept as the feed last showed it, by difference or from zero, behind the walls of vendors."""

from typing import Any

from sqlalchemy import select

from calibration_feed import Session
from reporting_api.projection.calibration import CALIBRATION, apply_calibration
from reporting_api.projection.cursors import start_anew
from reporting_api.projection.worker import SERVICE
from reporting_api.tables import calibration_items, calibration_raters, calibration_ratings, calibration_sessions, golden_results
from reporting_feed import Stream
from tallystick.schemas.calibration import SessionState
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.database import Database

RATINGS = (
    {"qa-1": "keep", "qa-2": "keep", "ann": "keep", "kim": "remove"},
    {"qa-1": "remove", "qa-2": "keep", "bob": "remove", "kim": None},
    {"qa-1": "remove", "ann": "restrict"},
)


async def _rows(database: Database, programme: str, principal: Principal = SERVICE) -> dict[str, set[tuple[Any, ...]]]:
    """Everything that a principal finds of a programme's calibration if no statement narrows what it asks for."""
    async with database.reading(principal) as session:
        return {
            table.name: {
                tuple(tuple(value) if isinstance(value, list) else value for value in row)
                for row in await session.execute(select(table).where(table.c.programme == programme))
            }
            for table in CALIBRATION
        }


async def test_what_is_kept_step_by_step_is_what_is_built_from_zero(reporting_database: Database) -> None:
    """Whatever happened on the way: a rater left out of a draft, a benchmark changed, a rating gone, an auditor erased."""
    stream = Stream()
    session = Session(stream, RATINGS).show(SessionState.DRAFT)
    await stream.project(reporting_database)
    session.session["raters"].pop()
    session.show(SessionState.DRAFT)
    await stream.project(reporting_database, limit=2)
    session.session["raters"].append({"subject": "kim", "vendor": "borealis"})
    session.show(SessionState.REVIEW).benchmark("keep", "keep", "remove").show(SessionState.REVIEW)
    await stream.project(reporting_database, limit=3)
    session.benchmark("keep", "remove").ratings[0].pop("ann")
    session.show(SessionState.CONCLUDED)
    result = session.golden(2, "qa-1", "keep")
    await stream.project(reporting_database)
    session.golden(2, None, "keep", result_id=result)
    await stream.project(reporting_database)
    kept = await _rows(reporting_database, stream.programme)
    async with reporting_database.writing(SERVICE) as writing:
        await start_anew(writing, stream.programme)
    emptied = await _rows(reporting_database, stream.programme)
    await stream.project(reporting_database, limit=2)

    assert set(map(len, emptied.values())) == {0}
    assert kept == await _rows(reporting_database, stream.programme)
    assert {name: len(rows) for name, rows in kept.items()} == {
        "calibration_sessions": 1,
        "calibration_raters": 5,
        "calibration_items": 3,
        "calibration_ratings": 8,
        "golden_results": 1,
    }


async def test_a_page_applied_again_changes_nothing(reporting_database: Database) -> None:
    """Not even an old page after newer ones."""
    stream = Stream()
    session = Session(stream, RATINGS).benchmark("keep").show(SessionState.REVIEW)
    old = next(stream.pages())
    session.benchmark("remove").ratings[1].pop("kim")
    session.show(SessionState.CONCLUDED)
    session.golden(1, "qa-1", "keep")
    await stream.project(reporting_database)
    before = await _rows(reporting_database, stream.programme)
    async with reporting_database.writing(SERVICE) as writing:
        for page in (next(stream.pages()), old):
            await apply_calibration(writing, stream.programme, page.changes)

    assert await _rows(reporting_database, stream.programme) == before


async def test_the_walls_hold_without_any_filter(reporting_database: Database) -> None:
    """A vendor finds sessions that it takes part in, its raters and the client's, no other vendor's, no draft, no golden item."""
    stream = Stream()
    both = Session(stream, RATINGS).benchmark("keep").show(SessionState.CONCLUDED)
    raters = {"qa-1": None, "kim": "borealis"}
    Session(stream, ({"qa-1": "keep", "kim": "keep"},), raters=raters).show(SessionState.CONCLUDED)
    both.golden(1, "qa-1", "keep")
    Session(stream, RATINGS, day=7).show(SessionState.DRAFT)
    await stream.project(reporting_database)

    async def found(vendor: str) -> dict[str, list[Any]]:
        principal = Principal("someone", frozenset({Role.VENDOR_POC}), frozenset({stream.programme}), vendor, "")
        async with reporting_database.reading(principal) as session:
            return {
                column.table.name: sorted(map(str, (await session.execute(select(column))).scalars()))
                for column in (
                    calibration_sessions.c.session_id,
                    calibration_raters.c.rater,
                    calibration_items.c.number,
                    calibration_ratings.c.rater,
                    golden_results.c.auditor,
                )
            }

    assert await found("acme") == {
        "calibration_sessions": [both.id],
        "calibration_raters": ["ann", "bob", "qa-1", "qa-2"],
        "calibration_items": ["1", "2", "3"],
        "calibration_ratings": ["ann", "ann", "bob", "qa-1", "qa-1", "qa-1", "qa-2", "qa-2"],
        "golden_results": [],
    }
    assert len((await found("borealis"))["calibration_sessions"]) == 2
    assert set(map(len, (await found("northwind")).values())) == {0}


async def test_before_review_there_is_no_rating(reporting_database: Database) -> None:
    """The feed shows none to anybody, so none can be told."""
    stream = Stream()
    Session(stream, RATINGS).show(SessionState.SCORING)
    await stream.project(reporting_database)

    assert (await _rows(reporting_database, stream.programme))["calibration_ratings"] == set()
