"""The projection: by difference or from zero, in whatever pages, the numbers come out the same."""

from collections import Counter
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, text

from reporting_api.cuboids import APPEALS, CUBOIDS, DIMENSIONS, ERROR_DIMENSIONS, MEASURES, ROLLED_UP, number, smallest
from reporting_api.metrics.appeals import appeal_sums
from reporting_api.metrics.samples import samples
from reporting_api.metrics.sums import Cut, sums
from reporting_api.projection.appeals import apply_appeals
from reporting_api.projection.apply import apply_audits
from reporting_api.projection.cursors import OvertakenError, apply_page, find_cursor, open_cursor, start_anew
from reporting_api.projection.page import read_changes
from reporting_api.projection.samples import SAMPLES, apply_samples
from reporting_api.projection.worker import SERVICE
from reporting_api.statistics.weighted import Drawn, weighted
from reporting_api.tables import appeals, facts, rollups, sample_draws, sample_items, sample_strata
from reporting_feed import CORRECT, EPOCH, Stream, error
from tallystick.schemas.metric import Dimension, View
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database

DAY = date(2026, 9, 1)

judgements = st.one_of(
    st.just(CORRECT),
    st.builds(
        lambda code, severity, score: error(code[0], code[1], severity) | {"quality_score": score},
        st.sampled_from([("FN-HARASS", "false_negative"), ("FP-HARASS", "false_positive"), ("WS-HATE", "wrong_selection")]),
        st.sampled_from(["critical", "minor", None]),
        st.sampled_from([None, 0.0, 0.3333]),
    ),
)
fields = st.fixed_dictionaries(
    {
        "vendor": st.sampled_from(["acme", "borealis"]),
        "site": st.sampled_from(["lisbon", "krakow"]),
        "queue": st.sampled_from(["live", "comments"]),
        "policy": st.sampled_from(["harassment", "hate"]),
        "audit_party": st.sampled_from(["client", "vendor"]),
        "automated_detection": st.booleans(),
        "moderator": st.sampled_from(["m-1", "m-2"]),
        "handling_time_s": st.sampled_from([None, 0, 61]),
        "stratum": st.sampled_from([None, "a", "b"]),
        "inclusion_probability": st.sampled_from([None, 0.1, 1 / 3, 1.0]),
        "day": st.integers(0, 40).map(lambda days: DAY + timedelta(days=days)),
    }
)
happenings = st.lists(
    st.one_of(
        st.tuples(st.just("create"), judgements, fields),
        st.tuples(st.just("create"), judgements, fields),
        st.tuples(st.just("revise"), judgements, st.integers(0, 99)),
        st.tuples(st.just("revise"), judgements, st.integers(0, 99)),
        st.tuples(st.just("erase"), st.none(), st.integers(0, 99)),
        st.tuples(st.just("appeal"), st.none(), st.integers(0, 99)),
        st.tuples(st.just("decide"), st.sampled_from(["upheld", "overturned", "amended"]), st.integers(0, 99)),
        st.tuples(st.just("read"), st.none(), st.integers(1, 6)),
        st.tuples(st.just("read"), st.none(), st.integers(1, 6)),
        st.tuples(st.just("replay"), st.none(), st.integers(0, 99)),
        st.tuples(st.just("draw"), st.sampled_from(["committed", "drawn", "missed"]), st.integers(0, 99)),
        st.tuples(st.just("item"), st.sampled_from(["waiting", "claimed", "audited", "void"]), st.integers(0, 99)),
        st.tuples(st.just("item"), st.sampled_from(["waiting", "claimed", "audited", "void"]), st.integers(0, 99)),
    ),
    min_size=20,
    max_size=60,
)


async def _cells(database: Database, programme: str) -> set[tuple[str, str]]:
    """All facts, all cells, all appeals and all that was drawn, without the programme's name."""
    async with database.reading(SERVICE) as session:
        return {
            (table.name, repr(tuple(row)[1:]))
            for table in (facts, rollups, appeals, *SAMPLES)
            for row in (await session.execute(select(table).where(table.c.programme == programme))).all()
        }


def _appeal_model(stream: Stream, cut: Cut) -> dict[tuple[str, ...], dict[str, int]]:
    """The sums of a cut's appeals, counted one by one in plain Python. Errors are those that were appealed."""
    counters: dict[tuple[str, ...], Counter[str]] = {}
    audits: dict[tuple[str, ...], set[str]] = {}
    for appeal in stream.appeals.values():
        error_of = {name: appeal[name] or "" for name in ("error_class", "error_code", "severity")}
        if cut.by_error and not error_of["error_class"]:
            continue
        values = _values(stream.audits[appeal["audit_id"]]) | error_of
        if not _passes(values, cut):
            continue
        key, state = tuple(values[name] for name in cut.by), appeal["state"]
        audits.setdefault(key, set()).add(appeal["audit_id"])
        counters.setdefault(key, Counter()).update(
            appeals=1,
            decided=state in {"upheld", "overturned", "amended"},
            changed=state in {"overturned", "amended"},
            **{"open" if state == "submitted" else state: 1},
        )
    return {key: {name: counter[name] for name in APPEALS} | {"appealed": len(audits[key])} for key, counter in counters.items()}


def _sample_model(stream: Stream, cut: Cut, key: tuple[str, ...]) -> list[Drawn]:
    """The drawn audits of a group of a cut by stratum, counted one by one in plain Python."""
    whole: Counter[Any] = Counter()
    inside: Counter[Any] = Counter()
    wrong: Counter[Any] = Counter()
    of_vendors = {name: values for name, values in cut.filters.items() if name == "vendor"}
    by = [(name, value) for name, value in zip(cut.by, key, strict=True)]
    for audit in stream.audits.values():
        stratum = audit["vendor"], audit["stratum"] or "", audit["inclusion_probability"]
        judged = _judged(audit, cut.view)
        values = _values(judged)
        period = Cut(cut.programme, (), of_vendors, cut.start, cut.end, cut.view)
        if stratum[-1] is None or not _passes(values, period):
            continue
        whole[stratum] += 1
        if _passes(values, cut.without_errors()) and all(
            values[name] == value for name, value in by if name not in ERROR_DIMENSIONS
        ):
            inside[stratum] += 1
            wrong[stratum] += (
                judged["verdict"] == "incorrect" and _passes(values, cut) and all(values[name] == value for name, value in by)
            )
    return [Drawn(stratum[-1], whole[stratum], inside[stratum], wrong[stratum]) for stratum in inside]


def _judged(audit: dict[str, Any], view: View) -> dict[str, Any]:
    return audit | (audit["first_scored"] or {}) if view == View.FIRST_SCORED else audit


def _values(audit: dict[str, Any]) -> dict[str, str]:
    """What an audit is counted by."""
    day = date.fromisoformat(audit["audited_at"][:10])
    values = {name: audit[name] or "" for name in DIMENSIONS if name != "automated_detection"}
    values["automated_detection"] = str(audit["automated_detection"]).lower()
    return values | {"day": str(day), "week": str(day - timedelta(days=day.weekday())), "month": str(day.replace(day=1))}


def _passes(values: dict[str, str], cut: Cut) -> bool:
    if any(values[name] not in wanted for name, wanted in cut.filters.items()):
        return False
    return not ((cut.start and values["day"] < str(cut.start)) or (cut.end and values["day"] >= str(cut.end)))


def _model(stream: Stream, cut: Cut) -> dict[tuple[str, ...], dict[str, int]]:
    """The sums of a cut, counted audit by audit in plain Python."""
    found: dict[tuple[str, ...], Counter[str]] = {}
    for audit in stream.audits.values():
        judged = _judged(audit, cut.view)
        wrong = judged["verdict"] == "incorrect"
        if cut.by_error and not wrong:
            continue
        values = _values(judged)
        if not _passes(values, cut):
            continue
        score = judged["quality_score"]
        found.setdefault(tuple(values[name] for name in cut.by), Counter()).update(
            audits=1,
            errors=wrong,
            critical_errors=wrong and judged["severity"] == "critical",
            false_positives=judged["error_class"] == "false_positive",
            false_negatives=judged["error_class"] == "false_negative",
            handling_time_s=audit["handling_time_s"] or 0,
            timed=audit["handling_time_s"] is not None,
            score=0 if score is None else round(score * 10_000),
            scored=score is not None,
        )
    return {key: {name: counter[name] for name in MEASURES} for key, counter in found.items()}


cuts = st.builds(
    Cut,
    programme=st.just(""),
    by=st.lists(st.sampled_from(list(Dimension)), max_size=3, unique=True).map(tuple),
    filters=st.dictionaries(
        st.sampled_from(["vendor", "queue", "error_class", "severity", "automated_detection", "moderator"]), st.none(), max_size=2
    ).map(
        lambda names: {
            name: {
                "vendor": ("acme",),
                "queue": ("live", "comments"),
                "error_class": ("false_negative", "wrong_selection"),
                "severity": ("critical",),
                "automated_detection": ("true",),
                "moderator": ("m-2",),
            }[name]
            for name in names
        }
    ),
    start=st.sampled_from([None, DAY + timedelta(days=7)]),
    end=st.sampled_from([None, DAY + timedelta(days=30)]),
    view=st.sampled_from(list(View)),
)


def _happen(stream: Stream, what: str, detail: Any, which: Any) -> None:
    audits, raised = list(stream.audits), list(stream.appeals)
    if what in {"draw", "item"}:
        _sample(stream, what, detail, which)
    if what == "create":
        stream.create(detail, **which)
    elif what == "decide" and raised:
        stream.decide(raised[which % len(raised)], detail)
    elif what == "revise" and audits:
        stream.revise(audits[which % len(audits)], detail)
    elif what in {"appeal", "erase"} and audits:
        getattr(stream, what)(audits[which % len(audits)])


def _sample(stream: Stream, what: str, state: str, which: int) -> None:
    """A draw of three comes, or shows other strata; an item of it comes, or goes on."""
    draw_id = str(UUID(int=which % 3))
    if what == "draw":
        strata = [{"stratum": f"s-{place}", "planned": 1 + which} for place in range(1 + which % 4)]
        stream.draw(id=draw_id, state=state, strata=strata)
    else:
        audit_id = next(iter(stream.audits), None) if state == "audited" else None
        stream.item(id=str(UUID(int=which)), draw_id=draw_id, state=state, audit_id=audit_id)


def _sample_rows(stream: Stream) -> set[tuple[str, ...]]:
    """What the feed shows last of draws, their strata and items."""
    draws, items = stream.others.get("draw", {}), stream.others.get("sample_item", {})
    return {
        *(("draw", each["id"], each["state"]) for each in draws.values()),
        *(("stratum", each["id"], own["stratum"], str(own["planned"])) for each in draws.values() for own in each["strata"]),
        *(("item", each["id"], each["state"], str(each["audit_id"])) for each in items.values()),
    }


async def _known_sample(database: Database, programme: str) -> set[tuple[str, ...]]:
    """The same as it is known."""
    d, s, i = sample_draws.c, sample_strata.c, sample_items.c
    async with database.reading(SERVICE) as session:
        return {
            *[("draw", *map(str, row)) for row in await session.rows(select(d.draw_id, d.state).where(d.programme == programme))],
            *[
                ("stratum", *map(str, row))
                for row in await session.rows(select(s.draw_id, s.stratum, s.planned).where(s.programme == programme))
            ],
            *[
                ("item", *map(str, row))
                for row in await session.rows(select(i.item_id, i.state, i.audit_id).where(i.programme == programme))
            ],
        }


@given(history=happenings, questions=st.lists(cuts, min_size=3, max_size=6))
@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
async def test_incremental_numbers_equal_rebuilt_and_counted_ones(
    reporting_database: Database, history: list[Any], questions: list[Cut]
) -> None:
    """The sums kept by difference are those built from zero, those counted from the facts, and those counted in Python.

    So it is over any history of creates, revisions, appeals and erasures, read in any pages, some again and out of order.
    What was drawn is what the feed shows last.
    """
    stream = Stream()
    seen = []
    for what, judgement, detail in [*history, ("read", None, 1000)]:
        if what == "read":
            async with reporting_database.writing(SERVICE) as session:
                cursor = await open_cursor(session, Programme.model_validate(stream.document))
                page = next(stream.pages(cursor.position, detail))
                await apply_page(session, cursor, page, read_changes(page, "Europe/Berlin"))
            seen.append(page)
        elif what == "replay" and seen:
            async with reporting_database.writing(SERVICE) as session:
                again = read_changes(seen[detail % len(seen)], "Europe/Berlin")
                if again.audits is not None:
                    await apply_audits(session, stream.programme, again.audits)
                await apply_appeals(session, stream.programme, again.others)
                await apply_samples(session, stream.programme, again.others)
        elif what != "replay":
            _happen(stream, what, judgement, detail)
    incremental = await _cells(reporting_database, stream.programme)
    async with reporting_database.writing(SERVICE) as session:
        await start_anew(session, stream.programme)
    await stream.project(reporting_database)

    assert incremental == await _cells(reporting_database, stream.programme)
    assert await _known_sample(reporting_database, stream.programme) == _sample_rows(stream)
    for question in questions:
        cut = Cut(stream.programme, question.by, question.filters, question.start, question.end, question.view)
        async with reporting_database.reading(SERVICE) as session:
            kept, counted = await sums(session, cut), await sums(session, cut, from_facts=True)
            appealed = await appeal_sums(session, cut)
            drawn = await samples(session, cut)
        for key in kept:
            found, wanted = drawn.of(key).estimate, weighted(_sample_model(stream, cut, key))
            assert found.rate == pytest.approx(wanted.rate)
            assert found.error == pytest.approx(wanted.error)
        assert kept == counted == _model(stream, cut)
        assert appealed == _appeal_model(stream, cut)


async def test_a_page_applied_twice_changes_nothing(reporting_database: Database) -> None:
    stream = Stream()
    stream.create(error())
    await stream.project(reporting_database)
    before = await _cells(reporting_database, stream.programme)
    async with reporting_database.writing(SERVICE) as session:
        for page in stream.pages():
            audits = read_changes(page, "Europe/Berlin").audits
            assert audits is not None
            await apply_audits(session, stream.programme, audits)

    assert await _cells(reporting_database, stream.programme) == before


async def test_a_worker_that_was_overtaken_applies_nothing(reporting_database: Database) -> None:
    """A page is applied only from the cursor it was read from, so two workers at once count nothing twice."""
    stream = Stream()
    stream.create()
    async with reporting_database.writing(SERVICE) as session:
        cursor = await open_cursor(session, Programme.model_validate(stream.document))
    (page,) = stream.pages()
    await stream.project(reporting_database)
    stream.create()
    with pytest.raises(OvertakenError):
        async with reporting_database.writing(SERVICE) as session:
            await apply_page(session, cursor, page, read_changes(page, "Europe/Berlin"))

    async with reporting_database.reading(SERVICE) as session:
        found = await find_cursor(session, stream.programme)
    assert found is not None
    assert (found.position, found.epoch, found.cursor) == (page.position, EPOCH, page.cursor)


async def test_a_worker_of_an_earlier_life_applies_nothing(reporting_database: Database) -> None:
    """What was read for a projection that has been begun anew since is not counted in the new one, in the days of the old."""
    stream = Stream()
    async with reporting_database.writing(SERVICE) as session:
        cursor = await open_cursor(session, Programme.model_validate(stream.document))
    (page,) = stream.pages()
    async with reporting_database.writing(SERVICE) as session:
        await start_anew(session, stream.programme)
    with pytest.raises(OvertakenError):
        async with reporting_database.writing(SERVICE) as session:
            await apply_page(session, cursor, page, read_changes(page, "Europe/Berlin"))


async def test_a_failure_moves_neither_numbers_nor_cursor(reporting_database: Database) -> None:
    stream = Stream()
    stream.create()
    (page,) = stream.pages()

    async def fail_after_applying() -> None:
        async with reporting_database.writing(SERVICE) as session:
            cursor = await open_cursor(session, Programme.model_validate(stream.document))
            await apply_page(session, cursor, page, read_changes(page, "Europe/Berlin"))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_applying()

    assert await _cells(reporting_database, stream.programme) == set()


async def test_an_erased_audit_keeps_counting_and_belongs_to_nobody(reporting_database: Database) -> None:
    stream = Stream()
    audit_id = stream.create(error())
    await stream.project(reporting_database)
    stream.erase(audit_id)
    await stream.project(reporting_database)
    cut = Cut(stream.programme, (Dimension.AUDITOR,), {}, None, None, View.ADJUDICATED)
    async with reporting_database.reading(SERVICE) as session:
        found = await sums(session, cut)

    assert [(key, each["errors"]) for key, each in found.items()] == [(("",), 1)]


async def test_an_erased_name_is_nowhere_in_the_database(reporting_database: Database) -> None:
    """Neither in the facts nor in the sums, in no table: what was kept under the auditor's and the moderator's name is gone."""
    stream = Stream()
    erased = stream.create(error(), auditor="qa-ada-lovelace", moderator="m-grace-hopper")
    revised = stream.create(error(), auditor="qa-ada-lovelace", moderator="m-grace-hopper")
    await stream.project(reporting_database)
    stream.revise(revised, CORRECT)
    await stream.project(reporting_database)
    before = await _tables_naming(reporting_database, "ada-lovelace", "grace-hopper")
    stream.erase(erased)
    stream.erase(revised)
    await stream.project(reporting_database)

    assert before == {"facts", "rollups"}
    assert await _tables_naming(reporting_database, "ada-lovelace", "grace-hopper") == set()


async def _tables_naming(database: Database, *names: str) -> set[str]:
    """The tables that hold any of these names, in whichever column."""
    tables = text("select table_name from information_schema.tables where table_schema = 'public'")
    async with database.reading(SERVICE) as session:
        return {
            table
            for table in (await session.execute(tables)).scalars().all()
            for name in names
            if (
                await session.execute(
                    text(f'select exists (select from "{table}" as row where row::text like :name)'),
                    {"name": f"%{name}%"},
                )
            ).scalar_one()
        }


async def test_days_are_those_of_the_programmes_time_zone(reporting_database: Database) -> None:
    """Half past ten in the evening in UTC is the next day in Berlin in summer."""
    stream = Stream()
    stream.create(audited_at="2026-08-31T22:30:00Z")
    await stream.project(reporting_database)
    cut = Cut(stream.programme, (Dimension.DAY,), {}, None, None, View.ADJUDICATED)
    async with reporting_database.reading(SERVICE) as session:
        assert list(await sums(session, cut)) == [("2026-09-01",)]


async def test_a_reader_sees_one_state(reporting_database: Database) -> None:
    """What is counted while an answer is being put together is not in one part of it and missing in another."""
    stream = Stream()
    stream.create()
    await stream.project(reporting_database)
    cut = Cut(stream.programme, (), {}, None, None, View.ADJUDICATED)
    async with reporting_database.reading(SERVICE) as session:
        before = await sums(session, cut)
        stream.create()
        await stream.project(reporting_database)
        after = await sums(session, cut)

    assert before == after


def test_every_cuboid_knows_the_vendor() -> None:
    """Isolation by vendor holds in every cell that is kept."""
    assert all("vendor" in cuboid for cuboid in CUBOIDS)


def test_error_dimensions_are_kept_together() -> None:
    """Which audits have an error is told by the error class, so no cuboid has a code or a severity without it."""
    assert all(cuboid >= ERROR_DIMENSIONS or ERROR_DIMENSIONS.isdisjoint(cuboid) for cuboid in CUBOIDS)


def test_the_smallest_cuboid_answers() -> None:
    assert smallest(frozenset({"vendor"})) == number(CUBOIDS[0])
    assert smallest(frozenset({"site", "error_code"})) == number(frozenset({"vendor", "site", *ERROR_DIMENSIONS}))
    assert smallest(frozenset({"moderator"})) is None
    assert len({number(cuboid) for cuboid in CUBOIDS}) == len(CUBOIDS)
    assert set().union(*CUBOIDS) == set(ROLLED_UP)
