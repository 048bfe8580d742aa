"""What a plan would come to in a period, before anything is published, in numbers and sentences."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import datetime

from audit_api.sampling.allocation import Allocation
from audit_api.sampling.counting import PERIODS, Counted, expect, looks_back, with_past
from audit_api.sampling.sizing import in_strata, size
from audit_api.sampling.strata import LEVEL, Stratum, expected, rates
from tallystick.schemas.programme import Programme
from tallystick.schemas.sampling import NewSamplingPlan, PlanPreview, PreviewStratum
from tallystick.service.database import ReadSession
from tallystick.service.days import day_of

_SHOWN = 1000
_WEEKS = 13
"""Of past audits that tell error rates, where the allocation itself does not look back."""


async def preview(session: ReadSession, programme: Programme, plan: NewSamplingPlan, moment: datetime) -> PlanPreview:
    """Reckon a plan through for a whole period as the last four were."""
    today = day_of(moment, programme.time_zone)
    counted = await expect(session, programme.slug, plan, today)
    counted = await with_past(session, programme.slug, plan, counted, moment, looks_back(plan) or _WEEKS)
    return await asyncio.to_thread(_reckon, plan, counted)


def _reckon(plan: NewSamplingPlan, counted: Sequence[Counted]) -> PlanPreview:
    strata = in_strata(plan, counted)
    allocation = size(plan, counted)
    level = getattr(plan.allocation, "confidence", LEVEL)
    precision = expected(strata, allocation.numbers, level)
    audited = any(each.audits for each in counted)
    shown = [
        PreviewStratum(
            stratum=each.code,
            values=each.values,
            decisions=each.decisions,
            size=number,
            error_rate=rate if audited else None,
            half_width=half,
            cut=cut,
        )
        for each, number, rate, half, cut in zip(
            counted, allocation.numbers, rates(strata), precision.strata, allocation.cut, strict=True
        )
    ]
    shown.sort(key=lambda each: (-each.size, -each.decisions, each.stratum))
    return PlanPreview(
        strata=tuple(shown[:_SHOWN]),
        strata_count=len(shown),
        decisions=sum(each.decisions for each in counted),
        size=sum(allocation.numbers),
        cut=sum(allocation.cut),
        hours=allocation.minutes / 60,
        half_width=precision.overall,
        confidence=level,
        cheapest=all(number <= each.least for each, number in zip(strata, allocation.numbers, strict=True)),
        notes=tuple(_notes(plan, strata, allocation)),
    )


def _notes(plan: NewSamplingPlan, strata: Sequence[Stratum], allocation: Allocation) -> Iterator[str]:
    """What stands against a plan, in sentences."""
    if not strata:
        yield f"No decisions of this scope are counted in the last {PERIODS} whole periods: nothing can be expected."
        return
    if not any(each.audits for each in strata) and looks_back(plan) is not None:
        rate = rates(strata)[0]
        yield f"No past audits tell error rates: {rate:.0%} is taken for all of them."
    if missing := sum(allocation.missing):
        fewer = sum(1 for each in allocation.missing if each)
        yield f"{_strata(fewer)} fewer decisions than audits are wanted of them: {missing} cannot be had."
    total, there = getattr(plan.allocation, "total", 0), sum(each.size for each in strata)
    if total > there:
        yield f"There are {there} decisions, fewer than audits are wanted in all: {total - there} cannot be had."
    if cut := sum(allocation.cut):
        yield f"The budget takes away {cut} of {sum(allocation.wanted)} audits, where they tell the least."
    below = allocation.below_minimum(strata)
    if any(below):
        lacking = sum(1 for each in below if each)
        yield f"The budget is less than the minimums cost: {_strata(lacking)} {sum(below)} audits less than the minimum."
    without = sum(1 for each, number in zip(strata, allocation.numbers, strict=True) if each.size and not number)
    if without:
        yield f"{_strata(without)} no audit: the sample says nothing of them."


def _strata(number: int) -> str:
    return "1 stratum has" if number == 1 else f"{number} strata have"
