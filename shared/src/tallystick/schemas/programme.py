"""A programme under quality management, as one document that can be read, put back and kept in version control."""

from collections.abc import Container, Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Self
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from tallystick.schemas.base import Code, Instant, Name, Plain, Reference, Slug, Wire, form


class ErrorClass(StrEnum):
    """How a wrong decision was wrong."""

    FALSE_POSITIVE = "false_positive"
    FALSE_NEGATIVE = "false_negative"
    WRONG_SELECTION = "wrong_selection"
    TECHNICAL = "technical"


class Severity(StrEnum):
    """How much an error harms."""

    CRITICAL = "critical"
    MAJOR = "major"
    MINOR = "minor"


class Vocabulary(StrEnum):
    """The lists of a programme that an audit's words are checked against."""

    SITES = "sites"
    QUEUES = "queues"
    MARKETS = "markets"
    LANGUAGES = "languages"
    POLICIES = "policies"
    ERROR_CODES = "error_codes"


_ZONES = available_timezones() - {"localtime"}  # the machine's own, whichever it is


def _known_zone(name: str) -> str:
    if name not in _ZONES:
        raise ValueError("not a time zone of the IANA database")
    return name


TimeZone = Annotated[str, AfterValidator(_known_zone), WithJsonSchema({"type": "string", "enum": sorted(_ZONES)})]
Version = Annotated[Plain, Field(min_length=1, max_length=64)]
Share = Annotated[float, Field(ge=0, le=1)]


class Drift(Wire):
    """Cumulative sums: a slow drift."""

    on: bool = True
    allowance: Annotated[float, Field(ge=0.1, le=3)] = 0.5
    """What of each week is taken for chance, in sigmas: half the size of the change that is looked for."""


class MovingAverage(Wire):
    """An exponentially weighted moving average: a slow drift."""

    on: bool = True
    weight: Annotated[float, Field(ge=0.05, le=1)] = 0.2
    """Of the newest week."""


class Switch(Wire):
    """A detector with nothing to set but whether it looks."""

    on: bool = True


class MissedTarget(Wire):
    """A target that is missed, week after week."""

    on: bool = True
    periods: Annotated[int, Field(ge=1, le=52)] = 4
    """Weeks in a row with an interval that lies below the target."""
    ramp_weeks: Annotated[int, Field(ge=0, le=104)] = 13
    """Weeks from a vendor's first audit on in which it may still come up to its targets."""


class CriticalErrors(Wire):
    """Errors of critical severity."""

    on: bool = True
    any: bool = False
    """Whether each of them is a signal. Otherwise they are where there are more of them than before."""


class RecurringError(Wire):
    """An error code that has come to be among the most frequent ones of a vendor, and stays there."""

    on: bool = True
    top: Annotated[int, Field(ge=1, le=20)] = 3
    """How many codes are the most frequent ones."""
    periods: Annotated[int, Field(ge=2, le=26)] = 4
    """Weeks in a row in which it is among them."""
    earlier: Annotated[int, Field(ge=1, le=52)] = 8
    """Weeks before these in which it was not."""


class Detectors(Wire):
    """What looks for signals in the numbers of the programme, and how often it may be wrong."""

    false_alarms_per_year: Annotated[float, Field(gt=0, le=52)] = 1.0
    """Signals that chance alone may raise in a year, over all that is watched; the detectors share it."""
    control_chart: Switch = Switch()
    cusum: Drift = Drift()
    ewma: MovingAverage = MovingAverage()
    target_missed: MissedTarget = MissedTarget()
    critical_error: CriticalErrors = CriticalErrors()
    recurring_error: RecurringError = RecurringError()
    overturn_spike: Switch = Switch()
    calibration_below_target: Switch = Switch()


class Vendor(Wire):
    """A BPO that moderates for the programme, and where it sits."""

    slug: Slug
    name: Name
    sites: tuple[Code, ...] = ()


class Policy(Wire):
    """One policy of the platform."""

    code: Code
    name: Name
    harm: Annotated[float, Field(ge=0, le=10)] = 0
    """How much looking at such content harms, from 0 (not at all) to 10."""


class PolicySet(Wire):
    """The policies and actions that decisions are made by. An audit keeps the version it was judged by."""

    version: Version
    policies: tuple[Policy, ...] = Field(min_length=1)
    actions: tuple[Code, ...] = Field(default=("keep", "restrict", "remove"), min_length=1)


class ErrorCode(Wire):
    """One kind of error. Where it names a class or a severity, an audit with this code must agree."""

    code: Code
    name: Name
    error_class: ErrorClass | None = None
    severity: Severity | None = None


class ErrorTaxonomy(Wire):
    """The kinds of error that audits may find. An audit keeps the version it was judged by."""

    version: Version
    codes: tuple[ErrorCode, ...] = ()


class ScorecardLine(Wire):
    """A line that every audit is rated on, where auditors are handed their work."""

    code: Code
    name: Name
    weight: Annotated[float, Field(gt=0, le=1000)] = 1
    auto_fail: bool = False
    """Whether it brings the whole score to 0 unless it is fully met."""


class Targets(Wire):
    """What was agreed with the vendors. A target that is not set is not judged."""

    accuracy: Share | None = None
    critical_accuracy: Share | None = None
    quality_score: Share | None = None
    coverage: Share | None = None
    agreement: Share | None = None
    appeal_window_days: Annotated[int, Field(ge=1, le=365)] | None = None
    appeal_turnaround_days: Annotated[int, Field(ge=1, le=365)] | None = None
    root_cause_days: Annotated[int, Field(ge=1, le=365)] | None = None
    minimum_sample: Annotated[int, Field(ge=1, le=1_000_000)] = 30
    """Audits from which on a number is called sufficient."""


class Weekday(StrEnum):
    """A day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


_WORKING_DAYS = (Weekday.MONDAY, Weekday.TUESDAY, Weekday.WEDNESDAY, Weekday.THURSDAY, Weekday.FRIDAY)


class Calendar(Wire):
    """The days on which the programme works, in its time zone: what windows and due dates are counted in."""

    working_days: Annotated[tuple[Weekday, ...], Field(min_length=1, max_length=7)] = _WORKING_DAYS
    country: Annotated[str, form(r"^[A-Z]{2}$", "two capital letters A to Z")] | None = None
    """ISO 3166-1 code of the country whose public holidays are free; none without it."""
    subdivision: Annotated[Plain, Field(max_length=10)] | None = None
    """ISO 3166-2 code of the part of the country, such as `BY`."""
    closed: Annotated[tuple[date, ...], Field(max_length=400)] = ()
    """Further days that are free."""


class Ground(Wire):
    """A ground on which a vendor may appeal."""

    code: Code
    name: Name


_GROUNDS = (
    Ground(code="policy_misapplied", name="The policy was misapplied"),
    Ground(code="context_missed", name="Context was missed"),
    Ground(code="wrong_error_code", name="Another error code applies"),
    Ground(code="wrong_severity", name="The severity is too high"),
    Ground(code="not_attributable", name="The error is not the moderator's"),
    Ground(code="policy_unclear", name="The policy is unclear or had changed"),
    Ground(code="technical", name="A technical fault"),
)


class AppealRules(Wire):
    """How appeals go beside the targets `appeal_window_days` and `appeal_turnaround_days`. Days are working days."""

    grounds: Annotated[tuple[Ground, ...], Field(min_length=1, max_length=50)] = _GROUNDS
    claim_minutes: Annotated[int, Field(ge=1, le=10_080)] = 120
    """How long an adjudicator who has claimed an appeal has it alone."""
    escalation_days: Annotated[int, Field(ge=1, le=365)] = 5
    """Within how many days of a decision the vendor may escalate it."""
    expiry_days: Annotated[int, Field(ge=1, le=365)] | None = None
    """After how many days an undecided appeal expires, from its submission or escalation; never without it."""


class FollowUp(Wire):
    """How open actions are followed up, along the chain owner, vendor's team lead, quality manager, global project manager.

    Days are working days. A station that nobody is named for is told all the same, as a notice to everybody who may read it.
    """

    reminder_days: Annotated[int, Field(ge=1, le=30)] = 2
    """How long before it is due an action is called to its owner's mind."""
    team_lead_days: Annotated[int, Field(ge=1, le=60)] = 1
    """How long after it was due the vendor's team lead is told; the client's own actions pass over this station."""
    quality_manager_days: Annotated[int, Field(ge=1, le=60)] = 3
    gpm_days: Annotated[int, Field(ge=1, le=60)] = 5
    team_leads: dict[Slug, Reference] = Field(default_factory=dict)
    """By vendor."""
    quality_manager: Reference | None = None
    gpm: Reference | None = None


class CauseCategory(StrEnum):
    """The bones of the fishbone: where root causes come from."""

    POLICY = "policy"
    PROCESS = "process"
    PEOPLE_TRAINING = "people_training"
    TOOLING = "tooling"
    CONTENT_AMBIGUITY = "content_ambiguity"
    ENVIRONMENT = "environment"


class CauseCode(Wire):
    """One kind of root cause."""

    code: Code
    name: Name
    category: CauseCategory


_CAUSES = (
    CauseCode(code="policy_unclear", name="The policy is unclear or contradicts itself", category=CauseCategory.POLICY),
    CauseCode(code="policy_changed", name="The policy has changed", category=CauseCategory.POLICY),
    CauseCode(code="policy_gap", name="The policy does not cover the case", category=CauseCategory.POLICY),
    CauseCode(code="workflow", name="The workflow leads to the wrong decision", category=CauseCategory.PROCESS),
    CauseCode(code="escalation_path", name="Doubts are not escalated", category=CauseCategory.PROCESS),
    CauseCode(code="update_not_passed_on", name="An update did not reach the moderators", category=CauseCategory.PROCESS),
    CauseCode(code="workload", name="Too little time for a decision", category=CauseCategory.PROCESS),
    CauseCode(code="new_people", name="New people, not yet proficient", category=CauseCategory.PEOPLE_TRAINING),
    CauseCode(code="training_gap", name="The training leaves something out", category=CauseCategory.PEOPLE_TRAINING),
    CauseCode(code="misunderstanding", name="The policy is understood wrongly", category=CauseCategory.PEOPLE_TRAINING),
    CauseCode(code="language_skill", name="Language or culture is not known well enough", category=CauseCategory.PEOPLE_TRAINING),
    CauseCode(code="tool_fault", name="The tool shows or records something wrong", category=CauseCategory.TOOLING),
    CauseCode(code="missing_context", name="The tool does not show what is needed", category=CauseCategory.TOOLING),
    CauseCode(code="routing", name="Content reaches the wrong queue", category=CauseCategory.TOOLING),
    CauseCode(code="ambiguous_content", name="The content can be read in several ways", category=CauseCategory.CONTENT_AMBIGUITY),
    CauseCode(code="new_trend", name="A kind of content that is new", category=CauseCategory.CONTENT_AMBIGUITY),
    CauseCode(code="shift_conditions", name="Shift, noise, fatigue", category=CauseCategory.ENVIRONMENT),
    CauseCode(code="outside_event", name="An event outside", category=CauseCategory.ENVIRONMENT),
    CauseCode(code="other", name="Something else", category=CauseCategory.PROCESS),
)


class CaseRules(Wire):
    """How root-cause cases go beside the target `root_cause_days`."""

    watch_days: Annotated[int, Field(ge=1, le=365)] = 28
    """For how many days after its closure a case is opened again when a signal of its kind comes back."""


class Handing(Wire):
    """How work is handed to auditors."""

    lease_minutes: Annotated[int, Field(ge=1, le=1_440)] = 30
    """How long somebody has an item alone; it waits again after that."""
    golden_share: Annotated[float, Field(ge=0, le=0.2)] = 0
    """Of what is handed out, how much is a golden item."""
    repeat_share: Annotated[float, Field(ge=0, le=0.2)] = 0
    """Of what is handed out, how much somebody else has audited already."""
    seconds_per_item: Annotated[int, Field(ge=1, le=14_400)] = 240
    """Expected of an item, until it is audited."""


class ModalityWeights(Wire):
    """How much each kind of content weighs in a dose."""

    text: Annotated[float, Field(ge=0, le=10)] = 0.5
    image: Annotated[float, Field(ge=0, le=10)] = 1
    audio: Annotated[float, Field(ge=0, le=10)] = 1
    video: Annotated[float, Field(ge=0, le=10)] = 1.5
    live: Annotated[float, Field(ge=0, le=10)] = 2


class ExposureRules(Wire):
    """How people are protected from too much harmful content. A dose is harm times minutes times the weight of the modality."""

    daily_cap: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    weekly_cap: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    weights: ModalityWeights = ModalityWeights()
    heavy_from: Annotated[float, Field(ge=0, le=10)] = 6
    """The harm from which on content is called heavy."""
    heavy_in_a_row: Annotated[int, Field(ge=1, le=1_000)] = 5
    """After so many heavy items something lighter comes."""
    cool_down_minutes: Annotated[int, Field(ge=0, le=480)] = 0
    """After a heavy item no other one comes for so long."""
    break_after_minutes: Annotated[int, Field(ge=10, le=480)] = 120
    """Of work without a pause, after which a break is due."""
    break_minutes: Annotated[int, Field(ge=1, le=120)] = 15
    keep_days: Annotated[int, Field(ge=7, le=366)] = 90
    """How long a ledger is kept by item and day; then weeks are all that is left of it."""
    keep_weeks: Annotated[int, Field(ge=4, le=260)] = 52
    """How long weeks are kept."""


class DateFormat(Wire):
    """How a vendor writes moments: ISO 8601, or a `strptime` pattern; `time_zone` where the text carries no offset."""

    pattern: Annotated[Plain, Field(min_length=1, max_length=64)] = "iso"
    time_zone: TimeZone = "UTC"


class ImportProfile(Wire):
    """How a vendor's own columns and values become ours."""

    slug: Slug
    columns: dict[Plain, Plain] = Field(default_factory=dict)
    """Our field → the vendor's column. A field that is not named is read from the column of its own name."""
    constants: dict[Plain, Plain | int | float | bool] = Field(default_factory=dict)
    """Our field → one value for every row."""
    defaults: dict[Plain, Plain | int | float | bool] = Field(default_factory=dict)
    """Our field → the value where the vendor's is missing or empty."""
    values: dict[Plain, dict[Plain, Plain | int | float | bool | None]] = Field(default_factory=dict)
    """Our field → the vendor's value → ours. A value that is not listed passes unchanged."""
    dates: DateFormat = DateFormat()
    ignore: tuple[Plain, ...] = ()
    """Columns that are not taken over. Any other column that maps to nothing rejects its row."""

    def serves(self, vendor: str, foreign: Container[object]) -> bool:
        """Whether rows of this vendor can come out of it: it names no other vendor, nor a site `foreign` to it, for every row."""
        return not any(_names_others(field, value, vendor, foreign) for field, value in self.constants.items())

    def as_seen_by(self, vendor: str, foreign: Container[object]) -> Self:
        """The profile without the other vendors, and the sites that are `foreign` to this one, that it knows by name."""
        values = {
            field: {theirs: ours for theirs, ours in known.items() if not _names_others(field, ours, vendor, foreign)}
            for field, known in self.values.items()
        }
        defaults = {field: each for field, each in self.defaults.items() if not _names_others(field, each, vendor, foreign)}
        return self.model_copy(update={"values": values, "defaults": defaults})


def _names_others(field: str, value: object, vendor: str, foreign: Container[object]) -> bool:
    """Whether the value of a field names another vendor, or a site that is foreign to this one."""
    return (field == "vendor" and value != vendor) or (field == "site" and value in foreign)


class Programme(Wire):
    """The whole configuration of a programme."""

    slug: Slug
    name: Name
    time_zone: TimeZone = "UTC"
    vendors: tuple[Vendor, ...] = Field(min_length=1)
    queues: tuple[Code, ...] = ()
    markets: tuple[Code, ...] = ()
    languages: tuple[Code, ...] = ()
    policy_set: PolicySet
    error_taxonomy: ErrorTaxonomy
    scorecard: Annotated[tuple[ScorecardLine, ...], Field(max_length=100)] = ()
    targets: Targets = Targets()
    calendar: Calendar = Calendar()
    appeals: AppealRules = AppealRules()
    follow_up: FollowUp = FollowUp()
    detectors: Detectors = Detectors()
    cases: CaseRules = CaseRules()
    handing: Handing = Handing()
    exposure: ExposureRules = ExposureRules()
    cause_taxonomy: Annotated[tuple[CauseCode, ...], Field(min_length=1, max_length=200)] = _CAUSES
    """The kinds of root cause that cases may name."""
    register_unknown: tuple[Vocabulary, ...] = ()
    """Vocabularies to which a batch may add words that it meets. In all others an unknown word rejects its row."""
    import_profiles: tuple[ImportProfile, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> Self:
        for where, names in self._named_lists():
            seen: set[str] = set()
            for name in names:
                if name in seen:
                    raise ValueError(f"{where} names {name} twice")
                seen.add(name)
        return self

    def _named_lists(self) -> Iterator[tuple[str, list[str]]]:
        yield "vendors", [vendor.slug for vendor in self.vendors]
        for vendor in self.vendors:
            yield f"the sites of {vendor.slug}", list(vendor.sites)
        yield "queues", list(self.queues)
        yield "markets", list(self.markets)
        yield "languages", list(self.languages)
        yield "policies", [policy.code for policy in self.policy_set.policies]
        yield "actions", list(self.policy_set.actions)
        yield "error codes", [code.code for code in self.error_taxonomy.codes]
        yield "the scorecard", [line.code for line in self.scorecard]
        yield "grounds", [ground.code for ground in self.appeals.grounds]
        yield "the cause taxonomy", [cause.code for cause in self.cause_taxonomy]
        yield "import profiles", [profile.slug for profile in self.import_profiles]

    def as_seen_by(self, vendor: str | None) -> Self:
        """The document as a vendor may see it: without other vendors and their import profiles; unchanged for the client."""
        if vendor is None:
            return self
        own = tuple(entry for entry in self.vendors if entry.slug == vendor)
        foreign = {site for entry in self.vendors for site in entry.sites} - {site for entry in own for site in entry.sites}
        serving = (profile for profile in self.import_profiles if profile.serves(vendor, foreign))
        profiles = tuple(profile.as_seen_by(vendor, foreign) for profile in serving)
        leads = {name: lead for name, lead in self.follow_up.team_leads.items() if name == vendor}
        follow_up = FollowUp(**{**self.follow_up.model_dump(), "team_leads": leads, "quality_manager": None, "gpm": None})
        return self.model_copy(update={"vendors": own, "import_profiles": profiles, "follow_up": follow_up})


class ProgrammeRead(Wire):
    """A programme and which version of it this is."""

    revision: int
    changed_at: Instant
    changed_by: str | None
    """Who put it; `null` for a vendor, who may not learn of another vendor's people."""
    document: Programme


class ProgrammeVersions(Wire):
    """The history of a programme's document, newest first."""

    items: tuple[ProgrammeRead, ...]


class ProgrammeList(Wire):
    """The programmes that the caller may see."""

    items: tuple[ProgrammeRead, ...]
