"""A generated sample programme: synthetic throughout, the same for the same seed, with one planted problem to find.

Nothing in it is real: no vendor, no person, no decision.
"""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tallystick.schemas.audit import Attribution, AuditParty, Criterion, NewAudit, RenderHint, Verdict
from tallystick.schemas.programme import (
    Calendar,
    ErrorClass,
    ErrorCode,
    ErrorTaxonomy,
    Policy,
    PolicySet,
    Programme,
    ScorecardLine,
    Severity,
    Targets,
    Vendor,
)

SLUG = "demo"
ZONE = "Europe/Berlin"
"""Of the programme: days and weeks are those of its clocks."""
AUDITS = 12_000
WEEKS = 12
PLANTED_FROM_WEEK = 10
PLANTED_SITE, PLANTED_QUEUE, PLANTED_CODE = "harbour", "live", "FN-HARASSMENT"
DISPUTED_CODE = "FP-HARASSMENT"
"""The error that auditors and vendors see differently, in the story that the demonstration tells of appeals and calibration."""
_PLANTED_RATE = 0.8
"""Share of the harassment in that segment that is missed from that week on. Elsewhere, and before, it is a few percent."""

_SITES: Mapping[str, tuple[tuple[str, float, float], ...]] = {
    "northwind": (("harbour", 0.30, 1.0), ("old-mill", 0.18, 0.8)),
    "eastgale": (("terrace", 0.20, 1.25), ("riverside", 0.14, 1.1)),
    "southmist": (("lighthouse", 0.18, 0.9),),
}
"""By vendor: site, share of the audits, how often its people err against the average."""
_QUEUES = {"comments": 0.32, "video": 0.24, "live": 0.30, "profiles": 0.14}
_MARKETS = {"DE": "de", "FR": "fr", "ES": "es", "PL": "pl", "IT": "it"}
_MARKET_WEIGHTS = (0.26, 0.24, 0.20, 0.16, 0.14)
_POLICIES = {
    "no_violation": ("No violation", 0.36),
    "spam": ("Spam and deception", 0.18),
    "harassment": ("Harassment and bullying", 0.28),
    "hate_speech": ("Hate speech", 0.10),
    "violence": ("Violence and threats", 0.08),
}
_HARM = {"no_violation": 0, "spam": 1, "harassment": 4, "hate_speech": 6, "violence": 7}
_SCORECARD = (
    ScorecardLine(code="decision", name="The decision is right", weight=60),
    ScorecardLine(code="policy", name="The policy is the right one", weight=30),
    ScorecardLine(code="note", name="The note says why", weight=10),
)
_ACTIONS = {"no_violation": "keep", "spam": "restrict", "harassment": "remove", "hate_speech": "remove", "violence": "remove"}
_CODES = (
    ("FN-SPAM", "Spam left standing", ErrorClass.FALSE_NEGATIVE, Severity.MINOR),
    ("FN-HARASSMENT", "Harassment left standing", ErrorClass.FALSE_NEGATIVE, Severity.MAJOR),
    ("FN-HATE", "Hate speech left standing", ErrorClass.FALSE_NEGATIVE, Severity.CRITICAL),
    ("FN-VIOLENCE", "Threat left standing", ErrorClass.FALSE_NEGATIVE, Severity.CRITICAL),
    ("FP-SPAM", "Legitimate post restricted as spam", ErrorClass.FALSE_POSITIVE, Severity.MINOR),
    ("FP-HARASSMENT", "Banter removed as harassment", ErrorClass.FALSE_POSITIVE, Severity.MAJOR),
    ("WS-HARASSMENT-AS-HATE", "Harassment called hate speech", ErrorClass.WRONG_SELECTION, Severity.MINOR),
    ("WS-HATE-AS-HARASSMENT", "Hate speech called harassment", ErrorClass.WRONG_SELECTION, Severity.MAJOR),
    ("TE-MEDIA", "Media did not load", ErrorClass.TECHNICAL, Severity.MINOR),
)
_SEVERITIES = {code: severity for code, _, _, severity in _CODES}
_CLASSES = {code: error_class for code, _, error_class, _ in _CODES}
_MISTAKES: Mapping[str, tuple[tuple[str, str, float], ...]] = {
    "no_violation": (("spam", "FP-SPAM", 0.025), ("harassment", "FP-HARASSMENT", 0.02), ("spam", "TE-MEDIA", 0.004)),
    "spam": (("no_violation", "FN-SPAM", 0.05),),
    "harassment": (("no_violation", "FN-HARASSMENT", 0.025), ("hate_speech", "WS-HARASSMENT-AS-HATE", 0.045)),
    "hate_speech": (("no_violation", "FN-HATE", 0.03), ("harassment", "WS-HATE-AS-HARASSMENT", 0.06)),
    "violence": (("no_violation", "FN-VIOLENCE", 0.03),),
}
"""By the right policy: the policy chosen in its place, the error that this is, how often it happens."""
_HARD = frozenset({"hate_speech", "violence"})
_MODERATORS_A_SITE = 18
_AUDITORS = 14


@dataclass(frozen=True)
class Sample:
    """A programme and its audits, in the order of the audits' times. `audits` may be run through once for every call."""

    programme: Programme
    first_day: date
    """The Monday of the first week."""
    last_day: date
    """The Sunday of the last week."""
    planted_from: date
    """The Monday from which on the planted problem shows."""
    seed: int
    count: int
    mended_from: date | None = None
    """The Monday from which on it does no longer; None where nothing was done about it."""
    numbered_from: int = 1

    def audits(self) -> Iterator[NewAudit]:
        """The audits."""
        chance = random.Random(self.seed)  # noqa: S311 - a reproducible sample, no secret
        zone = ZoneInfo(self.programme.time_zone)
        weeks = (self.last_day - self.first_day).days // 7 + 1
        moments = sorted(_moment(chance, self.first_day, weeks, zone) for _ in range(self.count))
        for number, audited_at in enumerate(moments, self.numbered_from):
            yield _audit(chance, number, audited_at, planted=self._planted(audited_at.astimezone(zone).date()))

    def _planted(self, day: date) -> bool:
        return day >= self.planted_from and (self.mended_from is None or day < self.mended_from)


def sample(*, end: date, count: int = AUDITS, seed: int = 7, slug: str = SLUG) -> Sample:
    """A sample of about `count` audits over the twelve whole weeks, Monday to Sunday, that end on or before `end`.

    The same arguments give the same sample, to the byte.
    """
    last_day = end - timedelta(days=(end.weekday() + 1) % 7)
    first_day = last_day - timedelta(days=7 * WEEKS - 1)
    planted_from = first_day + timedelta(weeks=PLANTED_FROM_WEEK - 1)
    return Sample(_programme(slug), first_day, last_day, planted_from, seed, count)


def sequel(before: Sample, *, weeks: int, mended_after: int) -> Sample:
    """The weeks that follow on a sample, each about as full. After `mended_after` of them what was planted is over."""
    first_day = before.last_day + timedelta(days=1)
    return replace(
        before,
        first_day=first_day,
        last_day=before.last_day + timedelta(weeks=weeks),
        seed=before.seed + 1,
        count=max(before.count * weeks // WEEKS, 1),
        mended_from=first_day + timedelta(weeks=mended_after),
        numbered_from=before.numbered_from + before.count,
    )


def _programme(slug: str) -> Programme:
    return Programme(
        slug=slug,
        name="Demonstration (synthetic data)",
        time_zone=ZONE,
        vendors=tuple(
            Vendor(slug=vendor, name=f"{vendor.title()} (invented)", sites=tuple(site for site, _, _ in sites))
            for vendor, sites in _SITES.items()
        ),
        queues=tuple(_QUEUES),
        markets=tuple(_MARKETS),
        languages=tuple(_MARKETS.values()),
        policy_set=PolicySet(
            version="1", policies=tuple(Policy(code=code, name=name, harm=_HARM[code]) for code, (name, _) in _POLICIES.items())
        ),
        error_taxonomy=ErrorTaxonomy(
            version="1",
            codes=tuple(
                ErrorCode(code=code, name=name, error_class=error_class, severity=severity)
                for code, name, error_class, severity in _CODES
            ),
        ),
        targets=Targets(
            accuracy=0.93,
            critical_accuracy=0.985,
            quality_score=0.95,
            agreement=0.85,
            appeal_window_days=7,
            appeal_turnaround_days=3,
            root_cause_days=10,
        ),
        scorecard=_SCORECARD,
        calendar=Calendar(country="DE", subdivision="BE"),
    )


def _moment(chance: random.Random, first_day: date, weeks: int, zone: ZoneInfo) -> datetime:
    """When an auditor worked: most on weekdays, within the day by a bell around noon, to the second."""
    week = chance.randrange(weeks)
    day = chance.choices(range(7), (20, 20, 19, 19, 16, 3, 3))[0]
    hour = min(max(chance.gauss(12.5, 2.6), 6.0), 21.0)
    local = datetime.combine(first_day + timedelta(days=7 * week + day), time(), zone) + timedelta(hours=hour)
    return local.astimezone(UTC).replace(microsecond=0)


def _audit(chance: random.Random, number: int, audited_at: datetime, *, planted: bool) -> NewAudit:
    vendor, site, error_factor = _place(chance)
    queue = _pick(chance, _QUEUES)
    market = chance.choices(tuple(_MARKETS), _MARKET_WEIGHTS)[0]
    benchmark = _pick(chance, {code: weight for code, (_, weight) in _POLICIES.items()})
    in_segment = planted and site == PLANTED_SITE and queue == PLANTED_QUEUE
    policy, code = _decision(chance, benchmark, error_factor, in_segment=in_segment)
    party = AuditParty.VENDOR if chance.random() < 0.15 else AuditParty.CLIENT  # noqa: PLR2004
    automated = chance.random() < 0.35  # noqa: PLR2004
    handling_time_s = round(min(max(chance.lognormvariate(4.0, 0.45), 8), 900))
    own = "own" if party is AuditParty.VENDOR else "qa"
    return NewAudit(
        external_id=f"sample-{number:06d}",
        vendor=vendor,
        content_ref=f"item:{chance.getrandbits(40):010x}",
        site=site,
        queue=queue,
        market=market,
        language=_MARKETS[market],
        moderator=f"m-{site}-{chance.randrange(_MODERATORS_A_SITE) + 1:02d}",
        decided_at=audited_at - timedelta(seconds=round(chance.uniform(1800, 3 * 86_400))),
        action=_ACTIONS[policy],
        policy=policy,
        automated_detection=automated,
        render_hints=(RenderHint.BLUR,) if benchmark in _HARD else (),
        auditor=f"{own}-{chance.randrange(_AUDITORS) + 1:02d}",
        audit_party=party,
        claimed_at=audited_at - timedelta(seconds=handling_time_s),
        audited_at=audited_at,
        handling_time_s=handling_time_s,
        benchmark_action=_ACTIONS[benchmark],
        benchmark_policy=benchmark,
        verdict=Verdict.CORRECT if code is None else Verdict.INCORRECT,
        error_class=None if code is None else _CLASSES[code],
        error_code=code,
        severity=None if code is None else _SEVERITIES[code],
        attributable_to=_attribution(chance, code),
        scorecard=_scorecard(chance, code),
    )


def _place(chance: random.Random) -> tuple[str, str, float]:
    places = [(vendor, site, share, factor) for vendor, sites in _SITES.items() for site, share, factor in sites]
    vendor, site, _, factor = chance.choices(places, [share for _, _, share, _ in places])[0]
    return vendor, site, factor


def _pick(chance: random.Random, weights: Mapping[str, float]) -> str:
    return chance.choices(tuple(weights), tuple(weights.values()))[0]


def _decision(chance: random.Random, benchmark: str, error_factor: float, *, in_segment: bool) -> tuple[str, str | None]:
    """The policy that the moderator chose, and which error that is."""
    mistakes = _MISTAKES[benchmark]
    rates = [_PLANTED_RATE if in_segment and code == PLANTED_CODE else rate * error_factor for _, code, rate in mistakes]
    drawn = chance.random()
    for (policy, code, _), rate in zip(mistakes, rates, strict=True):
        if drawn < rate:
            return policy, code
        drawn -= rate
    return benchmark, None


def _attribution(chance: random.Random, code: str | None) -> Attribution | None:
    if code is None:
        return None
    if code.startswith("TE-"):
        return Attribution.TOOLING
    return chance.choices((Attribution.MODERATOR, Attribution.POLICY, Attribution.TRAINING), (0.7, 0.15, 0.15))[0]


def _scorecard(chance: random.Random, code: str | None) -> Sequence[Criterion]:
    """Three lines: the decision itself, the policy chosen, and how it was noted down."""
    decision = 1.0 if code is None or code.startswith(("WS-", "TE-")) else 0.0
    policy = 0.0 if code is not None and code.startswith("WS-") else 1.0
    note = chance.choices((1.0, 0.5, None), (0.86, 0.06, 0.08))[0]
    return (
        Criterion(code="decision", weight=60, rating=decision, auto_fail=code is not None and _severe(code)),
        Criterion(code="policy", weight=30, rating=policy),
        Criterion(code="note", weight=10, rating=note),
    )


def _severe(code: str) -> bool:
    return _SEVERITIES[code] is Severity.CRITICAL
