"""How many decisions of each stratum a plan wants audited: its allocation, minimums and budget, in terms of `allocation`."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from audit_api.lots.standard import Plan, plan_of_lot
from audit_api.sampling import budget as limits
from audit_api.sampling.allocation import (
    Allocation,
    Fixed,
    Neyman,
    Power,
    Precision,
    Proportional,
    Rule,
    allocate,
    proportional,
)
from audit_api.sampling.counting import Counted
from audit_api.sampling.strata import Stratum
from tallystick.schemas.lot import Severity105
from tallystick.schemas.sampling import (
    AcceptanceAllocation,
    FixedAllocation,
    NewSamplingPlan,
    NeymanAllocation,
    PowerAllocation,
    PrecisionAllocation,
    ProportionalAllocation,
    StratumDimension,
)

_SPARE = 20
"""Candidates that are kept of every stratum beyond twice what is expected to be drawn of it."""
_UNKNOWN = 35_000
"""How many decisions a stratum is taken to have that nothing is known of."""
_MOST_UNKNOWN = 5_000
"""How many audits of it are reckoned with at most."""
Severities = Mapping[str, Severity105]
"""How the lots of strata are inspected, by code; those that are not there normally."""


def size(plan: NewSamplingPlan, counted: Sequence[Counted], severities: Severities | None = None) -> Allocation:
    """How many audits each stratum gets, in the order given."""
    strata = in_strata(plan, counted)
    if isinstance(plan.allocation, AcceptanceAllocation):
        return _by_standard(plan.allocation, counted, strata, severities or {})
    hours = plan.budget.hours
    return allocate(strata, _rule(plan), limits.Budget(plan.budget.audits, None if hours is None else hours * 60))


def in_strata(plan: NewSamplingPlan, counted: Sequence[Counted]) -> list[Stratum]:
    """The strata as allocation sees them."""
    sizes = [round(each.decisions) for each in counted]
    minimums = _minimums(plan, counted, sizes)
    rate = getattr(plan.allocation, "expected_error_rate", None)
    if any(each.audits for each in counted):
        rate = None
    return [
        Stratum(number, minimum=least, audits=each.audits, errors=each.errors, rate=rate, minutes=plan.minutes_per_audit)
        for each, number, least in zip(counted, sizes, minimums, strict=True)
    ]


def _minimums(plan: NewSamplingPlan, counted: Sequence[Counted], sizes: Sequence[int]) -> list[int]:
    """The minimum of each stratum; that of a moderator is divided among the strata of the moderator by their sizes."""
    minimums = [plan.minimum_per_stratum] * len(counted)
    if not plan.minimum_per_moderator:
        return minimums
    of_moderator: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place, each in enumerate(counted):
        of_moderator[each.vendor, each.values[StratumDimension.MODERATOR]].append(place)
    for places in of_moderator.values():
        shares = proportional([Stratum(sizes[place]) for place in places], plan.minimum_per_moderator)
        for place, share in zip(places, shares, strict=True):
            minimums[place] = max(minimums[place], share)
    return minimums


def _rule(plan: NewSamplingPlan) -> Rule:
    match plan.allocation:
        case FixedAllocation(each=each):
            return Fixed(each)
        case ProportionalAllocation(total=total):
            return Proportional(total)
        case NeymanAllocation(total=total):
            return Neyman(total)
        case PrecisionAllocation() as wanted:
            return Precision(wanted.half_width, wanted.confidence, wanted.of)
        case PowerAllocation() as wanted:
            return Power(wanted.difference, wanted.power, wanted.confidence)
        case AcceptanceAllocation():
            raise AssertionError("The samples of lots are the standard's.")


def _by_standard(
    wanted: AcceptanceAllocation, counted: Sequence[Counted], strata: Sequence[Stratum], severities: Severities
) -> Allocation:
    numbers = tuple(
        lot_plan(wanted, stratum.size, severities.get(each.code, Severity105.NORMAL)).sample if stratum.size else 0
        for each, stratum in zip(counted, strata, strict=True)
    )
    minutes = sum(number * each.minutes for number, each in zip(numbers, strata, strict=True))
    return Allocation(numbers, numbers, (0,) * len(numbers), minutes)


def lot_plan(wanted: AcceptanceAllocation, decisions: int, severity: Severity105) -> Plan:
    """How a lot is inspected. While acceptance is discontinued it is inspected as under tightened inspection, and rejected."""
    if severity is not Severity105.DISCONTINUED:
        return plan_of_lot(decisions, wanted.aql, wanted.level, severity)
    tightened = plan_of_lot(decisions, wanted.aql, wanted.level, Severity105.TIGHTENED)
    return Plan(tightened.letter, tightened.sample, accept=0, reject=0)


def reserve(drawn: int) -> int:
    """How many candidates are kept of a stratum of which so many are expected to be drawn.

    Twice as many, as there may be more decisions than expected, and some more, as content may be gone.
    """
    return 2 * drawn + _SPARE


def unknown_reserve(plan: NewSamplingPlan, expected: Sequence[int]) -> int:
    """How many candidates are kept of a stratum that was not expected: as of the largest, or as one with all of the sample."""
    least = max(plan.minimum_per_stratum, plan.minimum_per_moderator)
    alone = Counted("", dict.fromkeys(plan.dimensions(), ""), _UNKNOWN)
    most = max(expected) if any(expected) else min(size(plan, [alone]).numbers[0], _MOST_UNKNOWN)
    return reserve(max(most, least))
