"""How an objective stands: what the metrics of now say, held against its target."""

import asyncio
from typing import Any

import structlog

from rca_api.objectives.problems import ObjectiveRefused
from tallystick.client import Filters, Tallystick, TallystickError
from tallystick.schemas.metric import Number
from tallystick.schemas.objective import NewObjective, Objective, ObjectiveOf, ObjectiveRead, ObjectiveStanding
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.programme import Programme
from tallystick.service.problems import Unavailable

_PATIENCE_S = 10.0
_LOWER_IS_BETTER = frozenset({"error_rate"})

log = structlog.get_logger()


def require_taken(programme: Programme, new: NewObjective) -> None:
    """Refuse whose the programme does not know, and what would show a vendor more than its own audits.

    Raises:
        ObjectiveRefused: with all that is wrong.
    """
    vendors = {vendor.slug: vendor for vendor in programme.vendors}
    sites = {site for vendor in programme.vendors for site in vendor.sites}
    own = vendors.get(new.vendor or "")
    faults = (
        (new.vendor is not None and own is None, "/vendor", "unknown_vendor", "The programme knows no such vendor."),
        (new.of is ObjectiveOf.VENDOR and new.name not in vendors, "/name", "unknown_vendor", "There is no such vendor."),
        (
            new.of is ObjectiveOf.SITE and new.name not in (sites if own is None else own.sites),
            "/name",
            "unknown_site",
            "There is no such site, or it is another vendor's.",
        ),
        (
            new.of is ObjectiveOf.VENDOR and new.vendor is not None and new.vendor != new.name,
            "/vendor",
            "other_vendor",
            "No vendor reads the objective of another one.",
        ),
        (
            new.of is ObjectiveOf.AUDITOR and new.vendor is not None,
            "/vendor",
            "auditors_are_the_clients",
            "Numbers by auditor are shown to no vendor.",
        ),
        (
            new.vendor is not None and new.scope.vendor not in {(), (new.vendor,)},
            "/scope/vendor",
            "other_vendor",
            "What a vendor reads is about its own audits.",
        ),
        (new.period.from_ >= new.period.to, "/period/to", "empty_period", "The period ends before it begins."),
        (
            new.period.time_zone != programme.time_zone,
            "/period/time_zone",
            "other_time_zone",
            "Days are those of the programme's time zone.",
        ),
    )
    errors = [ProblemError(pointer=pointer, code=code, detail=detail) for wrong, pointer, code, detail in faults if wrong]
    if errors:
        raise ObjectiveRefused("The programme does not take this objective.", errors=errors)


async def read_standing(neighbours: Tallystick, objective: Objective) -> ObjectiveRead:
    """Ask reporting-api how an objective stands.

    Raises:
        Unavailable: reporting-api cannot be asked now, or has no numbers of the programme yet.
    """
    query = _question(objective)
    try:
        async with asyncio.timeout(_PATIENCE_S):
            metrics = await neighbours.metrics(objective.programme, query)
    except (TallystickError, TimeoutError) as failure:
        log.warning("reporting-api gave no answer", programme=objective.programme, reason=str(failure) or "too slow")
        raise Unavailable(
            "How it stands cannot be read now: reporting-api gives no numbers.", headers={"Retry-After": "5"}
        ) from failure
    number = metrics.rows[0].numbers[objective.measure] if metrics.rows else _NOTHING
    standing = standing_of(number, objective.target, lower=objective.measure in _LOWER_IS_BETTER)
    return ObjectiveRead(objective=objective, number=number, standing=standing, stands_on=metrics.scope.position)


_NOTHING = Number(value=None, numerator=0, denominator=0, interval=None, sufficient=False, reason="There are no audits.")


def _question(objective: Objective) -> Filters:
    """The question to the metrics: its measure, whose it is, and of its vendor's audits alone where it has one."""
    query: dict[str, Any] = {name: list(values) for name, values in objective.scope.given().items()}
    query[objective.of] = [objective.name]
    if objective.vendor is not None:
        query["vendor"] = [objective.vendor]
    period = {"from": objective.period.from_.isoformat(), "to": objective.period.to.isoformat()}
    return {**query, **period, "measure": objective.measure}


def standing_of(number: Number, target: float, *, lower: bool) -> ObjectiveStanding:
    """Met or missed where the whole interval says so."""
    if number.value is None:
        return ObjectiveStanding.NO_DATA
    if number.interval is None:
        return ObjectiveStanding.UNDECIDED
    best, worst = (number.interval.low, number.interval.high) if lower else (number.interval.high, number.interval.low)
    if worst <= target if lower else worst >= target:
        return ObjectiveStanding.MET
    return ObjectiveStanding.MISSED if (best > target if lower else best < target) else ObjectiveStanding.UNDECIDED
