"""What a programme asks of an audit beyond its shape: known words, a judgement that agrees with itself, plausible times."""

import hashlib
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from operator import itemgetter
from typing import Any

import orjson

from tallystick.schemas.audit import AuditFacts, Criterion, Judgement, NewAudit, RowError, Verdict
from tallystick.schemas.decision import Decision
from tallystick.schemas.programme import ErrorCode, Policy, Programme, Vocabulary

CLOCK_SKEW = timedelta(hours=1)
"""How far the clocks of others may be ahead of ours."""
CONTENT = (
    "external_id", "vendor", "content_ref", "site", "queue", "market", "language", "moderator", "decided_at", "action", "policy",
    "automated_detection", "automated_decision", "auditor", "audit_party", "claimed_at", "audited_at", "handling_time_s",
    "stratum", "inclusion_probability", "benchmark_action", "benchmark_policy", "verdict", "error_class", "error_code",
    "severity", "attributable_to", "comment", "render_hints", "scorecard",
)  # fmt: skip
"""The fields of an audit as it is sent, in the order in which they are hashed: its name first."""

_content = itemgetter(*CONTENT)
WORDS = (
    "vendor", "site", "queue", "market", "language", "policy", "action", "benchmark_action", "benchmark_policy", "verdict",
    "error_class", "error_code", "severity", "attributable_to",
)  # fmt: skip
"""The fields of an audit that hold words of the programme, or of the contract."""
_worded = itemgetter(*WORDS)


class Rules:
    """The rules of one version of a programme, for one caller.

    Args:
        programme: the document.
        vendor: the vendor whose rows the caller may push; None for all of the programme.
        moment: what time it is, if not by the clock of the machine.
    """

    def __init__(self, programme: Programme, vendor: str | None, moment: datetime | None = None) -> None:
        self._programme = programme
        self.policy_set_version = programme.policy_set.version
        self.error_taxonomy_version = programme.error_taxonomy.version
        self._vendors = {entry.slug for entry in programme.vendors if vendor in {None, entry.slug}}
        self._actions = set(programme.policy_set.actions)
        self._codes = {code.code: code for code in programme.error_taxonomy.codes}
        self._words: dict[Vocabulary, set[str]] = {
            Vocabulary.QUEUES: set(programme.queues),
            Vocabulary.MARKETS: set(programme.markets),
            Vocabulary.LANGUAGES: set(programme.languages),
            Vocabulary.POLICIES: {policy.code for policy in programme.policy_set.policies},
            Vocabulary.ERROR_CODES: set(self._codes),
            Vocabulary.SITES: {f"{entry.slug}/{site}" for entry in programme.vendors for site in entry.sites},
        }
        self._open = set(programme.register_unknown)
        self._added: dict[Vocabulary, set[str]] = defaultdict(set)
        self._met: list[tuple[Vocabulary, str]] = []
        self._good: set[tuple[str | None, ...]] = set()
        self.latest = (moment or datetime.now(UTC)) + CLOCK_SKEW

    def check(self, audit: NewAudit) -> tuple[RowError, ...]:
        """What is wrong with a row, by field; empty when the programme takes it."""
        words = _worded(audit.__dict__)
        if words not in self._good:
            faults = (*self._unknown_words(audit), *self._judgement_faults(audit), *self._implausible_times(audit))
            if not faults:
                self._good.add(words)
            return self._settled(faults)
        return tuple(self._implausible_times(audit))

    def check_decision(self, decision: Decision) -> tuple[RowError, ...]:
        """What is wrong with a decision, by field; empty when the programme takes it."""
        faults = list(self._unknown_words(decision))
        if decision.decided_at > self.latest:
            faults.append(RowError(pointer="/decided_at", code="in_the_future", detail="The decision is in the future."))
        return self._settled(tuple(faults))

    def know(self, words: tuple[str | None, ...]) -> bool:
        """Whether a row with these `WORDS` was taken before: nothing can be wrong with them."""
        return words in self._good

    def check_judgement(self, judgement: Judgement) -> tuple[RowError, ...]:
        """What is wrong with a revised judgement, by field; empty when the programme takes it."""
        return self._settled(tuple(self._judgement_faults(judgement)))

    def _settled(self, faults: tuple[RowError, ...]) -> tuple[RowError, ...]:
        """The faults of a row; the new words of a row that has none become known."""
        for vocabulary, word in () if faults else self._met:
            self._words[vocabulary].add(word)
            self._added[vocabulary].add(word)
        self._met.clear()
        return faults

    def _implausible_times(self, audit: NewAudit) -> Iterator[RowError]:
        if audit.audited_at < audit.decided_at:
            yield RowError(pointer="/audited_at", code="before_decision", detail="The audit is earlier than the decision.")
        if audit.audited_at > self.latest:
            yield RowError(pointer="/audited_at", code="in_the_future", detail="The audit is in the future.")
        if audit.claimed_at is not None and audit.claimed_at > audit.audited_at:
            yield RowError(pointer="/claimed_at", code="after_audit", detail="The claim is later than the audit.")

    def _unknown_words(self, audit: NewAudit | Decision) -> Iterator[RowError]:
        if audit.vendor not in self._vendors:
            yield _unknown("vendor")
            return
        known = (
            (Vocabulary.SITES, f"{audit.vendor}/{audit.site}", "site"),
            (Vocabulary.QUEUES, audit.queue, "queue"),
            (Vocabulary.MARKETS, audit.market, "market"),
            (Vocabulary.LANGUAGES, audit.language, "language"),
            (Vocabulary.POLICIES, audit.policy, "policy"),
        )
        for vocabulary, word, field in known:
            if word not in self._words[vocabulary] and not self._registered(vocabulary, word):
                yield _unknown(field)
        if audit.action not in self._actions:
            yield _unknown("action")

    def _judgement_faults(self, judgement: Judgement) -> Iterator[RowError]:
        policy = judgement.benchmark_policy
        if policy not in self._words[Vocabulary.POLICIES] and not self._registered(Vocabulary.POLICIES, policy):
            yield _unknown("benchmark_policy")
        if judgement.benchmark_action not in self._actions:
            yield _unknown("benchmark_action")
        if judgement.verdict is Verdict.CORRECT:
            for field in ("error_class", "error_code", "severity", "attributable_to"):
                if getattr(judgement, field) is not None:
                    yield RowError(pointer=f"/{field}", code="error_without_fault", detail="A correct decision has no error.")
            return
        for field in ("error_class", "error_code", "severity"):
            if getattr(judgement, field) is None:
                yield RowError(pointer=f"/{field}", code="missing", detail="An incorrect decision needs this.")
        if judgement.error_code is not None:
            yield from self._code_faults(judgement, judgement.error_code)

    def _code_faults(self, judgement: Judgement, word: str) -> Iterator[RowError]:
        code = self._codes.get(word)
        if code is None:
            if word not in self._words[Vocabulary.ERROR_CODES] and not self._registered(Vocabulary.ERROR_CODES, word):
                yield _unknown("error_code")
            return
        if code.error_class not in {None, judgement.error_class}:
            yield RowError(pointer="/error_class", code="not_of_this_code", detail="The error code belongs to another class.")
        if code.severity not in {None, judgement.severity}:
            yield RowError(pointer="/severity", code="not_of_this_code", detail="The error code has another severity.")

    def _registered(self, vocabulary: Vocabulary, word: str) -> bool:
        if vocabulary not in self._open:
            return False
        self._met.append((vocabulary, word))
        return True

    def grown(self, onto: Programme | None = None) -> Programme | None:
        """The programme, or a newer version of it, with the words that rows have added to its open vocabularies.

        None if there are none, or none that it does not have.
        """
        old = onto or self._programme
        sites = {entry.slug: list(entry.sites) for entry in old.vendors}
        for vendor, _, site in (pair.partition("/") for pair in self._new(Vocabulary.SITES)):
            if site not in sites.get(vendor, [site]):
                sites[vendor].append(site)
        policies = self._new(Vocabulary.POLICIES, *(policy.code for policy in old.policy_set.policies))
        codes = self._new(Vocabulary.ERROR_CODES, *(code.code for code in old.error_taxonomy.codes))
        all_policies = (*old.policy_set.policies, *(Policy(code=word, name=word) for word in policies))
        all_codes = (*old.error_taxonomy.codes, *(ErrorCode(code=word, name=word) for word in codes))
        new = old.model_copy(
            update={
                "vendors": tuple(entry.model_copy(update={"sites": tuple(sites[entry.slug])}) for entry in old.vendors),
                "queues": (*old.queues, *self._new(Vocabulary.QUEUES, *old.queues)),
                "markets": (*old.markets, *self._new(Vocabulary.MARKETS, *old.markets)),
                "languages": (*old.languages, *self._new(Vocabulary.LANGUAGES, *old.languages)),
                "policy_set": old.policy_set.model_copy(update={"policies": all_policies}),
                "error_taxonomy": old.error_taxonomy.model_copy(update={"codes": all_codes}),
            }
        )
        return None if new == old else new

    def _new(self, vocabulary: Vocabulary, *known: str) -> list[str]:
        """The words that were added to a vocabulary, without those that are known."""
        return sorted(self._added[vocabulary].difference(known))


def _unknown(field: str) -> RowError:
    return RowError(
        pointer=f"/{field}", code=f"unknown_{field}", detail=f"The programme knows no such {field.replace('_', ' ')}."
    )


def quality_score(scorecard: tuple[Criterion, ...] | None) -> float | None:
    """The weighted share of points reached, from 0 to 1.

    Lines that are not applicable give their weight to the others in proportion. A line with auto-fail that is not fully met makes
    the score 0. None without a scorecard, or where no line applies.
    """
    lines = [(line.weight, line.rating, line.auto_fail) for line in scorecard or () if line.rating is not None]
    if not lines:
        return None
    if any(auto_fail and rating < 1 for _, rating, auto_fail in lines):
        return 0.0
    return sum(weight * rating for weight, rating, _ in lines) / sum(weight for weight, _, _ in lines)


def content(audit: AuditFacts) -> tuple[Any, ...]:
    """The values of a row as it was sent, in the order of `CONTENT`."""
    values: tuple[Any, ...] = _content(audit.__dict__)
    return values


def canonical(values: tuple[Any, ...]) -> bytes:
    """The canonical form of a row: a JSON array of its `content` in one line, with times in UTC.

    A field that a later version of the schema adds joins at the end, and only where it is present: old rows keep their hash.
    """
    return orjson.dumps(values, default=dict, option=orjson.OPT_UTC_Z)


def content_hash(values: tuple[Any, ...]) -> bytes:
    """SHA-256 over the canonical form of a row."""
    return hashlib.sha256(canonical(values)).digest()
