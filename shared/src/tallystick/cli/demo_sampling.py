"""The demonstration's draw: a week is planned, decided and drawn, a vendor repeats the draw, and auditors begin with it."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from rich.console import Group
from rich.table import Table

from tallystick import draw as repeated
from tallystick.cli.demo_case import Travel
from tallystick.cli.demo_cast import Cast
from tallystick.client import Tallystick
from tallystick.sample import Sample
from tallystick.schemas.audit import Judgement, NewAudit
from tallystick.schemas.decision import Decision
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Weekday
from tallystick.schemas.sampling import (
    Draw,
    DrawStratum,
    ItemState,
    NewItemAudit,
    NewSamplingPlan,
    NeymanAllocation,
    StratumDimension,
)
from tallystick.schemas.staffing import NewAuditor

_VENDOR = "northwind"
_AUDITS = 120
_AUDITORS = ("qa-ada", "qa-bo")
_ITEMS_EACH = 20
_A_DECISION = 3
"""Decisions that the moderators took for each audit of the sample."""


@dataclass(frozen=True)
class DrawStory:
    """What came of a week of decisions."""

    draw: Draw
    strata: list[DrawStratum]
    decisions: int
    """Of the vendor that repeated the draw."""
    findings: list[repeated.Finding]
    audited: Counter[str | None]
    """Items by stratum."""


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
        travel(timedelta())
        draw = await manager.draws.make(cast.programme, draw.id)
        receipt = await poc.draws.receipt(cast.programme, draw.id, _VENDOR)
        own = [each for each in decisions if each.vendor == _VENDOR]
        strata = [each async for each in manager.draws.strata(cast.programme, draw.id)]
        for auditor in _AUDITORS:
            await manager.auditors.put(cast.programme, auditor, NewAuditor(name=auditor, minutes=dict.fromkeys(Weekday, 480)))
            await _audit(cast, auditor, audits)
        audited = Counter([each.stratum async for each in manager.items.list(cast.programme, (ItemState.AUDITED,))])
        return DrawStory(draw, strata, len(own), repeated.verify(receipt, own), audited)


async def _audit(cast: Cast, auditor: str, audits: Mapping[str, NewAudit]) -> None:
    """Claim one item after the other, and judge each as the sample does."""
    async with cast.client(Role.AUDITOR, auditor) as tallystick:
        for _ in range(_ITEMS_EACH):
            claim = await tallystick.items.claim(cast.programme)
            if claim.item is None:
                return
            known = audits[claim.item.content_ref.removeprefix("item:").rpartition("-")[0]]
            judgement = Judgement.model_validate(known.model_dump(include=set(Judgement.model_fields)))
            new = NewItemAudit(judgement=judgement, handling_time_s=known.handling_time_s)
            await tallystick.items.audit(cast.programme, claim.item.id, new)


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
    """The draw by strata, and what came of repeating it."""
    table = Table(title=f"{story.draw.title}: {story.draw.first_day} to {story.draw.last_day}")
    for column in ("vendor", "queue", "decisions", "planned", "drawn", "audited"):
        table.add_column(column, justify="left" if column in {"vendor", "queue"} else "right")
    for each in sorted(story.strata, key=lambda stratum: tuple(stratum.values.values())):
        numbers = (f"{number:,}" for number in (each.decisions, each.planned, each.drawn, story.audited[each.stratum]))
        table.add_row(*each.values.values(), *numbers)
    found = "; ".join(each.detail for each in story.findings) or "all of it is as the receipt says"
    return Group(
        table,
        f"Audited so far: {story.audited.total():,} of {story.draw.drawn:,} that were drawn, by {len(_AUDITORS)} people.",
        f"Committed to before the week began: {story.draw.commitment}",
        f"Told once it was drawn: {story.draw.key}",
        f"{_VENDOR} repeats its part from its own {story.decisions:,} decisions: {found}.",
    )
