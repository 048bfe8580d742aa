"""The draw that anybody can repeat: what service, command and vendors compute alike from decisions and a key.

Nothing here depends on Python: each function says in bytes what it computes, so that it can be written again in any language.

A decision in *canonical form* is its `FIELDS`, in that order, joined by the control character U+001F, in UTF-8. No value can hold
that character. `decided_at` is told in UTC, as `2026-09-01T08:30:00Z`, and with six digits of a fraction where it has one, as
`2026-09-01T08:30:00.250000Z`; flags are `true` or `false`; no risk band is empty; render hints stand in alphabetical order, each
once, with commas between them.
"""

import hashlib
import hmac
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from heapq import heappush, heapreplace
from zoneinfo import ZoneInfo

from tallystick.schemas.decision import Decision
from tallystick.schemas.sampling import Receipt, ReceiptStratum, SamplingScope, StratumDimension, StratumValues

FIELDS = (
    "decision_id", "vendor", "site", "queue", "market", "language", "moderator", "decided_at", "action", "policy", "content_ref",
    "automated_detection", "automated_decision", "risk", "modality", "render_hints",
)  # fmt: skip
"""The fields of a decision, in the order of its canonical form."""
SEPARATOR = "\x1f"
DIGEST_BYTES = 256
_MODULUS = 1 << 8 * DIGEST_BYTES
_FLAGS = ("false", "true")
_BLOCK = 64  # bytes, of SHA-256


def texts(decision: Decision) -> tuple[str, ...]:
    """The fields of a decision as they stand in its canonical form."""
    return (
        decision.decision_id, decision.vendor, decision.site, decision.queue, decision.market, decision.language,
        decision.moderator, moment_text(decision.decided_at), decision.action, decision.policy, decision.content_ref,
        _FLAGS[decision.automated_detection], _FLAGS[decision.automated_decision], decision.risk or "", decision.modality.value,
        ",".join(sorted(set(decision.render_hints))),
    )  # fmt: skip


def moment_text(moment: datetime) -> str:
    """A moment of UTC as it stands in a canonical form."""
    return moment.replace(tzinfo=None).isoformat() + "Z"


def canonical(decision: Decision) -> bytes:
    """A decision in canonical form."""
    return SEPARATOR.join(texts(decision)).encode()


def commitment(key: bytes) -> str:
    """What is published of a draw's key before its period: SHA-256 of the key, in hexadecimal digits."""
    return hashlib.sha256(key).hexdigest()


def rank(key: bytes, vendor: str, decision_id: str) -> bytes:
    """Where a decision stands in the draw: HMAC-SHA-256, under the key, of vendor, U+001F and id in UTF-8. The lowest are drawn.

    Nothing else of a decision is in it, so that nobody can move a decision by changing what it says.
    """
    return hmac.digest(key, f"{vendor}{SEPARATOR}{decision_id}".encode(), "sha256")


def ranker(key: bytes) -> Callable[[bytes], bytes]:
    """`rank` for a key that ranks many, of `vendor U+001F id` in UTF-8: the key is taken in once, as RFC 2104 has it."""
    padded = (key if len(key) <= _BLOCK else hashlib.sha256(key).digest()).ljust(_BLOCK, b"\x00")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in padded)) for pad in (0x36, 0x5C))

    def rank_of(name: bytes) -> bytes:
        inside, outside = inner.copy(), outer.copy()
        inside.update(name)
        outside.update(inside.digest())
        return outside.digest()

    return rank_of


def stratum_of(dimensions: Sequence[StratumDimension], decision: Decision) -> tuple[str, StratumValues]:
    """The stratum of a decision: its code, and what the decisions in it have in common."""
    row = texts(decision)
    values = {dimension: row[PLACES[dimension]] for dimension in dimensions}
    return stratum_code(values), values


PLACES = {dimension: FIELDS.index(dimension.value) for dimension in StratumDimension}
"""Where what strata are divided by stands in a canonical form."""


def stratum_code(values: StratumValues) -> str:
    """The code of a stratum: `s-` and the first 16 hexadecimal digits of the SHA-256 of its lines `dimension=value`.

    The lines are in UTF-8, in the order of `StratumDimension`, with a line feed between each two of them.
    """
    lines = "\n".join(f"{dimension.value}={values[dimension]}" for dimension in StratumDimension if dimension in values)
    return f"s-{hashlib.sha256(lines.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, slots=True)
class Frame:
    """How many decisions there are, and a digest of them that does not depend on their order: digests add up, and subtract.

    The digest of one decision is SHAKE-128 of its canonical form, 256 bytes, read as a number with its first byte first (big
    endian); that of several is the sum of theirs, modulo 2 to the power of 2048. (An *AdHash* after Bellare and Micciancio, 1997,
    with a modulus that leaves no way of finding other decisions with the same sum.)
    """

    decisions: int = 0
    total: int = 0

    @classmethod
    def of(cls, rows: Iterable[bytes]) -> "Frame":
        """The frame of decisions in canonical form."""
        count = total = 0
        for row in rows:
            count += 1
            total += digest_of(row)
        return cls(count, total % _MODULUS)

    @classmethod
    def read(cls, decisions: int, digest: bytes) -> "Frame":
        """A frame that was written down."""
        return cls(decisions, int.from_bytes(digest, "big"))

    def __add__(self, other: "Frame") -> "Frame":
        return Frame(self.decisions + other.decisions, (self.total + other.total) % _MODULUS)

    def __sub__(self, other: "Frame") -> "Frame":
        return Frame(self.decisions - other.decisions, (self.total - other.total) % _MODULUS)

    @property
    def digest(self) -> bytes:
        """Of all the decisions, in 256 bytes."""
        return (self.total % _MODULUS).to_bytes(DIGEST_BYTES, "big")

    @property
    def hex(self) -> str:
        """The digest in hexadecimal digits."""
        return self.digest.hex()


def digest_of(row: bytes) -> int:
    """What a decision in canonical form adds to the digest of a frame."""
    return int.from_bytes(hashlib.shake_128(row).digest(DIGEST_BYTES), "big")


_LISTS = ("vendor", "site", "queue", "market", "language", "policy", "action", "risk")


def scope_of(scope: SamplingScope) -> Callable[[Sequence[str]], bool]:
    """Whether a scope holds a decision, told by the fields of its canonical form.

    It holds a decision with a value of each list that is not empty, and with the flag where there is one.
    """
    lists = [(FIELDS.index(name), frozenset(values)) for name in _LISTS if (values := getattr(scope, name))]
    if scope.automated_decision is not None:
        lists.append((FIELDS.index("automated_decision"), frozenset({_FLAGS[scope.automated_decision]})))

    def holds(row: Sequence[str]) -> bool:
        return all(row[place] in values for place, values in lists)

    return holds


def holds(scope: SamplingScope, decision: Decision) -> bool:
    """Whether a scope holds a decision."""
    return scope_of(scope)(texts(decision))


@dataclass(frozen=True, slots=True)
class Finding:
    """Something in a receipt that the decisions do not bear out."""

    where: str
    """`key`, `period`, `frame`, or the code of a stratum."""
    detail: str
    """In a sentence."""


@dataclass(slots=True)
class _Stratum:
    """What the decisions say of a stratum: how many there are, and which come first by rank."""

    values: StratumValues
    wanted: int
    decisions: int = 0
    lowest: list[tuple[int, str]] = field(default_factory=list)
    """The first by rank, as a heap with the last of them at its head: negative rank and id."""
    ids: set[str] = field(default_factory=set)

    def add(self, place: bytes, decision_id: str) -> None:
        self.decisions += 1
        entry = (-int.from_bytes(place, "big"), decision_id)
        if decision_id in self.ids or not self.wanted:
            return
        if len(self.lowest) < self.wanted:
            heappush(self.lowest, entry)
        elif entry > self.lowest[0]:
            self.ids.discard(heapreplace(self.lowest, entry)[1])
        else:
            return
        self.ids.add(decision_id)

    def first(self) -> list[str]:
        """The ids of the first decisions, by rank."""
        return [decision_id for _, decision_id in sorted(self.lowest, reverse=True)]


def verify(receipt: Receipt, decisions: Iterable[Decision]) -> list[Finding]:
    """Repeat a draw for its vendor, and tell what is different; nothing is where all is as the receipt says.

    Args:
        receipt: what was published of the draw.
        decisions: the vendor's own, in any order. Those of other vendors and other days are passed over.
    """
    key = bytes.fromhex(receipt.key)
    listed = {stratum.stratum: stratum for stratum in receipt.strata}
    names = Counter(stratum.stratum for stratum in receipt.strata)
    count, total, strata = _repeat(receipt, key, decisions, listed)
    findings = [*_key_findings(receipt, key), *_frame_findings(receipt, count, total)]
    for stratum in receipt.strata:
        findings += _stratum_findings(stratum, strata.get(stratum.stratum, _Stratum(stratum.values, 0)))
    findings += [Finding(code, f"The receipt tells of this stratum {told} times.") for code, told in names.items() if told > 1]
    for code in sorted(strata.keys() - listed.keys()):
        named = _named(strata[code].values)
        findings.append(Finding(code, f"The receipt has no stratum of {named}: there are {strata[code].decisions} decisions."))
    return findings


def _repeat(
    receipt: Receipt, key: bytes, decisions: Iterable[Decision], listed: dict[str, ReceiptStratum]
) -> tuple[int, int, dict[str, _Stratum]]:
    rank_of, in_scope, zone = ranker(key), scope_of(receipt.scope), ZoneInfo(receipt.time_zone)
    strata: dict[str, _Stratum] = {}
    codes: dict[tuple[str, ...], str] = {}
    places = [PLACES[dimension] for dimension in receipt.dimensions]
    count = total = 0
    for decision in decisions:
        day = decision.decided_at.astimezone(zone).date()
        if decision.vendor != receipt.vendor or not receipt.first_day <= day <= receipt.last_day:
            continue
        row = texts(decision)
        count += 1
        total += digest_of(SEPARATOR.join(row).encode())
        if not in_scope(row):
            continue
        shared = tuple(row[place] for place in places)
        if (code := codes.get(shared)) is None:
            values = dict(zip(receipt.dimensions, shared, strict=True))
            code = codes[shared] = stratum_code(values)
            strata[code] = _Stratum(values, _told(listed[code]) if code in listed else 0)
        strata[code].add(rank_of(f"{decision.vendor}{SEPARATOR}{decision.decision_id}".encode()), decision.decision_id)
    return count, total % _MODULUS, strata


def _told(stratum: ReceiptStratum) -> int:
    """How many of the first by rank it takes to judge what a receipt tells of a stratum."""
    return max(stratum.drawn, len(stratum.items)) + len(stratum.voided)


def _key_findings(receipt: Receipt, key: bytes) -> Iterator[Finding]:
    if commitment(key) != receipt.commitment:
        yield Finding("key", "The key is not the one that the draw was committed to.")
    begins = datetime.combine(receipt.first_day, time(), ZoneInfo(receipt.time_zone))
    if receipt.committed_at > begins:
        yield Finding("period", "The commitment was published after the period had begun.")


def _frame_findings(receipt: Receipt, count: int, total: int) -> Iterator[Finding]:
    if count != receipt.decisions:
        yield Finding("frame", f"The receipt has {receipt.decisions} decisions of the period; there are {count}.")
    elif Frame(count, total).hex != receipt.frame:
        yield Finding("frame", f"The {count} decisions of the period are not those of the receipt: at least one is different.")


def _stratum_findings(stratum: ReceiptStratum, found: _Stratum) -> Iterator[Finding]:
    code, named = stratum.stratum, _named(stratum.values)
    if stratum_code(stratum.values) != code:
        yield Finding(code, f"The stratum of {named} has another code.")
        return
    if found.decisions != stratum.decisions:
        yield Finding(code, f"The receipt has {stratum.decisions} decisions of {named}; there are {found.decisions}.")
    strangers = [each for each in stratum.voided if each not in set(stratum.items)]
    if strangers:
        yield Finding(code, f"Of {named}, {_listed(strangers)} was voided and never drawn.")
    expected, voided = found.first(), len(set(stratum.voided))
    due = min(stratum.drawn + voided, len(expected))
    if len(stratum.items) != due:
        told = f"{stratum.drawn} drawn and {voided} replaced"
        yield Finding(code, f"Of {named}, there should be {due} items for {told}; the receipt has {len(stratum.items)}.")
    yield from _order_findings(code, named, list(stratum.items), expected[: len(stratum.items)])


def _order_findings(code: str, named: str, told: list[str], expected: list[str]) -> Iterator[Finding]:
    if told == expected:
        return
    added = [each for each in told if each not in set(expected)]
    missing = [each for each in expected if each not in set(told)]
    if added:
        yield Finding(code, f"Of {named}, the receipt has {_listed(added)}, which is not among the first by rank.")
    if missing:
        yield Finding(code, f"Of {named}, {_listed(missing)} is among the first by rank, and the receipt does not have it.")
    if not added and not missing:
        yield Finding(code, f"Of {named}, the items are not in the order of their ranks, or some stand there twice.")


def _named(values: StratumValues) -> str:
    return ", ".join(f"{dimension.value} {value or '(none)'}" for dimension, value in values.items())


def _listed(ids: Sequence[str], most: int = 5) -> str:
    shown = ", ".join(ids[:most])
    return shown if len(ids) <= most else f"{shown} and {len(ids) - most} more"
