"""Reading draws: as a principal may see them, with their strata, and what it takes to repeat them."""

from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, Row, Select, any_, cast, func, literal, or_, select, true, tuple_

from audit_api.programmes.records import find_programme, get_programme
from audit_api.sampling.problems import DrawNotReady
from audit_api.sampling.tables import draw_frames, draw_sources, draw_strata, draws, sample_items
from tallystick.draw import Frame
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import (
    Draw,
    DrawState,
    DrawStratum,
    ItemState,
    NewSamplingPlan,
    NeymanAllocation,
    ProportionalAllocation,
    Receipt,
    ReceiptSource,
    ReceiptStratum,
    SamplingScope,
    SharedTotal,
    StratumDimension,
    StratumValues,
    ToldAllocation,
)
from tallystick.service.auth import Principal
from tallystick.service.database import ReadSession, scoped
from tallystick.service.problems import NotFound

_d, _s, _i = draws.c, draw_strata.c, sample_items.c
_KEPT = (
    "programme", "id", "revision", "position", "plan_id", "plan_version", "state", "first_day", "last_day", "commitment",
    "committed_at", "draw_after", "drawn_at", "due_at", "decisions", "planned", "drawn",
)  # fmt: skip
TOLD = (DrawState.DRAWN, DrawState.MISSED)
"""The states from which on there is a receipt."""


def about(principal: Principal) -> ColumnElement[bool]:
    """Whether a draw is about a principal's vendor: one that is about others alone is not there for it."""
    if principal.vendor is None:
        return true()
    return or_(func.cardinality(_d.vendors) == 0, literal(principal.vendor) == any_(_d.vendors))


def _visible(programme: str, principal: Principal) -> Select[Any]:
    """The statement of all draws that a principal may see."""
    return scoped(select(draws), draws, programme, principal).where(about(principal))


def _documents(visible: Select[Any], programme: str, principal: Principal) -> Select[Any]:
    """The statement of some draws, each with the sums of the strata that a principal may see, of these draws alone."""
    found = visible.subquery("found")
    names = ("decisions", "planned", "drawn")
    sums: list[Any] = [func.coalesce(cast(func.sum(_s[name]), BigInteger), 0).label(name) for name in names]
    of_draw: Select[Any] = select(*sums).where(_s.draw_id == found.c.id)
    totals = scoped(of_draw, draw_strata, programme, principal).correlate(found).lateral("totals")
    return select(found, totals).select_from(found.join(totals, true()))


def _document(row: Row[Any], principal: Principal) -> Draw:
    plan = NewSamplingPlan.model_validate(row.design)
    shown = {name: row._mapping[name] for name in _KEPT}
    told = plan.allocation if principal.vendor is None else _allocation_for(plan, principal.vendor)
    return Draw(title=plan.title, dimensions=plan.dimensions(), allocation=told, key=row.told_key, **shown)


async def get_draw(session: ReadSession, programme: str, draw_id: UUID) -> Draw:
    """One draw; a problem where there is none to see."""
    return _document(await find_draw(session, programme, draw_id), session.principal)


async def find_draw(session: ReadSession, programme: str, draw_id: UUID) -> Row[Any]:
    """The row of one draw; a problem where there is none to see."""
    await get_programme(session, programme)
    found = _visible(programme, session.principal).where(_d.id == draw_id)
    row = (await session.execute(_documents(found, programme, session.principal))).one_or_none()
    if row is None:
        raise NotFound("There is no such draw.")
    return row


async def list_draws(
    session: ReadSession,
    programme: str,
    *,
    plan_id: UUID | None,
    states: Sequence[DrawState],
    before: tuple[date, UUID] | None,
    limit: int,
) -> list[Draw]:
    """Draws by plan and states, newest period first, those before a first day and id."""
    await get_programme(session, programme)
    found = _visible(programme, session.principal).order_by(_d.first_day.desc(), _d.id.desc()).limit(limit)
    if plan_id is not None:
        found = found.where(_d.plan_id == plan_id)
    if states:
        found = found.where(_d.state.in_(states))
    if before is not None:
        found = found.where(tuple_(_d.first_day, _d.id) < tuple_(*map(literal, before)))
    statement = _documents(found, programme, session.principal)
    shown = statement.selected_columns
    rows = await session.execute(statement.order_by(shown.first_day.desc(), shown.id.desc()))
    return [_document(row, session.principal) for row in rows]


async def list_strata(
    session: ReadSession, programme: str, draw_id: UUID, vendors: Sequence[str], after: str, limit: int
) -> list[DrawStratum]:
    """The strata of a draw that the principal may see, by code, after a code; of these vendors where some are named."""
    await find_draw(session, programme, draw_id)
    statement = scoped(select(draw_strata), draw_strata, programme, session.principal)
    statement = statement.where(_s.draw_id == draw_id, _s.stratum > after)
    if vendors:
        statement = statement.where(_s.vendor.in_(vendors))
    rows = await session.execute(statement.order_by(_s.stratum).limit(limit))
    return [_stratum(row, session.principal) for row in rows]


async def name_strata(session: ReadSession, programme: str, draw_ids: Collection[UUID]) -> dict[tuple[UUID, str], StratumValues]:
    """What the decisions of each stratum of some draws have in common, by draw and code."""
    statement = scoped(select(_s.draw_id, _s.stratum, _s["values"]), draw_strata, programme, session.principal)
    rows = await session.execute(statement.where(_s.draw_id.in_(draw_ids)))
    return {(row.draw_id, row.stratum): _shown(row._mapping["values"], session.principal) for row in rows}


async def name_draws(session: ReadSession, programme: str, draw_ids: Collection[UUID]) -> dict[UUID, Draw]:
    """Some draws by their ids, those that the principal may see."""
    found = _visible(programme, session.principal).where(_d.id.in_(draw_ids))
    rows = await session.execute(_documents(found, programme, session.principal))
    return {row.id: _document(row, session.principal) for row in rows}


def _stratum(row: Row[Any], principal: Principal) -> DrawStratum:
    return DrawStratum(
        stratum=row.stratum,
        vendor=row.vendor,
        values=_shown(row.values, principal),
        decisions=row.decisions,
        planned=row.planned,
        drawn=row.drawn,
    )


_KNOW_MODERATORS = (
    Role.SERVICE, Role.ADMIN, Role.QUALITY_MANAGER, Role.ANALYST, Role.VENDOR_POC, Role.VENDOR_SYSTEM,
)  # fmt: skip


def _shown(values: StratumValues, principal: Principal) -> StratumValues:
    """What the decisions of a stratum have in common. Who audits them is not told whose they are."""
    if principal.holds(*_KNOW_MODERATORS):
        return values
    return {dimension: value for dimension, value in values.items() if dimension != StratumDimension.MODERATOR}


async def get_receipt(session: ReadSession, programme: str, draw_id: UUID, vendor: str) -> Receipt:
    """What it takes for a vendor to repeat a draw.

    Raises:
        NotFound: There is no such draw to see, or it is not about this vendor.
        DrawNotReady: It is not drawn.
    """
    draw = await find_draw(session, programme, draw_id)
    named = {each["slug"] for each in (await get_programme(session, programme)).document["vendors"]}
    if session.principal.vendor not in {None, vendor} or vendor not in named or (draw.vendors and vendor not in draw.vendors):
        raise NotFound("There is no such draw.")
    if draw.state not in TOLD:
        raise not_ready(draw)
    plan = NewSamplingPlan.model_validate(draw.design)
    frame = await _frame(session, programme, draw_id, vendor)
    return Receipt(
        programme=programme,
        draw_id=draw_id,
        vendor=vendor,
        title=plan.title,
        first_day=draw.first_day,
        last_day=draw.last_day,
        time_zone=draw.time_zone,
        scope=_scope_for(plan.scope, vendor),
        dimensions=plan.dimensions(),
        allocation=_allocation_for(plan, vendor),
        commitment=draw.commitment,
        committed_at=draw.committed_at,
        key=draw.told_key,
        decisions=frame.decisions,
        frame=frame.hex,
        sources=tuple(await _sources(session, programme, draw_id, vendor)),
        strata=tuple(await _receipt_strata(session, programme, draw_id, vendor)),
    )


def not_ready(draw: Row[Any]) -> DrawNotReady:
    """The problem of a draw that is not so far."""
    return DrawNotReady(f"The draw is {draw.state}.", state=draw.state, draw_after=draw.draw_after)


def _allocation_for(plan: NewSamplingPlan, vendor: str) -> ToldAllocation:
    """A plan's allocation, without a total that is not this vendor's alone."""
    allocation = plan.allocation
    if isinstance(allocation, ProportionalAllocation | NeymanAllocation) and set(plan.scope.vendor) != {vendor}:
        return SharedTotal(kind=allocation.kind)
    return allocation


def _scope_for(scope: SamplingScope, vendor: str) -> SamplingScope:
    """A plan's scope, without the other vendors that it names."""
    return scope.model_copy(update={"vendor": (vendor,) if scope.vendor else ()})


async def _frame(session: ReadSession, programme: str, draw_id: UUID, vendor: str) -> Frame:
    f = draw_frames.c
    statement = scoped(select(f.decisions, f.digest), draw_frames, programme, session.principal)
    row = (await session.execute(statement.where(f.draw_id == draw_id, f.vendor == vendor))).one_or_none()
    return Frame() if row is None else Frame.read(row.decisions, row.digest)


async def _sources(session: ReadSession, programme: str, draw_id: UUID, vendor: str) -> list[ReceiptSource]:
    """Where the frame came from, as far as the principal may know: a vendor is told of its own sources."""
    s = draw_sources.c
    told = select(s.source, s.edition, s.lines, s.decisions)
    statement = scoped(told, draw_sources, programme, session.principal).where(s.draw_id == draw_id, s.about == vendor)
    rows = await session.execute(statement.order_by(s.owner, s.source))
    return [ReceiptSource.model_validate(dict(row._mapping)) for row in rows]


async def _receipt_strata(session: ReadSession, programme: str, draw_id: UUID, vendor: str) -> list[ReceiptStratum]:
    items = scoped(select(_i.stratum, _i.decision_id, _i.state), sample_items, programme, session.principal)
    items = items.where(_i.draw_id == draw_id, _i.vendor == vendor, _i.kind == "sampled").order_by(_i.stratum, _i.rank)
    drawn: dict[str, list[str]] = {}
    voided: dict[str, list[str]] = {}
    for stratum, decision_id, state in await session.rows(items):
        drawn.setdefault(stratum, []).append(decision_id)
        if state == ItemState.VOID:
            voided.setdefault(stratum, []).append(decision_id)
    strata = scoped(select(draw_strata), draw_strata, programme, session.principal)
    rows = await session.execute(strata.where(_s.draw_id == draw_id, _s.vendor == vendor).order_by(_s.stratum))
    return [_receipt_stratum(_stratum(row, session.principal), drawn, voided) for row in rows]


def _receipt_stratum(stratum: DrawStratum, drawn: dict[str, list[str]], voided: dict[str, list[str]]) -> ReceiptStratum:
    """One stratum of a receipt. Of the void items those are named that another took the place of: where there was one left."""
    items, gone = drawn.get(stratum.stratum, []), voided.get(stratum.stratum, [])
    return ReceiptStratum(**stratum.model_dump(), items=tuple(items), voided=tuple(gone[: len(items) - stratum.drawn]))


async def read_changes(session: ReadSession, programme: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Draws as the feed shows them: each with the strata that the principal may see."""
    if await find_programme(session, programme) is None:
        return []
    changed = _visible(programme, session.principal).where(_d.position > after).order_by(_d.position).limit(limit)
    documents = _documents(changed, programme, session.principal)
    rows = await session.execute(documents.order_by(documents.selected_columns.position))
    found = [_document(row, session.principal) for row in rows]
    statement = scoped(select(draw_strata), draw_strata, programme, session.principal)
    statement = statement.where(_s.draw_id == any_(literal([draw.id for draw in found]))).order_by(_s.stratum)
    strata: dict[UUID, list[dict[str, Any]]] = {draw.id: [] for draw in found}
    for row in await session.execute(statement) if found else ():
        strata[row.draw_id].append(_stratum(row, session.principal).model_dump(mode="json"))
    return [
        {
            "position": draw.position,
            "id": draw.id,
            "revision": draw.revision,
            "erased": False,
            "data": {**draw.model_dump(mode="json"), "strata": strata[draw.id]},
        }
        for draw in found
    ]
