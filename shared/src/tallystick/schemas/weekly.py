"""The weekly summary: what happened in a week, for the vendor that it is about or for the client, with ready sentences."""

from datetime import date
from uuid import UUID

from tallystick.schemas.base import Instant, Slug, Wire
from tallystick.schemas.case import CaseState, CaseStep
from tallystick.schemas.effect import EffectVerdict
from tallystick.schemas.metric import Difference, Measure, Number, Period, Rank
from tallystick.schemas.rca_report import WorkScope


class VendorWeek(Wire):
    """The accuracy of one vendor in the week, beside the others."""

    vendor: Slug
    accuracy: Number
    change: Difference
    """On the week before."""
    rank: Rank | None
    """The most accurate first; vendors whose intervals overlap are tied."""


class CaseNews(Wire):
    """What happened to one case in the week."""

    case_id: UUID
    title: str
    vendor: Slug | None
    steps: tuple[CaseStep, ...]
    """That it took in the week, in order."""
    state: CaseState
    """At the end of the week, or now."""


class ActionNews(Wire):
    """An action that was due in the week, is due in the next one, or is overdue."""

    action_id: UUID
    case_id: UUID
    title: str
    owner: str
    owner_vendor: Slug | None
    """`null` for the client's people."""
    due_at: Instant
    done: bool
    """By the end of the week, or by now."""


class EffectNews(Wire):
    """A plan that was judged in the week."""

    case_id: UUID
    title: str
    vendor: Slug | None
    verdict: EffectVerdict


class SignalNews(Wire):
    """A signal that was raised in the week."""

    signal_id: UUID
    vendor: Slug | None
    measure: Measure | None
    summary: str
    since: date
    chart: str
    """Where the chart that shows it is served."""


class WeekOfAppeals(Wire):
    """What was appealed and what was decided in the week, whatever the day of the audit."""

    submitted: Number
    decided: Number
    overturned: Number
    """Of the decided ones: overturned or amended."""
    open: Number
    """Waiting for a decision at the end of the week, or now."""


class WeeklySummary(Wire):
    """One week of a programme: for a vendor its own part and nothing else, for the client all of it."""

    scope: WorkScope
    vendor: Slug | None
    """For whom it is; `null` for the client."""
    week: date
    """Its Monday."""
    complete: bool
    """Whether the week is over."""
    previous_period: Period
    numbers: dict[str, Number]
    """Audits, errors, accuracy and critical accuracy, by measure."""
    previous: dict[str, Number]
    change: dict[str, Difference]
    vendors: tuple[VendorWeek, ...]
    """For the client alone."""
    signals: tuple[SignalNews, ...]
    cases: tuple[CaseNews, ...]
    """Those that took a step in the week."""
    open_cases: Number
    due: tuple[ActionNews, ...]
    """Actions that were due in the week."""
    coming: tuple[ActionNews, ...]
    """Actions that are open and due in the week after."""
    overdue: tuple[ActionNews, ...]
    """Actions that were due before the end of the week, or before now, and are still open."""
    effects: tuple[EffectNews, ...]
    appeals: WeekOfAppeals
    headline: str
    sentences: tuple[str, ...]
    """All of it in words, ready to be sent."""
