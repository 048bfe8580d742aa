"""What there is to sample: decisions of some days by stratum, and what past audits say of them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, Text, and_, any_, cast, func, literal, select

from audit_api.audits.tables import audits
from audit_api.decisions.tables import decision_counts, decision_frames, decision_sources
from audit_api.sampling.periods import Period, before
from audit_api.sampling.tables import sample_items
from tallystick.draw import Frame, stratum_code
from tallystick.schemas.audit import AuditParty, Verdict
from tallystick.schemas.sampling import NewSamplingPlan, SamplingScope, StratumDimension, StratumValues
from tallystick.service.database import ReadSession, scoped

PERIODS = 4
"""How many whole periods tell what is expected of one to come."""
_LISTS = ("vendor", "site", "queue", "market", "language", "policy", "action", "risk")


@dataclass(frozen=True, slots=True)
class Counted:
    """A stratum, with the decisions that there are of it, or are expected, and its past audits."""

    code: str
    values: StratumValues
    decisions: float
    audits: int = 0
    errors: int = 0

    @property
    def vendor(self) -> str:
        """Whose decisions they are."""
        return self.values[StratumDimension.VENDOR]


async def count(session: ReadSession, programme: str, plan: NewSamplingPlan, period: Period) -> list[Counted]:
    """The strata of a period, as decisions are counted by now."""
    rows = await session.rows(_counts(programme, plan, period))
    return [_counted(plan, row[:-1], row[-1]) for row in rows]


async def expect(session: ReadSession, programme: str, plan: NewSamplingPlan, today: date) -> list[Counted]:
    """The strata that are expected of a whole period: the mean of the last four that were over before today and had decisions."""
    last = before(plan.period, today, PERIODS)
    window = Period(last[-1].first, last[0].last)
    c = decision_counts.c
    days = select(c.day).where(c.programme == programme, _within(window), *_scope(plan.scope)).distinct()
    found = {row[0] for row in await session.rows(days)}
    met = sum(any(period.first <= day <= period.last for day in found) for period in last)
    if not met:
        return []
    return [replace(each, decisions=each.decisions / met) for each in await count(session, programme, plan, window)]


def _counts(programme: str, plan: NewSamplingPlan, period: Period) -> Select[Any]:
    c = decision_counts.c
    shared = [c[dimension.value] for dimension in plan.dimensions()]
    total = cast(func.sum(c.decisions), c.decisions.type)
    statement = select(*shared, total).where(c.programme == programme, _within(period), *_scope(plan.scope))
    return statement.group_by(*shared).order_by(*shared)


def _within(period: Period) -> ColumnElement[bool]:
    return decision_counts.c.day.between(period.first, period.last)


def _scope(scope: SamplingScope) -> list[ColumnElement[bool]]:
    """What `tallystick.draw.scope_of` says of one decision, of the counts of all."""
    c = decision_counts.c
    wanted = [c[name] == any_(literal(list(values))) for name in _LISTS if (values := getattr(scope, name))]
    if scope.automated_decision is not None:
        wanted.append(c.automated_decision == str(scope.automated_decision).lower())
    return wanted


def _counted(plan: NewSamplingPlan, shared: Sequence[str], decisions: int) -> Counted:
    values = dict(zip(plan.dimensions(), shared, strict=True))
    return Counted(stratum_code(values), values, decisions)


def looks_back(plan: NewSamplingPlan) -> int | None:
    """On how many weeks of past audits a plan's allocation looks back; None where it does not."""
    weeks: int | None = getattr(plan.allocation, "weeks", None)
    return weeks


async def with_past(
    session: ReadSession, programme: str, plan: NewSamplingPlan, strata: list[Counted], moment: datetime, weeks: int | None
) -> list[Counted]:
    """The strata, with the client's audits of so many weeks and the errors among them; as they are where it is None.

    Audits know no band of risk but by the item that they came of.
    """
    if weeks is None or not strata:
        return strata
    a, i = audits.c, sample_items.c
    shared = [
        func.coalesce(i.risk, "") if dimension is StratumDimension.RISK else func.coalesce(cast(a[dimension.value], Text), "")
        for dimension in plan.dimensions()
    ]
    wrong = func.count().filter(a.verdict == Verdict.INCORRECT)
    statement = (
        select(*shared, func.count(), wrong)
        .where(
            a.programme == programme,
            a.audited_at >= moment - timedelta(weeks=weeks),
            a.audited_at <= moment,
            a.audit_party == AuditParty.CLIENT,
            a.erased.is_(other=False),
            a.checking.is_(other=False),
        )
        .group_by(*shared)
    )
    if StratumDimension.RISK in plan.dimensions():
        statement = statement.select_from(audits.outerjoin(sample_items, and_(i.programme == a.programme, i.audit_id == a.id)))
    past = {tuple(row[:-2]): row[-2:] for row in await session.rows(statement)}

    def looked_up(each: Counted) -> Counted:
        made, errors = past.get(tuple(each.values.values()), (0, 0))
        return replace(each, audits=made, errors=errors)

    return [looked_up(each) for each in strata]


async def sources(session: ReadSession, programme: str, vendors: Sequence[str], period: Period) -> Sequence[Row[Any]]:
    """Where the decisions of each vendor in a period were counted from, and how far each source is, by vendor (`about`)."""
    f, s = decision_frames.c, decision_sources.c
    of_source = and_(s.programme == f.programme, s.owner == f.owner, s.source == f.source)
    shared = (f.vendor.label("about"), s.owner, s.source, s.vendor, s.edition, s.next_row.label("lines"))
    total = cast(func.sum(f.decisions), f.decisions.type).label("decisions")
    statement: Select[Any] = select(*shared, total).select_from(decision_frames.join(decision_sources, of_source))
    statement = scoped(statement, decision_frames, programme, session.principal)
    statement = statement.where(f.day.between(period.first, period.last))
    if vendors:
        statement = statement.where(f.vendor == any_(literal(list(vendors))))
    return (await session.execute(statement.group_by(*shared))).all()


async def frames(session: ReadSession, programme: str, vendors: Sequence[str], period: Period) -> dict[str, Frame]:
    """How many decisions each vendor has in a period, whatever the scope, and the digest of all of them."""
    c = decision_frames.c
    statement = scoped(select(c.vendor, c.decisions, c.digest), decision_frames, programme, session.principal)
    statement = statement.where(c.day.between(period.first, period.last))
    if vendors:
        statement = statement.where(c.vendor == any_(literal(list(vendors))))
    found: dict[str, Frame] = {}
    for vendor, decisions, digest in await session.rows(statement):
        found[vendor] = found.get(vendor, Frame()) + Frame.read(decisions, digest)
    return found
