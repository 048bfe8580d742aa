"""From one lot to the next: when inspection becomes tightened, normal or reduced, and when acceptance is discontinued.

A fold over lots on original inspection, one vendor's in the order of their periods. The severity after the last one is that of
the next. Source: MIL-STD-105E, 4.7 and 4.8.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import reduce

from audit_api.lots.standard import Plan, limit_number, place_of
from tallystick.schemas.lot import LotVerdict, Severity105

_WINDOW, _REJECTED_IN_WINDOW = 5, 2
"""Of so many consecutive lots on normal inspection, so many rejected ones make it tightened."""
_ACCEPTED_ON_TIGHTENED = 5
"""Consecutive lots accepted on tightened inspection that make it normal."""
_REJECTED_ON_TIGHTENED = 5
"""Lots rejected in one stretch of tightened inspection that discontinue acceptance."""
_ACCEPTED_ON_NORMAL = 10
"""Consecutive lots accepted on normal inspection that may make it reduced."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A lot that has been judged, on original inspection: not one that was rejected, mended and offered again."""

    accepted: bool
    sample: int
    """Decisions audited."""
    errors: int
    """Found in the sample."""
    marginal: bool = False
    """Whether it was accepted on reduced inspection with more errors than Ac."""
    steady: bool = True
    """Whether the work went on at a steady rate."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the fold needs to know besides the lots."""

    aql: float
    reduced: bool = True
    """Whether reduced inspection is wanted at all."""

    def __post_init__(self) -> None:
        """Hold the AQL.

        Raises:
            ValueError: If the standard has no such AQL.
        """
        place_of(self.aql)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the next lot is inspected."""

    severity: Severity105 = Severity105.NORMAL
    stretch: tuple[Judged, ...] = ()
    """The lots since inspection became what it is."""
    because: str | None = None
    """Why inspection last changed."""


def judged(plan: Plan, audited: int, errors: int, *, steady: bool = True) -> Judged | None:
    """A lot by its plan; None while it is open."""
    verdict = plan.verdict(audited, errors)
    if verdict is LotVerdict.OPEN:
        return None
    return Judged(verdict is LotVerdict.ACCEPTED, audited, errors, plan.marginal(errors), steady)


def standing(lots: Iterable[Judged], rules: Rules, start: Standing | None = None) -> Standing:
    """How the next lot is inspected, after all of these."""
    return reduce(lambda before, lot: follow(before, lot, rules), lots, start or Standing())


def follow(before: Standing, lot: Judged, rules: Rules) -> Standing:
    """The standing after one more lot.

    Raises:
        ValueError: If acceptance is discontinued: `resume` first.
    """
    if before.severity is Severity105.DISCONTINUED:
        raise ValueError("Acceptance is discontinued until the vendor has acted.")
    after = replace(before, stretch=(*before.stretch, lot))
    match before.severity:
        case Severity105.NORMAL:
            return _after_normal(after, rules)
        case Severity105.TIGHTENED:
            return _after_tightened(after)
        case Severity105.REDUCED:
            return _after_reduced(after, lot, rules)


def resume(before: Standing) -> Standing:
    """After the vendor has acted on what is wrong: acceptance goes on under tightened inspection.

    Raises:
        ValueError: If acceptance is not discontinued.
    """
    if before.severity is not Severity105.DISCONTINUED:
        raise ValueError("Acceptance is not discontinued.")
    return Standing(Severity105.TIGHTENED, because="The vendor has acted: tightened inspection goes on.")


def _after_normal(after: Standing, rules: Rules) -> Standing:
    """Two rejected of five lots or fewer make it tightened; ten accepted, with few errors, make it reduced."""
    if sum(not lot.accepted for lot in after.stretch[-_WINDOW:]) >= _REJECTED_IN_WINDOW:
        return Standing(Severity105.TIGHTENED, because="Two of five consecutive lots were rejected.")
    if rules.reduced and after.stretch[-1].steady and _good_enough(after.stretch, rules.aql):
        return Standing(
            Severity105.REDUCED, because="Ten consecutive lots were accepted, with no more errors than the limit number."
        )
    return after


def _good_enough(stretch: tuple[Judged, ...], aql: float) -> bool:
    """Whether at least the last ten lots were all accepted, and their errors within the limit number.

    Where ten samples are too few units for a limit number, as many lots are looked at as it takes.
    """
    units = errors = 0
    for number, lot in enumerate(reversed(stretch), 1):
        if not lot.accepted:
            return False
        units, errors = units + lot.sample, errors + lot.errors
        if number >= _ACCEPTED_ON_NORMAL and (limit := limit_number(units, aql)) is not None:
            return errors <= limit
    return False


def _after_tightened(after: Standing) -> Standing:
    """Five accepted in a row make it normal; five rejected in one stretch end it."""
    last = after.stretch[-_ACCEPTED_ON_TIGHTENED:]
    if len(last) == _ACCEPTED_ON_TIGHTENED and all(lot.accepted for lot in last):
        return Standing(because="Five consecutive lots were accepted.")
    if sum(not lot.accepted for lot in after.stretch) >= _REJECTED_ON_TIGHTENED:
        return Standing(Severity105.DISCONTINUED, because="Five lots were rejected under tightened inspection.")
    return after


def _after_reduced(after: Standing, lot: Judged, rules: Rules) -> Standing:
    """A rejected or marginal lot makes it normal, and so does work that does not go on steadily."""
    if not lot.accepted:
        return Standing(because="A lot was rejected under reduced inspection.")
    if lot.marginal:
        return Standing(because="A lot was accepted with more errors than the acceptance number of reduced inspection.")
    if not lot.steady:
        return Standing(because="Work did not go on at a steady rate.")
    return after if rules.reduced else Standing(because="Reduced inspection is not wanted.")
