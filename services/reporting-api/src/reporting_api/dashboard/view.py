"""What the dashboard says: the reports, put into tiles, sentences and table rows."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from reporting_api.metrics.definitions import FORMULAS
from reporting_api.metrics.numbers import Bounded
from reporting_api.statistics.charts import Rule
from tallystick.schemas.metric import Measure, Number, Rank, Row
from tallystick.schemas.report import (
    ParetoBar,
    QualitySummary,
    SegmentConcentration,
    SegmentSignal,
    TargetStanding,
    TopErrorTrends,
    TrendPoint,
    Turn,
)
from tallystick.service.pages import words

TILES = (Measure.ACCURACY, Measure.CRITICAL_ACCURACY, Measure.ERROR_RATE, Measure.AUDITS, Measure.QUALITY_SCORE)

RULES: dict[str, str] = {
    Rule.BEYOND_3_SIGMA: "beyond the limits (3 sigma)",
    Rule.TWO_OF_THREE: "two of three weeks beyond 2 sigma",
    Rule.FOUR_OF_FIVE: "four of five weeks beyond 1 sigma",
    Rule.EIGHT_IN_A_ROW: "eight weeks in a row on one side of the centre",
}
SORTED = ("vendor", "site", Measure.AUDITS, Measure.ERRORS, Measure.ACCURACY, Measure.CRITICAL_ACCURACY, Measure.QUALITY_SCORE)
"""What the tables can be sorted by."""

Sentiment = Literal["good", "bad", "open"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A sentence about a number, and whether it is good news."""

    sentiment: Sentiment
    text: str


@dataclass(frozen=True, slots=True)
class Tile:
    """One number at the head of the page, with all that it stands on."""

    label: str
    value: str
    stands_on: str
    interval: str | None
    shortage: str | None
    verdicts: tuple[Verdict, ...]
    notes: tuple[str, ...]


def tiles(summary: QualitySummary, minimum_sample: int) -> tuple[Tile, ...]:
    """The tiles of a summary. A quality score is among them where audits have scorecards."""
    numbers = summary.overall[summary.scope.view]
    shown = [measure for measure in TILES if measure != Measure.QUALITY_SCORE or numbers[measure].value is not None]
    return tuple(_tile(measure, summary, minimum_sample) for measure in shown)


def _tile(measure: Measure, summary: QualitySummary, minimum_sample: int) -> Tile:
    number = summary.overall[summary.scope.view][measure]
    is_count = FORMULAS[measure].definition.kind == "count"
    target = next((_target(each) for each in summary.targets if each.measure == measure), None)
    shortage = None
    if number.value is not None and not number.sufficient:
        shortage = f"Not enough audits: {words.count(number.denominator)} of the {words.count(minimum_sample)} that it takes."
    return Tile(
        label=FORMULAS[measure].definition.label,
        value=words.count(number.value) if is_count else words.share(number.value),
        stands_on=_stands_on(measure, number),
        interval=words.bounds(number.interval) if number.interval else None,
        shortage=shortage,
        verdicts=tuple(each for each in (target, _change(measure, summary)) if each is not None),
        notes=tuple(_notes(measure, summary)),
    )


def _stands_on(measure: Measure, number: Number) -> str:
    if number.value is None:
        return number.reason or ""
    if FORMULAS[measure].definition.kind == "count":
        return "in the period"
    return f"{words.of(number)} {FORMULAS[measure].definition.denominator}"


def _target(standing: TargetStanding) -> Verdict:
    target = words.goal(standing.target)
    match standing.standing:
        case "met":
            return Verdict("good", f"Target {target} met")
        case "missed":
            return Verdict("bad", f"Target {target} missed")
        case "undecided":
            return Verdict("open", f"Target {target} undecided: it lies within the interval")
        case "no_data":
            return Verdict("open", f"Target {target}: nothing to judge")


def _change(measure: Measure, summary: QualitySummary) -> Verdict | None:
    if summary.change is None or summary.previous is None or not summary.previous[Measure.AUDITS].value:
        return None
    change, before = summary.change[measure], summary.previous[measure]
    if FORMULAS[measure].definition.kind == "count":
        return Verdict("open", f"{words.signed(change.value or 0)} from {words.count(before.value)}")
    if change.value is None:
        return Verdict("open", f"No comparison with the period before: {(change.reason or '').lower()}")
    text = f"{words.points(change.value)} points from {words.share(before.value)}"
    if not change.clear:
        return Verdict("open", f"{text}: within chance")
    better = (change.value > 0) == (FORMULAS[measure].definition.better == "higher")
    return Verdict("good", f"{text}: better") if better else Verdict("bad", f"{text}: worse")


def _notes(measure: Measure, summary: QualitySummary) -> Sequence[str]:
    numbers = summary.overall[summary.scope.view]
    if measure == Measure.ERROR_RATE and numbers[measure].value is not None:
        missed, excessive = numbers[Measure.FALSE_NEGATIVE_RATE], numbers[Measure.FALSE_POSITIVE_RATE]
        return [
            f"Missed (false negatives) {words.share(missed.value)}",
            f"Over-enforced (false positives) {words.share(excessive.value)}",
        ]
    if measure == Measure.AUDITS and numbers[Measure.HANDLING_TIME].value is not None:
        return [f"{numbers[Measure.HANDLING_TIME].value:,.0f} seconds each on average"]
    other = next(view for view in summary.overall if view != summary.scope.view)
    there = summary.overall[other][measure]
    if there.value is None or there.value == numbers[measure].value:
        return []
    return [f"{other.replace('_', ' ').capitalize()}: {words.share(there.value)}"]


@dataclass(frozen=True, slots=True)
class Scale:
    """The common scale of the intervals in a table, so that those which overlap can be seen to."""

    low: float
    high: float

    def place(self, value: float) -> float:
        """Where a share lies, from 0 to 100."""
        return round(100 * (value - self.low) / (self.high - self.low), 2)


def scale(numbers: Iterable[Bounded], target: float | None) -> Scale | None:
    """A scale that holds the intervals of all numbers and the target; None without any interval."""
    intervals = [each.interval for each in numbers if each.interval is not None]
    if not intervals:
        return None
    targets = [] if target is None else [target]
    low = min([each.low for each in intervals] + targets)
    high = max([each.high for each in intervals] + targets)
    margin = max((high - low) * 0.04, 0.0001)
    return Scale(low - margin, high + margin)


def sorted_rows(rows: Sequence[Row], order: str) -> list[Row]:
    """Rows by a measure or a dimension; `-` in front puts the greatest first. Those without a value come last."""
    name, reverse = order.removeprefix("-"), order.startswith("-")
    if name in {"vendor", "site"}:
        return sorted(
            rows, key=lambda row: (row.dimensions.get(name) or "", tuple(map(str, row.dimensions.values()))), reverse=reverse
        )
    valued = [row for row in rows if row.numbers[name].value is not None]
    valued.sort(key=lambda row: row.numbers[name].value or 0, reverse=reverse)
    return valued + [row for row in rows if row.numbers[name].value is None]


def scored(rows: Sequence[Row]) -> bool:
    """Whether any row has a quality score."""
    return any(row.numbers[Measure.QUALITY_SCORE].value is not None for row in rows)


def place(rank: Rank | None) -> str:
    """Between which places a row may stand."""
    if rank is None:
        return ""
    return f"{rank.highest}\N{EN DASH}{rank.lowest} (tied)" if rank.tied else str(rank.highest)


def rules(point: TrendPoint) -> str:
    """The rules that a week breaks."""
    return ", ".join(RULES.get(each, each.replace("_", " ")) for each in point.signals)


def trend_caption(label: str, trend: Sequence[TrendPoint], otherwise: str) -> str:
    """What the chart of a share shows, in a sentence or two; `otherwise` where it has no week."""
    valued = [(point.number.value, point) for point in trend if point.number.value is not None]
    if not valued:
        return otherwise
    low, high = min(valued, key=lambda each: each[0])[0], max(valued, key=lambda each: each[0])[0]
    weeks = "1 week" if len(valued) == 1 else f"{len(valued)} weeks"
    text = f"{label} in {weeks}, between {words.share(low)} and {words.share(high)}."
    signals = [point for _, point in valued if point.signals]
    if not signals:
        return f"{text} No week is a signal: all of it can be chance."
    if len(signals) == 1:
        (only,) = signals
        return f"{text} A signal in the week of {words.day(only.week)}: {words.share(only.number.value)}, {rules(only)}."
    named = ", ".join(f"{words.day(point.week)} ({words.share(point.number.value)})" for point in signals)
    return f"{text} Signals in {len(signals)} weeks: {named}. The table says which rule each of them breaks."


def accuracy_caption(trend: Sequence[TrendPoint]) -> str:
    """What the chart of accuracy shows."""
    return trend_caption("Accuracy", trend, "There are no audits in this period.")


def pareto_caption(pareto: Sequence[ParetoBar]) -> str:
    """What the Pareto chart shows: how few codes make up most errors."""
    if not pareto:
        return "There are no errors in this period."
    place, bar = next((place, bar) for place, bar in enumerate(pareto, 1) if bar.cumulative_share >= 0.8)  # noqa: PLR2004
    most = "1 code makes" if place == 1 else f"{place} codes make"
    return (
        f"{most} up {words.share(bar.cumulative_share)} of all errors; {len(pareto)} occur."
        f" Most frequent: {error_name(pareto[0])}."
    )


def error_name(each: ParetoBar | SegmentSignal | SegmentConcentration | Turn) -> str:
    """An error by its name and its code."""
    if each.error_code is None:
        return "errors without a code"
    return f"{each.name} ({each.error_code})" if each.name and each.name != each.error_code else each.error_code


@dataclass(frozen=True, slots=True)
class Finding:
    """A sentence about a part of the audits."""

    segment: dict[str, str | None]
    text: str
    sentiment: Sentiment


def signals(report: TopErrorTrends) -> tuple[Finding, ...]:
    """What has changed, where and since when."""
    return tuple(
        Finding(
            each.segment,
            f"{error_name(each)} {'rose' if each.direction == 'up' else 'fell'} in the week of {words.day(each.since)}"
            f" from {words.share(each.before.value)} ({words.of(each.before)})"
            f" to {words.share(each.after.value)} ({words.of(each.after)}) of audits.",
            "bad" if each.direction == "up" else "good",
        )
        for each in report.signals
    )


def concentrations(report: TopErrorTrends) -> tuple[Finding, ...]:
    """Where errors are more frequent than elsewhere; first those that the signals do not name already."""
    found = sorted(report.concentrations, key=lambda each: each.signal)
    return tuple(Finding(each.segment, _concentration(each), "open") for each in found)


def _concentration(each: SegmentConcentration) -> str:
    text = (
        f"{error_name(each)} in {words.share(each.rate.value)} of audits, against {words.share(each.elsewhere.value)} elsewhere"
    )
    if each.ratio is not None and each.interval is not None:
        text += (
            f": {each.ratio:.1f} times as often (95{words.THIN}% interval {each.interval.low:.1f} to {each.interval.high:.1f})"
        )
    text += f". {words.share(each.share.value)} of these errors are made here."
    return (
        f"{text} It has changed in the period: see the signals."
        if each.signal
        else f"{text} No change of it was found in the period."
    )


def turns(report: TopErrorTrends) -> tuple[Verdict, ...]:
    """Which errors have appeared or vanished in the recent weeks."""
    return (
        *(
            Verdict("bad", f"{error_name(each)} appeared: {each.errors_since} since {words.day(each.since)}, none before.")
            for each in report.appeared
        ),
        *(
            Verdict("good", f"{error_name(each)} vanished: {each.errors_before} before {words.day(each.since)}, none since.")
            for each in report.vanished
        ),
    )
