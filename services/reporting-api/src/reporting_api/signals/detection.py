"""All detectors of a programme, one after the other. What they find follows from the facts alone."""

from collections.abc import Callable, Sequence
from datetime import datetime

from sqlalchemy import Row

from reporting_api.projection.cursors import find_cursor
from reporting_api.signals.calibration import calibrations_below_target, read_alignments
from reporting_api.signals.critical import critical_errors
from reporting_api.signals.findings import Finding
from reporting_api.signals.ground import Ground, fitted, read_audits
from reporting_api.signals.overturns import overturn_spikes, read_decisions
from reporting_api.signals.rates import error_rates
from reporting_api.signals.recurring import recurring_errors
from reporting_api.signals.targets import missed_targets
from tallystick.schemas.programme import Detectors, Programme
from tallystick.schemas.signal import Detector
from tallystick.service.database import ReadSession
from tallystick.service.days import day_of

_DETECTORS: Sequence[tuple[Callable[[Ground], list[Finding]], Callable[[Detectors], bool]]] = (
    (error_rates, lambda detectors: detectors.control_chart.on or detectors.cusum.on or detectors.ewma.on),
    (missed_targets, lambda detectors: detectors.target_missed.on),
    (critical_errors, lambda detectors: detectors.critical_error.on),
    (recurring_errors, lambda detectors: detectors.recurring_error.on),
    (overturn_spikes, lambda detectors: detectors.overturn_spike.on),
    (calibrations_below_target, lambda detectors: detectors.calibration_below_target.on),
)


async def read_ground(session: ReadSession, programme: str, now: datetime) -> Ground | None:
    """The facts that are searched; None where not all of them are counted."""
    cursor: Row[tuple[object, ...]] | None = await find_cursor(session, programme)
    if cursor is None or cursor.caught_up_at is None:
        return None
    document = Programme.model_validate(cursor.document)
    today = day_of(now, cursor.time_zone)
    by, audits, errors = await read_audits(session, programme, today)
    decisions = await read_decisions(session, programme, cursor.time_zone, today)
    targets = document.targets
    alignments = await read_alignments(session, programme, cursor.time_zone, today, targets.agreement, targets.minimum_sample)
    return Ground(document, cursor.created_at, cursor.position, today, by, audits, errors, decisions, alignments)


def find(ground: Ground) -> list[Finding]:
    """Everything that the detectors find that are on."""
    ground = fitted(ground)
    return [finding for detect, is_on in _DETECTORS if is_on(ground.document.detectors) for finding in detect(ground)]


def looking(detectors: Detectors) -> frozenset[Detector]:
    """The detectors that are on. What the others have found stays as it stands."""
    return frozenset(each for each in Detector if getattr(detectors, each.value).on)
