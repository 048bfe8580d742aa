"""Who sees what of calibration: the filters that every statement carries. Row-level security says the same once more.

Blind are all raters of a session until it moves to review, those who facilitate it among them. Nobody at all reads another's
rating before then.
"""

from typing import Any

from sqlalchemy import ColumnElement, Select, Table, and_, any_, false, literal, not_, or_, select, true

from audit_api.calibration.tables import calibration_items, calibration_raters, calibration_sessions
from tallystick.schemas.calibration import SessionState
from tallystick.schemas.principal import MANAGERS, Role
from tallystick.service.auth import Principal

READERS = (Role.SERVICE, Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.VENDOR_POC)
"""Who may read sessions and items, one by one or on the feed."""


def oversees(principal: Principal) -> bool:
    """Whether a principal sees drafts, and items as they were put together, unless it rates them itself."""
    return principal.holds(*MANAGERS, Role.SERVICE)


def visible(statement: Select[Any], programme: str, principal: Principal) -> Select[Any]:
    """The statement over sessions, narrowed to those of a programme that a principal may see: opened, and with its vendor."""
    c = calibration_sessions.c
    statement = statement.where(c.programme == programme)
    if principal.vendor is not None:
        statement = statement.where(literal(principal.vendor) == any_(c.vendors))
    return statement if oversees(principal) else statement.where(c.state != SessionState.DRAFT)


def of_own_side(table: Table, principal: Principal) -> ColumnElement[bool]:
    """Raters or ratings that a principal may know of: a vendor's those of its own people and of the client's."""
    vendor = table.c.vendor
    return true() if principal.vendor is None else or_(vendor.is_(None), vendor == principal.vendor)


def is_own(table: Table, principal: Principal) -> ColumnElement[bool]:
    """Raters or ratings that are the principal itself, or its own."""
    return and_(table.c.rater == principal.subject, table.c.vendor.is_not_distinct_from(principal.vendor))


def revealed() -> ColumnElement[bool]:
    """Whether the ratings of a session are laid open."""
    return calibration_sessions.c.reviewed_at.is_not(None)


def blind(principal: Principal) -> ColumnElement[bool]:
    """Whether a principal must not see what an item of a session was taken from."""
    if not oversees(principal):
        return not_(revealed())
    c = calibration_raters.c
    rates = select(c.rater).where(
        c.programme == calibration_sessions.c.programme,
        c.session_id == calibration_sessions.c.id,
        is_own(calibration_raters, principal),
    )
    return and_(not_(revealed()), rates.correlate(calibration_sessions).exists())


def of_anothers_audit(principal: Principal) -> ColumnElement[bool]:
    """Whether an item was taken from an audit of a vendor that the principal must not learn of."""
    c = calibration_items.c
    if principal.vendor is None:
        return false()
    return and_(c.audit_vendor.is_not(None), c.audit_vendor != principal.vendor)
