"""Items: what is judged. Reading them as the principal may see them, adding them to a draft, and setting the benchmark."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    Text,
    and_,
    case,
    cast,
    func,
    insert,
    literal,
    literal_column,
    null,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by

from audit_api.audits.records import find_audits
from audit_api.calibration.problems import CalibrationRefused, refused
from audit_api.calibration.tables import calibration_items, calibration_ratings, calibration_sessions, golden_items
from audit_api.calibration.visibility import READERS, blind, is_own, of_anothers_audit, of_own_side, revealed, visible
from audit_api.metadata import streams
from tallystick.schemas.base import new_id
from tallystick.schemas.calibration import Benchmark, NewItem
from tallystick.schemas.principal import MANAGERS
from tallystick.schemas.problem import ProblemError
from tallystick.service.auth import Principal
from tallystick.service.database import ReadSession, WriteSession
from tallystick.service.feed import take_positions
from tallystick.service.problems import NotFound

MAX_ITEMS = 20_000
"""Of a session."""
_i, _s, _r = calibration_items.c, calibration_sessions.c, calibration_ratings.c
_NAMES = (
    "programme", "id", "session_id", "number", "revision", "position", "content_ref", "render_hints",
    "audit_id", "policy", "error_code", "repeat_of", "golden", "benchmark", "own", "ratings",
)  # fmt: skip
_JSON = ("benchmark", "own", "ratings")
_SHOWN = text(", ".join(f"calibration_items.{name}{'::text' if name.endswith('id') else ''}" for name in _NAMES[:8]))
_RATING = "'value', calibration_ratings.value, 'policy', calibration_ratings.policy, 'comment', calibration_ratings.comment"
_GIVEN = (
    f"{_RATING}, 'rater', calibration_ratings.rater, 'vendor', calibration_ratings.vendor, 'rated_at',"
    " to_char(calibration_ratings.rated_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
)
_BENCHMARK = (
    "case when calibration_items.benchmark is not null then json_build_object('value', calibration_items.benchmark,"
    " 'by', calibration_items.benchmark_by, 'discussion', calibration_items.discussion)::text end"
)


def documents(programme: str, principal: Principal, *, on_feed: bool = False) -> Select[Any]:
    """The statement of all items of a programme as a principal may see them.

    On the feed there is nothing that changes without a new position: no rating before review, one's own included, and never
    which items are hidden in everyday work.
    """
    this = (_r.programme == _i.programme, _r.session_id == _i.session_id, _r.number == _i.number)
    own: Select[Any] = select(literal_column(f"json_build_object({_RATING})::text"))
    own = own.where(*this, is_own(calibration_ratings, principal))
    given: ColumnElement[Any] = literal_column(f"json_build_object({_GIVEN})")
    ratings = select(func.json_agg(aggregate_order_by(given, _r.rater))).where(
        *this, revealed(), of_own_side(calibration_ratings, principal)
    )
    hidden = select(golden_items.c.item_id).where(golden_items.c.programme == _i.programme, golden_items.c.item_id == _i.id)
    masked, foreign = blind(principal), of_anothers_audit(principal)
    around = (calibration_items, calibration_sessions)
    statement = select(
        _SHOWN,
        cast(case((masked, null()), (foreign, null()), else_=_i.audit_id), Text),
        case((and_(masked, _i.audit_id.is_not(None)), null()), else_=_i.policy),
        case((masked, null()), (foreign, null()), else_=_i.error_code),
        case((masked, null()), else_=_i.repeat_of),
        hidden.correlate(*around).exists() if principal.holds(*MANAGERS) and not on_feed else literal(value=False),
        literal_column(_BENCHMARK),
        (own.where(revealed()) if on_feed else own).correlate(*around).scalar_subquery(),
        cast(func.coalesce(ratings.correlate(*around).scalar_subquery(), literal_column("'[]'::json")), Text),
    ).select_from(calibration_items.join(calibration_sessions, and_(_s.programme == _i.programme, _s.id == _i.session_id)))
    return visible(statement, programme, principal).where(_i.programme == programme)


def document(row: Sequence[Any]) -> dict[str, Any]:
    """An item as the API shows it, from a row of the columns in `documents()`."""
    shown: dict[str, Any] = dict(zip(_NAMES, row, strict=True))
    return shown | {name: shown[name] and orjson.Fragment(shown[name]) for name in _JSON}


async def list_items(session: ReadSession, programme: str, session_id: UUID, after: int, limit: int) -> list[dict[str, Any]]:
    """The items of a session after a number, in their order."""
    statement = documents(programme, session.principal).where(_i.session_id == session_id, _i.number > after)
    return [document(row) for row in await session.rows(statement.order_by(_i.number).limit(limit))]


async def find_item(session: ReadSession, current: Row[Any], number: int) -> Row[Any]:
    """The row of an item of a session that is there; a problem where it has no such item."""
    this = (_i.programme == current.programme, _i.session_id == current.id, _i.number == number)
    row = (await session.execute(select(calibration_items).where(*this))).one_or_none()
    if row is None:
        raise NotFound("The session has no such item.")
    return row


async def add_items(session: WriteSession, current: Row[Any], new: Sequence[NewItem], position: int) -> None:
    """Add items to a draft, numbered on from those that it has. `position` is the first one's."""
    if current.items + len(new) > MAX_ITEMS:
        raise refused("/items", "too_many", f"A session has at most {MAX_ITEMS} items.")
    audits = await find_audits(session, current.programme, {item.audit_id for item in new if item.audit_id is not None})
    repeated = {item.repeat_of for item in new if item.repeat_of is not None and item.repeat_of <= current.items}
    earlier = select(calibration_items).where(
        _i.programme == current.programme, _i.session_id == current.id, _i.number.in_(repeated)
    )
    known: dict[int, Any] = {row.number: row._mapping for row in await session.execute(earlier)} if repeated else {}
    errors: list[ProblemError] = []
    values: list[dict[str, Any]] = []
    for place, item in enumerate(new):
        number = current.items + place + 1
        source: Any = {}
        if item.audit_id is not None:
            audit = audits.get(item.audit_id)
            if audit is None or audit.erased:
                errors.append(_fault(place, "audit_id", "unknown_audit", "There is no such audit, or it was erased."))
                continue
            source = {**audit._mapping, "policy": audit.benchmark_policy, "audit_vendor": audit.vendor}
        elif item.repeat_of is not None:
            source = known.get(item.repeat_of, {})
            if source.get("repeat_of", item.repeat_of) is not None:
                errors.append(_fault(place, "repeat_of", "unknown_item", "An earlier item that shows none again."))
                continue
        known[number] = {
            "programme": current.programme,
            "id": new_id(),
            "session_id": current.id,
            "number": number,
            "vendors": [],
            "audit_id": item.audit_id or source.get("audit_id"),
            "audit_vendor": source.get("audit_vendor"),
            "content_ref": item.content_ref or source.get("content_ref"),
            "render_hints": list(item.render_hints or source.get("render_hints", ())),
            "policy": item.policy or source.get("policy"),
            "error_code": item.error_code or source.get("error_code"),
            "repeat_of": item.repeat_of,
            "revision": 1,
            "position": position + place,
        }
        values.append(known[number])
    if errors:
        raise CalibrationRefused("Nothing of it was added.", errors=errors[:100])
    await session.execute(insert(calibration_items), values)


def _fault(place: int, field: str, code: str, detail: str) -> ProblemError:
    return ProblemError(pointer=f"/items/{place}/{field}", code=code, detail=detail)


async def set_benchmark(session: WriteSession, item: Row[Any], benchmark: Benchmark, position: int) -> None:
    """Write down the right answer, who says so, and what was said about it."""
    await session.execute(
        update(calibration_items)
        .where(_i.programme == item.programme, _i.id == item.id)
        .values(
            benchmark=benchmark.value,
            benchmark_by=benchmark.by,
            discussion=benchmark.discussion,
            revision=item.revision + 1,
            position=position,
        )
    )


async def forget_audit(session: WriteSession, programme: str, audit_id: UUID) -> None:
    """Erase the content reference of the items of an audit that is erased; what was judged stays."""
    of_audit = (_i.programme == programme, _i.audit_id == audit_id)
    found = (await session.execute(select(_i.id).where(*of_audit))).scalars().all()
    first = await take_positions(session, streams, programme, len(found)) if found else 0
    for place, item_id in enumerate(found):
        await session.execute(
            update(calibration_items)
            .where(_i.programme == programme, _i.id == item_id)
            .values(content_ref=None, revision=_i.revision + 1, position=first + place)
        )


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Items as the feed shows them."""
    if not session.principal.holds(*READERS):
        return []
    statement = documents(programme, session.principal, on_feed=True).where(_i.position > after)
    found = [document(row) for row in await session.rows(statement.order_by(_i.position).limit(limit))]
    return [
        {
            **{name: item[name] for name in ("position", "id", "revision")},
            "erased": item["content_ref"] is None,
            "data": item,
        }
        for item in found
    ]
