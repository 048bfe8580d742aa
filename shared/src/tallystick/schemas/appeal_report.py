"""The report on appeals: how many there are, what becomes of them, how long it takes, and what they show."""

from datetime import date

from tallystick.schemas.appeal import AppealStage
from tallystick.schemas.base import Instant, Wire
from tallystick.schemas.metric import Difference, Number, Period, Rank, Scope
from tallystick.schemas.report import TrendPoint


class AppealOutcomes(Wire):
    """Where appeals stand; the counts sum to the appeals."""

    open: Number
    """Submitted or in review, in arbitration too."""
    upheld: Number
    overturned: Number
    amended: Number
    withdrawn: Number
    expired: Number


class AppealGroup(Wire):
    """The appeals of one group of audits."""

    dimensions: dict[str, str | None]
    """A value by dimension; `ground` where the group is one of those."""
    name: str | None
    """What the programme calls the policy, the error code or the ground that the group is about."""
    numbers: dict[str, Number]
    """By measure: audits, appeals, appeal_rate, decided_appeals, overturn_rate. A ground has no audits and no appeal rate."""
    outcomes: AppealOutcomes
    rank: Rank | None
    """By overturn rate, the highest first; groups whose intervals overlap are tied."""


class AppealWeek(Wire):
    """The appeals of the audits of one week."""

    week: date
    """Its Monday."""
    outcomes: AppealOutcomes
    appeal_rate: TrendPoint
    overturn_rate: TrendPoint


class DecisionTimes(Wire):
    """How long decisions take: from the submission, in arbitration from the escalation. Of the decisions that stand."""

    stage: AppealStage | None
    """`null` for both together."""
    median: Number
    """Seconds, with a distribution-free interval of order statistics; so many decisions are its denominator."""
    p90: Number
    """Within so many seconds nine of ten are decided."""
    on_time: Number
    """Decided when promised, of all that were promised for a time that is past or that they were decided before.

    What has expired, and what is open and overdue, was not decided on time. By the programme's business calendar.
    """


class AppealAge(Wire):
    """The open appeals that have waited for so long since they were submitted or escalated."""

    from_days: int
    """Full days, each of 24 hours."""
    to_days: int | None
    """Up to, and not including; `null` for no end."""
    open: Number
    overdue: Number
    """Of these."""


class OpenAppeals(Wire):
    """What waits for a decision now, whatever the day of its audit: the filters count here, the period does not."""

    open: Number
    in_review: Number
    """Claimed by an adjudicator."""
    in_arbitration: Number
    overdue: Number
    undated: Number
    """Without a due date."""
    oldest: Instant | None
    """When the one that waits longest was submitted or escalated."""
    ages: tuple[AppealAge, ...]


class AppealPattern(Wire):
    """A policy with one error code, or with all it has, whose appeals change the verdict more often than the rest."""

    policy: str | None
    policy_name: str | None
    whole_policy: bool
    """Whether it is of all error codes of the policy; `error_code` is `null` then."""
    error_code: str | None
    error_name: str | None
    overturn_rate: Number
    rest: Number
    """The overturn rate of all other decided appeals of errors."""
    difference: Difference
    rank: Rank | None
    """Among the patterns; those whose intervals overlap are tied."""


class AppealPatterns(Wire):
    """Where verdicts are changed again and again.

    A pattern has at least the programme's minimum sample of decided appeals, and an interval that lies above the rest's.
    A policy is looked at as a whole where it has several error codes and none of its pairs is a pattern already.
    """

    examined: Number
    """Pairs of policy and error code with as many decided appeals."""
    too_few: Number
    """Pairs with fewer: nothing is said of them by themselves."""
    clauses: Number
    """Policies that were looked at as a whole."""
    found: tuple[AppealPattern, ...]


class AppealEscalations(Wire):
    """What went to arbitration."""

    rate: Number
    """Escalated, of the appeals that had a first decision."""
    overturn_rate: Number
    """Of the decisions of arbitration."""
    outcomes: AppealOutcomes


class AppealReport(Wire):
    """How audits are appealed, and what that says about them. Appeals count by their audits: on their days, at their sites."""

    scope: Scope
    previous_period: Period | None
    as_of: Instant
    """When it was: what is open, overdue and how old is told as of then, to the minute."""
    turnaround_days: int | None
    """Within how many working days the programme promises a decision; `null` where it does not."""
    overall: AppealGroup
    change: dict[str, Difference] | None
    """Of the numbers overall, since the period of the same length before."""
    vendors: tuple[AppealGroup, ...]
    sites: tuple[AppealGroup, ...]
    policies: tuple[AppealGroup, ...]
    error_codes: tuple[AppealGroup, ...]
    """By the error that was appealed."""
    auditors: tuple[AppealGroup, ...] | None
    """Whose verdicts were appealed; `null` for vendors and auditors, who do not learn it."""
    grounds: tuple[AppealGroup, ...]
    weeks: tuple[AppealWeek, ...]
    """By the week of the audit."""
    times: tuple[DecisionTimes, ...]
    open: OpenAppeals
    patterns: AppealPatterns
    escalations: AppealEscalations
    expired: Number
    """Of all appeals, those that nobody decided in time."""
