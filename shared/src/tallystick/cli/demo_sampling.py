"""The demonstration's draw: a week is planned, decided and drawn, a vendor repeats the draw, and auditors begin with it."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from time import monotonic
from uuid import UUID
from zoneinfo import ZoneInfo

from rich.console import Group

from tallystick import draw as repeated
from tallystick.cli.coverage_tables import coverage_tables
from tallystick.cli.demo_case import Travel
from tallystick.cli.demo_cast import AUDITORS, Cast
from tallystick.client import Tallystick, TallystickError
from tallystick.sample import Sample
from tallystick.schemas.audit import Judgement, NewAudit
from tallystick.schemas.coverage import CoverageReport
from tallystick.schemas.decision import Decision
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Weekday
from tallystick.schemas.sampling import (
    Claim,
    Draw,
    NewItemAudit,
    NewSamplingPlan,
    NeymanAllocation,
    SampleItem,
    StratumDimension,
)
from tallystick.schemas.staffing import NewAuditor

_VENDOR = "northwind"
_AUDITS = 120
_ITEMS_EACH = 20
_A_DECISION = 3
"""Decisions that the moderators took for each audit of the sample."""
_AT_WORK_FOR = timedelta(hours=1)
"""How long ago work on the draw begins, which is made as soon as it can be."""
_PATIENCE_S = 120.0
_LOOK_AGAIN_S = 0.2


class CoverageLateError(TallystickError):
    """The report on coverage did not catch up with the work in time."""


@dataclass(frozen=True)
class DrawStory:
    """What came of a week of decisions."""

    draw: Draw
    coverage: CoverageReport
    decisions: int
    """Of the vendor that repeated the draw."""
    findings: list[repeated.Finding]


async def tell_draw(cast: Cast, story: Sample, travel: Travel | None) -> DrawStory | None:
    """Plan a week before it begins, take its decisions in, draw, and repeat the draw for one vendor.

    Args:
        cast: who acts.
        story: whose weeks the decisions are of.
        travel: puts the clock of audit-api back. Without it the plan is published for the weeks to come, and nothing is drawn.
    """
    zone = ZoneInfo(story.programme.time_zone)
    today = datetime.now(zone).date()
    monday = today - timedelta(days=today.weekday() + 7)
    async with cast.manager() as manager, cast.poc(_VENDOR) as poc:
        if travel is None:
            await _published(manager, cast.programme, today + timedelta(days=1))
            return None
        travel(_before(monday, zone))
        plan = await _published(manager, cast.programme, monday)
        [draw] = [each async for each in manager.draws.list(cast.programme, plan=plan) if each.first_day == monday]
        travel(_before(monday + timedelta(days=7), zone))
        audits = {each.external_id: each for each in story.audits() if _day(each, zone) in _week(monday)}
        decisions = [_decision(audit, number) for audit in audits.values() for number in range(_A_DECISION)]
        await manager.decisions.push(cast.programme, f"week-of-{monday}", decisions)
        travel(draw.draw_after - datetime.now(UTC))
        draw = await manager.draws.make(cast.programme, draw.id)
        work = _Work(cast, audits, travel, max(draw.draw_after, datetime.now(UTC) - _AT_WORK_FOR))
        receipt = await poc.draws.receipt(cast.programme, draw.id, _VENDOR)
        own = [each for each in decisions if each.vendor == _VENDOR]
        for auditor in AUDITORS:
            await manager.auditors.put(cast.programme, auditor, NewAuditor(name=auditor, minutes=dict.fromkeys(Weekday, 480)))
        audited, claimed = await work.do()
        coverage = await _covered(manager, cast.programme, audited, claimed)
        return DrawStory(draw, coverage, len(own), repeated.verify(receipt, own))


class _Work:
    """What the auditors do with a draw: each has one item after the other, and judges it as the sample does.

    Args:
        cast: who acts.
        audits: those of the sample, by name.
        travel: puts the clock of audit-api back.
        begin: when the work begins.
    """

    def __init__(self, cast: Cast, audits: Mapping[str, NewAudit], travel: Travel, begin: datetime) -> None:
        self._cast, self._audits, self._travel = cast, audits, travel
        self._moment = begin

    def go_on(self, by: timedelta) -> None:
        """Let so much time pass, and no more than there is until now."""
        self._moment = min(self._moment + by, datetime.now(UTC))
        self._travel(self._moment - datetime.now(UTC))

    async def do(self) -> tuple[int, int]:
        """Claim and audit side by side, and take one item more by the machine's own clock; answers how many of each."""
        audited = 0
        async with AsyncExitStack() as stack:
            people = [await stack.enter_async_context(self._cast.client(Role.AUDITOR, auditor)) for auditor in AUDITORS]
            self.go_on(timedelta())
            for _ in range(_ITEMS_EACH):
                claims = [(each, await each.items.claim(self._cast.programme)) for each in people]
                audited += await self._judge(claims)
            self._travel(timedelta())
            last = [await each.items.claim(self._cast.programme) for each in people]
        return audited, sum(claim.item is not None for claim in last)

    async def _judge(self, claims: Sequence[tuple[Tallystick, Claim]]) -> int:
        """Judge what was claimed together, each after the time that it takes; answers how many there were."""
        taken = [(self._known(claim.item), claim.item, each) for each, claim in claims if claim.item is not None]
        passed = 0
        for known, item, each in sorted(taken, key=lambda one: one[0].handling_time_s or 0):
            seconds = known.handling_time_s or 0
            self.go_on(timedelta(seconds=seconds - passed))
            passed = seconds
            judgement = Judgement.model_validate(known.model_dump(include=set(Judgement.model_fields)))
            await each.items.audit(self._cast.programme, item.id, NewItemAudit(judgement=judgement, handling_time_s=seconds))
        return len(taken)

    def _known(self, item: SampleItem) -> NewAudit:
        return self._audits[item.content_ref.removeprefix("item:").rpartition("-")[0]]


async def _covered(manager: Tallystick, programme: str, audited: int, claimed: int) -> CoverageReport:
    """The report on coverage, once it tells of so many audits and so many items in hand."""
    deadline = monotonic() + _PATIENCE_S
    while True:
        report = await manager.coverage_report(programme)
        if (report.overall.audited, report.overall.claimed) == (audited, claimed):
            return report
        if monotonic() > deadline:
            raise CoverageLateError(f"The report on coverage did not tell of {audited} audits within {_PATIENCE_S:.0f} s.")
        await asyncio.sleep(_LOOK_AGAIN_S)


def _before(day: date, zone: ZoneInfo) -> timedelta:
    """How far it is from now to two hours before a day begins."""
    return datetime.combine(day, time(), zone) - timedelta(hours=2) - datetime.now(UTC)


async def _published(manager: Tallystick, programme: str, first: date) -> UUID:
    plans = manager.sampling_plans
    new = NewSamplingPlan(
        title="Every week, every queue",
        strata=(StratumDimension.QUEUE,),
        starts_on=first,
        allocation=NeymanAllocation(total=_AUDITS),
        minimum_per_stratum=2,
        settle_hours=0,
    )
    drafted = await plans.draft(programme, new)
    return (await plans.publish(programme, drafted.id, revision=drafted.revision)).id


def _day(audit: NewAudit, zone: ZoneInfo) -> date:
    return audit.decided_at.astimezone(zone).date()


def _week(monday: date) -> set[date]:
    return {monday + timedelta(days=day) for day in range(7)}


def _decision(audit: NewAudit, number: int) -> Decision:
    """One of the decisions that an audit of the sample stands for."""
    shared = audit.model_dump(include=set(Decision.model_fields) - {"content_ref", "moderator"})
    name = f"{audit.external_id}-{number}"
    return Decision(**shared, decision_id=f"D-{name}", content_ref=f"item:{name}", moderator=audit.moderator or "unknown")


def draw_table(story: DrawStory) -> Group:
    """How much of the draw is audited by now, and what came of repeating it."""
    found = "; ".join(each.detail for each in story.findings) or "all of it is as the receipt says"
    counts = story.coverage.overall
    return Group(
        coverage_tables(story.coverage),
        f"Audited so far: {counts.audited:,} of {counts.drawn:,} that were drawn, by {len(AUDITORS)} people;"
        f" {counts.claimed:,} are in their hands.",
        f"Committed to before the week began: {story.draw.commitment}",
        f"Told once it was drawn: {story.draw.key}",
        f"{_VENDOR} repeats its part from its own {story.decisions:,} decisions: {found}.",
    )
