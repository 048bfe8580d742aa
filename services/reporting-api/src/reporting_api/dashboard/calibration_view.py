"""What the page of calibration says: the report, put into tiles, sentences and table cells."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from reporting_api.dashboard.view import Sentiment, Tile, Verdict
from tallystick.schemas.calibration import SessionState
from tallystick.schemas.calibration_report import (
    Agreement,
    CalibrationReport,
    Coefficient,
    Mistake,
    NextCalibration,
    RaterAlignment,
    Standing,
    TrendSession,
)
from tallystick.schemas.metric import Number
from tallystick.service.days import day_of
from tallystick.service.pages import words

NAMES = {
    Coefficient.PERCENT_AGREEMENT: "Percent agreement",
    Coefficient.COHEN: "Cohen\N{RIGHT SINGLE QUOTATION MARK}s kappa",
    Coefficient.FLEISS: "Fleiss\N{RIGHT SINGLE QUOTATION MARK} kappa",
    Coefficient.AC1: "Gwet\N{RIGHT SINGLE QUOTATION MARK}s AC1",
    Coefficient.AC2: "Gwet\N{RIGHT SINGLE QUOTATION MARK}s AC2",
    Coefficient.ALPHA_NOMINAL: "Krippendorff\N{RIGHT SINGLE QUOTATION MARK}s alpha, nominal",
    Coefficient.ALPHA_ORDINAL: "Krippendorff\N{RIGHT SINGLE QUOTATION MARK}s alpha, ordinal",
}
STATES = {
    SessionState.DRAFT: "draft",
    SessionState.SCORING: "in scoring",
    SessionState.REVIEW: "in review",
    SessionState.CONCLUDED: "concluded",
}
STANDINGS: dict[Standing, Verdict | None] = {
    "met": Verdict("good", "met"),
    "missed": Verdict("bad", "missed"),
    "undecided": Verdict("open", "undecided"),
    "no_data": Verdict("open", "no data"),
    "no_target": None,
}
_HEATS = 5
"""Shades of a cell in the confusion matrix."""


def tiles(report: CalibrationReport, minimum_sample: int) -> tuple[Tile, ...]:
    """The numbers at the head of a session."""
    return tuple(_tiles(report, minimum_sample))


def _tiles(report: CalibrationReport, minimum_sample: int) -> Iterator[Tile]:
    preferred = next(each for each in report.agreement if each.coefficient == report.preferred)
    percent = next(each for each in report.agreement if each.coefficient == Coefficient.PERCENT_AGREEMENT)
    stands_on = f"{words.count(preferred.items)} items that two raters judged"
    level = (
        () if preferred.reading is None or preferred.reading.level is None else (f"At least {preferred.reading.level}, surely",)
    )
    yield Tile(NAMES[report.preferred], coefficient(preferred), _or(preferred, stands_on), bounds(preferred), None, (), level)
    yield Tile(
        "Percent agreement", words.share(percent.value), _or(percent, "of pairs of ratings"), bounds(percent), None, (), ()
    )
    missed, undecided = (sum(each.standing == standing for each in report.alignment) for standing in ("missed", "undecided"))
    judged = sum(each.alignment.value is not None for each in report.alignment)
    if report.session.target is not None and judged:
        verdicts = [Verdict("bad", f"{missed} below the target of {words.goal(report.session.target)}")] if missed else []
        verdicts += [Verdict("open", f"{undecided} undecided: the target lies within the interval")] if undecided else []
        met = judged - missed - undecided
        yield Tile(
            "Raters who reach the target",
            f"{met} of {judged}",
            "by alignment with the benchmark",
            None,
            None,
            tuple(verdicts),
            (),
        )
    again = report.repeatability_overall
    shortage = None
    if again.value is not None and not again.sufficient:
        shortage = f"Not enough repeats: {words.count(again.denominator)} of the {words.count(minimum_sample)} that it takes."
    if again.value is not None:
        interval = words.bounds(again.interval)
        yield Tile("Same choice when shown again", words.share(again.value), words.of(again), interval, shortage, (), ())


def _or(agreement: Agreement, stands_on: str) -> str:
    return stands_on if agreement.reason is None else agreement.reason


def coefficient(agreement: Agreement) -> str:
    """A coefficient: shares as percentages, all others as they are."""
    if agreement.value is None:
        return words.share(None)
    return words.share(agreement.value) if agreement.coefficient == Coefficient.PERCENT_AGREEMENT else signed(agreement.value)


def bounds(agreement: Agreement) -> str | None:
    """The interval of a coefficient."""
    if agreement.interval is None:
        return None
    if agreement.coefficient == Coefficient.PERCENT_AGREEMENT:
        return words.bounds(agreement.interval)
    return f"{signed(agreement.interval.low)} to {signed(agreement.interval.high)}"


def signed(value: float) -> str:
    """A number between -1 and 1 with a true minus."""
    return f"{value:.2f}".replace("-", "\N{MINUS SIGN}")


def words_of(agreement: Agreement) -> str:
    """What a coefficient is in plain language, or why it is nothing."""
    return agreement.reading.text if agreement.reading and agreement.value is not None else agreement.reason or ""


def change(each: TrendSession) -> Verdict | None:
    """Whether raters agree better than in the session before."""
    if each.change is None:
        return None
    if each.change.value is None:
        return Verdict("open", "not comparable")
    value = each.change.value
    text = f"{'+' if value > 0 else ''}{signed(value)}"
    sentiment: Sentiment = "open" if not each.change.clear else "good" if value > 0 else "bad"
    return Verdict(sentiment, text if each.change.clear else f"{text}, within chance")


def clauses(sessions: Sequence[TrendSession]) -> list[tuple[str, list[Agreement | None]]]:
    """Percent agreement by clause and session, the newest session first; the clause with the least of it comes first."""
    newest_first = [{clause.policy: clause.percent_agreement for clause in each.policies} for each in reversed(sessions)]
    found = {policy: [each.get(policy) for each in newest_first] for policy in {name for each in newest_first for name in each}}

    def least(clause: tuple[str, list[Agreement | None]]) -> tuple[float, str]:
        values = [each.value for each in clause[1] if each is not None and each.value is not None]
        return min(values, default=1.0), clause[0]

    return sorted(found.items(), key=least)


def standing(each: RaterAlignment | NextCalibration) -> Sentiment:
    """Whether it is good news how somebody stands."""
    found = STANDINGS[each.standing]
    return "open" if found is None else found.sentiment


def mistakes(found: Sequence[Mistake]) -> str:
    """What was taken for what."""
    return ", ".join(f"{each.chosen} for {each.benchmark} ({words.count(each.count)})" for each in found[:3]) or "none"


def amounts(counted: dict[str, int]) -> str:
    """How often each was chosen, the most frequent first."""
    ordered = sorted(counted.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{name} {words.count(count)}" for name, count in ordered) or "none"


def heat(count: int, row: Sequence[int]) -> int:
    """How dark a cell of the confusion matrix is, by its share of the row: 0 to 5."""
    total = sum(row)
    return 0 if not total else -(-_HEATS * count // total)


def said(number: Number) -> str:
    """A share with its interval, or why there is none."""
    if number.value is None:
        return number.reason or ""
    return f"{words.share(number.value)} ({words.bounds(number.interval)})"


def day(moment: datetime, time_zone: str) -> str:
    """The day of a moment, in the programme's time zone."""
    return words.day(day_of(moment, time_zone))


def party(vendor: str | None) -> str:
    """Whose people they are."""
    return vendor or "the client"
