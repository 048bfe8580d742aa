"""The pages of a programme, whichever service serves them: where they are, and for whom they are there."""

from dataclasses import dataclass

from tallystick.schemas.metric import MetricFilter
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.pages.address import Address

NUMBERS = frozenset({Role.ADMIN, Role.QUALITY_MANAGER, Role.ANALYST, Role.VENDOR_POC, Role.SERVICE})
"""Whom numbers are shown to. Auditors judge without them."""
WORK = NUMBERS | {Role.AUDITOR}
"""Who reads cases and actions. What they may do there is another matter."""
AUDITING = frozenset({Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR})
"""Who is handed items to audit, once they are among the auditors."""
MANAGING = frozenset({Role.ADMIN, Role.QUALITY_MANAGER})
"""Who says who audits."""

_DETAILS = {"severity", "moderator", "auditor", "audit_party", "automated_detection"}
_FILTERS = frozenset({*MetricFilter.model_fields, *_DETAILS, "from", "to"})


@dataclass(frozen=True, slots=True)
class Place:
    """A page of every programme."""

    label: str
    below: str
    """Where it is below the programme's path."""
    roles: frozenset[Role]
    """Whom it opens for."""
    filters: frozenset[str]
    """The parameters that it takes along from another page."""


PLACES = (
    Place("Quality", "", NUMBERS, _FILTERS),
    Place("Appeals", "/appeals", NUMBERS, _FILTERS),
    Place("Coverage", "/coverage", NUMBERS, frozenset({"vendor"})),
    Place("Calibration", "/calibration", NUMBERS, frozenset({"vendor", "policy"})),
    Place("My work", "/work", AUDITING, frozenset()),
    Place("Sampling", "/sampling", WORK, frozenset()),
    Place("Auditors", "/auditors", MANAGING, frozenset()),
    Place("Cases", "/cases", WORK, frozenset({"vendor"})),
    Place("My actions", "/actions", WORK, frozenset()),
    Place("People", "/people", WORK, frozenset()),
)


def home(programme: str) -> str:
    """The path of a programme's pages."""
    return f"/programmes/{programme}"


def entrance(principal: Principal, programme: str) -> str:
    """The first page of a programme that opens for somebody."""
    return home(programme) + next((place.below for place in PLACES if principal.holds(*place.roles)), "")


def pages(principal: Principal, programme: str, address: Address, below: str) -> list[tuple[str, str, bool]]:
    """The pages that open for somebody: label, address with the filters that go along, and whether it is the page at `below`."""
    return [
        (place.label, address.at(f"{home(programme)}{place.below}", place.filters), place.below == below)
        for place in PLACES
        if principal.holds(*place.roles)
    ]
