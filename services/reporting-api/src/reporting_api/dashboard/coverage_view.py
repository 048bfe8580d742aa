"""What the page of coverage says: the report, put into tiles, sentences and the parts of bars."""

from collections.abc import Iterator, Sequence

from reporting_api.dashboard.view import Sentiment, Tile, Verdict
from tallystick.schemas.coverage import (
    CoverageCounts,
    CoverageDay,
    CoverageReport,
    DrawCoverage,
    Forecast,
    Precision,
    StratumCoverage,
)
from tallystick.service.pages import words

PARTS = (
    ("upheld", "audited", "audited"),
    ("waiting", "in hand", "claimed"),
    ("ended", "waiting", "waiting"),
    ("changed", "nothing left to audit", "missing"),
)
"""The parts of a bar: the style of their marks, how they are called, and their name in the counts."""


def tiles(report: CoverageReport) -> tuple[Tile, ...]:
    """The numbers at the head of the page."""
    return tuple(_tiles(report))


def _tiles(report: CoverageReport) -> Iterator[Tile]:
    overall, share = report.overall, report.overall.coverage.value
    verdicts: tuple[Verdict, ...] = ()
    if report.target is not None and share is not None:
        met = share >= report.target
        reached = "met" if met else "not reached yet"
        verdicts = (Verdict("good" if met else "open", f"target {words.goal(report.target)} {reached}"),)
    planned = f"{words.count(overall.audited)} of {words.count(overall.coverage.denominator)} planned audits"
    yield Tile("Coverage", words.share(share), planned, None, None, verdicts, ())
    hands = f"{words.count(overall.waiting)} waiting, {words.count(overall.claimed)} in hand"
    lost = (f"{words.count(overall.missing)} with nothing left to audit",) if overall.missing else ()
    yield Tile("Left to audit", words.count(overall.gap), hands, None, None, (), lost)
    late = Verdict("bad", "not covered in time at the present pace") if report.late else Verdict("good", "none is late")
    of = f"of {words.count(report.strata_count)}"
    yield Tile("Strata that will be late", words.count(report.late), of, None, None, (late,), ())
    rate = report.precision.error_rate
    interval = words.bounds(rate.interval) if rate.interval else None
    yield Tile("Error rate", words.share(rate.value), rate.reason or "of the decisions, weighted", interval, None, (), ())


def named(each: DrawCoverage | StratumCoverage) -> str:
    """A draw, by its plan and its period."""
    first, last = words.day(each.first_day), words.day(each.last_day)
    return f"{each.title}, {first}" if first == last else f"{each.title}, {first} to {last}"


def stratum(each: StratumCoverage) -> str:
    """What the decisions of a stratum have in common."""
    return ", ".join(value or "(none)" for value in each.values.values())


def widths(counts: CoverageCounts) -> list[tuple[str, float, float]]:
    """The parts of a bar that is as long as what was planned: style, beginning and width, of a hundred."""
    found: list[tuple[str, float, float]] = []
    reached = 0.0
    for style, _, name in PARTS:
        width = 100 * getattr(counts, name) / counts.planned if counts.planned else 0.0
        found.append((style, round(reached, 2), round(width, 2)))
        reached += width
    return found


def parts(counts: CoverageCounts) -> str:
    """The same in words."""
    return ", ".join(f"{words.count(getattr(counts, name))} {label}" for _, label, name in PARTS)


def sentiment(forecast: Forecast) -> Sentiment:
    """Whether it is good news."""
    return "open" if forecast.late is None else "bad" if forecast.late else "good"


def told(counts: CoverageCounts, forecast: Forecast) -> str:
    """The forecast in words."""
    if forecast.late is None:
        return forecast.reason or ""
    left = counts.waiting + counts.claimed
    if not left:
        return "Nothing is left to be handed out."
    days = f"{forecast.days_left or 0:.1f} working days left"
    pace = f"{forecast.pace or 0:.1f} audits a day"
    if not forecast.late:
        return f"In time: {days}, {pace}."
    short = left - ((forecast.audited or 0) - counts.audited)
    if not forecast.days_left:
        return f"Overdue: {words.count(left)} not audited."
    return f"Late: {words.count(short)} will not be audited; {days}, {pace}."


def precise(precision: Precision) -> str:
    """How well the rate is known, beside what was planned."""
    if precision.half_width is None:
        return precision.error_rate.reason or ""
    beside = ""
    if precision.planned is not None:
        beside = f" ({'wanted' if precision.wanted else 'planned'} \N{PLUS-MINUS SIGN}{100 * precision.planned:.1f})"
    return f"\N{PLUS-MINUS SIGN}{100 * precision.half_width:.1f} points{beside}"


def caption(days: Sequence[CoverageDay]) -> str:
    """The chart in a sentence."""
    if not days:
        return "Nothing is drawn."
    last = days[-1]
    done = f"{words.count(last.audited)} of {words.count(last.planned)} planned audits are done"
    return f"Up to {words.day(last.day)}, {done}: {words.share(last.coverage)}."
