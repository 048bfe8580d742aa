"""From one lot to the next: when inspection becomes tightened, normal or reduced, and when acceptance is discontinued.

A fold over lots on original inspection, one vendor's in the order of their periods. The severity after the last one is that of
the next. Source: MIL-STD-105E, 4.7 and 4.8.
"""

from dataclasses import dataclass, replace

from audit_api.lots.standard import limit_number
from tallystick.schemas.lot import Severity105

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


@dataclass(frozen=True, slots=True)
class Standing:
    """How the next lot is inspected."""

    severity: Severity105 = Severity105.NORMAL
    stretch: tuple[Judged, ...] = ()
    """The lots since inspection became what it is."""


def follow(before: Standing, lot: Judged, aql: float) -> Standing:
    """The standing after one more lot.

    Work is taken to be steady, and reduced inspection to be wanted: the standard leaves both to whoever is in charge.

    Raises:
        ValueError: If acceptance is discontinued: `resume` first.
    """
    if before.severity is Severity105.DISCONTINUED:
        raise ValueError("Acceptance is discontinued until the vendor has acted.")
    after = replace(before, stretch=(*before.stretch, lot))
    match before.severity:
        case Severity105.NORMAL:
            return _after_normal(after, aql)
        case Severity105.TIGHTENED:
            return _after_tightened(after)
        case Severity105.REDUCED:
            return _after_reduced(after, lot)


def resume(before: Standing) -> Standing:
    """After the vendor has acted on what is wrong: acceptance goes on under tightened inspection.

    Raises:
        ValueError: If acceptance is not discontinued.
    """
    if before.severity is not Severity105.DISCONTINUED:
        raise ValueError("Acceptance is not discontinued.")
    return Standing(Severity105.TIGHTENED)


def _after_normal(after: Standing, aql: float) -> Standing:
    """Two rejected of five lots or fewer make it tightened; ten accepted, with few errors, make it reduced."""
    if sum(not lot.accepted for lot in after.stretch[-_WINDOW:]) >= _REJECTED_IN_WINDOW:
        return Standing(Severity105.TIGHTENED)
    return Standing(Severity105.REDUCED) if _good_enough(after.stretch, aql) else after


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
        return Standing()
    if sum(not lot.accepted for lot in after.stretch) >= _REJECTED_ON_TIGHTENED:
        return Standing(Severity105.DISCONTINUED)
    return after


def _after_reduced(after: Standing, lot: Judged) -> Standing:
    """A rejected or marginal lot makes it normal."""
    return after if lot.accepted and not lot.marginal else Standing()
