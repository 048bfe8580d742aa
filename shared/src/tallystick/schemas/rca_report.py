"""The report on root causes: cases, what caused them, whether what was done was on time and worked, and what they cost."""

from uuid import UUID

from tallystick.schemas.base import Instant, Slug, Wire
from tallystick.schemas.case import CaseState
from tallystick.schemas.metric import Measure, Number, Period


class WorkScope(Wire):
    """What a report on work is about, and how far both feeds are read for it."""

    programme: Slug
    vendors: tuple[Slug, ...]
    """Whose cases; empty: all of them and the internal ones. A vendor's people are always narrowed to their vendor."""
    period: Period
    as_of: Instant
    """Cases and actions are told as they stood then: now, or the end of the period where that is past."""
    epoch: UUID | None
    position: int | None
    """Up to which position of audit-api's stream audits are counted; `null` to vendors."""
    work_epoch: UUID | None
    work_position: int | None
    """Up to which position of rca-api's stream cases, actions and plans are known; `null` to vendors."""
    definitions: str = "/reporting/v1/metrics/definitions"
    """Where what the numbers mean is said."""


class StateCount(Wire):
    """The cases in one state."""

    state: CaseState
    cases: Number
    overdue: Number
    """Of these, past their due date."""


class CaseAge(Wire):
    """The cases that go on and were opened, or opened again, so long ago."""

    from_days: int
    """Full days, each of 24 hours."""
    to_days: int | None
    """Up to, and not including; `null` for no end."""
    cases: Number
    states: dict[CaseState, int]
    """The same by state."""


class CauseCount(Wire):
    """The cases with one accepted root cause. A case with several counts with each of them."""

    code: str | None
    """`null` for the cases that no cause was accepted for."""
    name: str | None
    category: str | None
    open: Number
    """Going on now."""
    closed: Number
    """Closed in the period."""
    recurred: Number
    """Of these, opened again since."""


class OnTime(Wire):
    """What was ready by its due date, of everything that was due in the period and by now; what is still missing was not."""

    root_causes: Number
    actions: Number


class Effects(Wire):
    """The plans whose effect was last judged in the period."""

    rate: Number
    """Effective, of those that were decided."""
    effective: Number
    not_effective: Number
    not_yet_decidable: Number


class CaseCost(Wire):
    """What one case cost while it was open: the errors in its scope beyond those that the rate before would have brought."""

    case_id: UUID
    title: str
    vendor: Slug | None
    state: CaseState
    measure: Measure
    days: tuple[Period, ...]
    """On which it was open, from the day of its opening up to, and not including, that of its closing."""
    open: Number
    """The rate in its scope on these days."""
    baseline: Number
    """The rate in the weeks that the case is compared with."""
    errors: Number
    """Found in audits, beyond the expected ones: fewer than expected are negative.

    Its numerator is how many were found, its denominator in how many audits. It is no estimate of errors that nobody audited.
    """


class Cost(Wire):
    """What the cases that were open in the period cost, the dearest first."""

    errors: Number
    """All of them together. Cases of overlapping scopes count the same errors."""
    counted: int
    """Cases with a number."""
    cases: tuple[CaseCost, ...]
    left_out: int
    """Cases that were opened earlier than those that are looked at; narrow the report to see them."""


class OverdueActions(Wire):
    """The open actions of an owner, or of all owners of a vendor."""

    owner: str | None
    """`null` in the table by vendor."""
    vendor: Slug | None
    """`null`: the client's people."""
    overdue: Number
    """Past their due date, of those that are open."""
    oldest_due_at: Instant | None
    """Since when the first of them is overdue."""


class RcaReport(Wire):
    """How cases go: what there is, why, how long it takes, whether it works, what it costs."""

    scope: WorkScope
    opened: Number
    """Cases opened in the period."""
    closed: Number
    """Cases closed in the period, each closing by itself."""
    cancelled: Number
    reopened: Number
    """Cases opened again in the period."""
    open: Number
    """Cases that go on."""
    states: tuple[StateCount, ...]
    """Of the cases that go on."""
    ages: tuple[CaseAge, ...]
    causes: tuple[CauseCount, ...]
    """The most frequent first."""
    on_time: OnTime
    days_to_close: Number
    """The median of days from opening to closing, with a distribution-free interval; so many closings are its denominator."""
    effects: Effects
    recurrence: Number
    """Closings in the period after which the case was opened again, of all of them."""
    watched: Number
    """Closed cases whose watch has not ended: they may still recur."""
    overridden: Number
    """Closings in the period by a manager's override."""
    cost: Cost
    overdue_by_owner: tuple[OverdueActions, ...]
    """The most overdue first."""
    overdue_by_vendor: tuple[OverdueActions, ...]
