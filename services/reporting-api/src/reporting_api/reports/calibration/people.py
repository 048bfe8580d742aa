"""Each rater beside the benchmark: alignment, repeatability, and who needs which calibration next."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, cast

import numpy as np

from reporting_api.metrics.numbers import ranks
from reporting_api.reports.calibration.agreement import NO_BENCHMARK
from reporting_api.reports.calibration.shares import against, share
from reporting_api.reports.calibration.sheets import Rater, Sheet
from reporting_api.statistics import raters
from reporting_api.statistics.estimates import Reason
from reporting_api.statistics.ratings import MISSING, Ratings
from tallystick.schemas.calibration_report import (
    Mistake,
    NextCalibration,
    RaterAlignment,
    Repeatability,
    Topic,
    WhoNext,
)
from tallystick.schemas.metric import Number

TOPICS = 3
"""Clauses that are named to a rater."""
MISTAKES = 5
"""Kinds of mistakes that are named of a clause."""

_NO_TARGET = "No target of agreement is set: neither by the session nor by the programme."
_ALL_REACH = "Everybody reaches the target."
_NOBODY = "Nobody has rated an item with a benchmark."


@dataclass
class Record:
    """What somebody has judged, of one session or several."""

    rater: Rater
    rated: int = 0
    missing: int = 0
    right: Counter[str | None] = field(default_factory=Counter)
    """Ratings that are the benchmark's, by clause."""
    mistakes: dict[str | None, Counter[tuple[str, str]]] = field(default_factory=dict)
    """Benchmark and what was chosen in its place, by clause."""
    golden: int = 0
    """How many of these were golden items, hidden in everyday work."""

    def wrong(self, policy: str | None) -> int:
        """Ratings on the items of a clause that are not the benchmark's."""
        return self.mistakes.get(policy, Counter()).total()

    def alignment(self, minimum_sample: int) -> Number:
        """The share of ratings that are the benchmark's."""
        right = self.right.total()
        wrong = sum(each.total() for each in self.mistakes.values())
        reason = str(Reason.NO_BENCHMARK) if self.rated else "This rater has rated nothing."
        return share(right, right + wrong, minimum_sample, reason)


def records(sheets: Iterable[Sheet]) -> list[Record]:
    """What each rater has judged over all of the sessions."""
    found: dict[Rater, Record] = {}
    for sheet in sheets:
        truth, categories, size = sheet.benchmark, sheet.categories, len(sheet.categories)
        policies = sorted({item.policy or "" for item in sheet.first})
        place = {policy: at for at, policy in enumerate(policies)}
        clause = np.array([place[item.policy or ""] for item in sheet.first], dtype=np.int64)
        for column, rater in enumerate(sheet.raters):
            record = found.setdefault(rater, Record(rater))
            chosen = sheet.ratings.codes[:, column]
            record.rated += int((chosen != MISSING).sum())
            record.missing += int((chosen == MISSING).sum())
            judged = (chosen != MISSING) & (truth != MISSING)
            cells = np.ravel_multi_index((clause[judged], truth[judged], chosen[judged]), (len(policies), size, size))
            counts = np.bincount(cells)
            for cell in np.flatnonzero(counts).tolist():
                (at, pair), count = divmod(cell, size * size), int(counts[cell])
                benchmark, choice = divmod(pair, size)
                policy = policies[at] or None
                if benchmark == choice:
                    record.right[policy] += count
                else:
                    record.mistakes.setdefault(policy, Counter())[categories[benchmark], categories[choice]] += count
    return list(found.values())


def alignments(people: Sequence[Record], target: float | None, minimum_sample: int) -> tuple[RaterAlignment, ...]:
    """Each rater's alignment against the target, the best first; those without any come last."""
    numbers = [each.alignment(minimum_sample) for each in people]
    found = [
        RaterAlignment.model_construct(
            rater=each.rater.subject,
            vendor=each.rater.vendor,
            rated=each.rated,
            missing=each.missing,
            alignment=number,
            standing=against(target, number),
            rank=rank,
        )
        for each, number, rank in zip(people, numbers, ranks(numbers, greatest_first=True), strict=True)
    ]
    return tuple(sorted(found, key=lambda each: (each.alignment.value is None, -(each.alignment.value or 0.0), each.rater)))


def who_next(people: Sequence[Record], target: float | None, minimum_sample: int, vendor: str | None) -> WhoNext:
    """Those who do not surely reach the target, whose need is greatest first; a vendor reads of its own people alone."""
    if target is None:
        return WhoNext(raters=(), reason=_NO_TARGET)
    numbers = [(each, each.alignment(minimum_sample)) for each in people if vendor is None or each.rater.vendor == vendor]
    if all(number.value is None for _, number in numbers):
        return WhoNext(raters=(), reason=_NOBODY)
    needy = [(each, number) for each, number in numbers if against(target, number) in {"missed", "undecided"}]
    needy.sort(key=lambda each: (against(target, each[1]) != "missed", each[1].value or 0.0, each[0].rater.subject))
    places = ranks([number for _, number in needy], greatest_first=False)
    found = [
        NextCalibration.model_construct(
            rater=each.rater.subject,
            vendor=each.rater.vendor,
            alignment=number,
            target=target,
            standing=cast("Literal['missed', 'undecided']", against(target, number)),
            rank=place,
            topics=(topics := _topics(each, minimum_sample)),
            reason=_reason(each, number, target, topics),
        )
        for (each, number), place in zip(needy, places, strict=True)
    ]
    return WhoNext.model_construct(raters=tuple(found), reason=None if found else _ALL_REACH)


def _topics(record: Record, minimum_sample: int) -> tuple[Topic, ...]:
    policies = sorted(record.mistakes, key=lambda policy: (-record.wrong(policy), policy or ""))
    return tuple(
        Topic.model_construct(
            policy=policy,
            alignment=share(record.right[policy], record.right[policy] + record.wrong(policy), minimum_sample, NO_BENCHMARK),
            mistakes=mistakes(record.mistakes[policy]),
        )
        for policy in policies[:TOPICS]
    )


def mistakes(counted: Mapping[tuple[str, str], int]) -> tuple[Mistake, ...]:
    """The most frequent mistakes."""
    ordered = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    return tuple(Mistake(benchmark=truth, chosen=choice, count=count) for (truth, choice), count in ordered[:MISTAKES])


def _reason(record: Record, number: Number, target: float, topics: Sequence[Topic]) -> str:
    low, high = (number.interval.low, number.interval.high) if number.interval else (0.0, 1.0)
    missed = high < target
    hidden = f", {record.golden} of them hidden in everyday work," if record.golden else ""
    text = (
        f"{record.rater.subject} judged {number.numerator} of {number.denominator} items{hidden} as the benchmark does"
        f" ({number.value:.0%}, {low:.0%} to {high:.0%}): "
        + ("below the" if missed else "that does not decide whether it reaches the")
        + f" target of {target:.0%}."
    )
    if topics:
        first = topics[0]
        often = first.mistakes[0]
        about = f"on {first.policy}" if first.policy else "on items without a clause"
        times = "once" if often.count == 1 else f"{often.count} times"
        wrong = int(first.alignment.denominator or 0) - int(first.alignment.numerator or 0)
        text += f" Most mistakes are {about} ({wrong}): most often {often.chosen} in the place of {often.benchmark}, {times}."
    return text


def repeatability(sheet: Sheet, minimum_sample: int) -> tuple[tuple[Repeatability, ...], Number]:
    """How often each rater chose the same when an item was shown again, and all of them together."""
    rows = {item.number: row for row, item in enumerate(sheet.items)}
    repeats = [(rows[item.repeat_of], row) for row, item in enumerate(sheet.items) if item.repeat_of in rows]
    shares = raters.repeatability(Ratings(sheet.shown, len(sheet.categories)), repeats)
    reason = str(Reason.NO_REPEATS) if repeats else "No item was shown twice."
    found = tuple(
        Repeatability.model_construct(
            rater=rater.subject, vendor=rater.vendor, repeated=share(each.agreed, each.rated, minimum_sample, reason)
        )
        for rater, each in zip(sheet.raters, shares, strict=True)
    )
    nobody = "Nobody has rated an item twice." if repeats else reason
    return found, share(sum(each.agreed for each in shares), sum(each.rated for each in shares), minimum_sample, nobody)
