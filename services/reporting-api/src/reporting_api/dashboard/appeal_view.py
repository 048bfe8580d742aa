"""What the page of appeals says: the report, put into tiles, sentences and table rows."""

from collections.abc import Iterator, Sequence
from operator import itemgetter

from reporting_api.dashboard.view import Sentiment, Tile, Verdict, trend_caption
from tallystick.schemas.appeal_report import AppealAge, AppealGroup, AppealPattern, AppealReport, AppealWeek, DecisionTimes
from tallystick.schemas.metric import Measure, Number
from tallystick.service.pages import words

PARTS = (
    ("changed", "overturned or amended", ("overturned", "amended")),
    ("upheld", "upheld", ("upheld",)),
    ("waiting", "open", ("open",)),
    ("ended", "withdrawn or expired", ("withdrawn", "expired")),
)
"""The parts of a bar of appeals: the style of their marks, how they are called, and the outcomes in them."""

SORTED = ("name", Measure.APPEALS, Measure.APPEAL_RATE, Measure.OVERTURN_RATE)
"""What the tables can be sorted by."""

STAGES = {None: "Both stages", "review": "Review", "arbitration": "Arbitration"}


def tiles(report: AppealReport, minimum_sample: int) -> tuple[Tile, ...]:
    """The numbers at the head of the page."""
    return tuple(_tiles(report, minimum_sample))


def _tiles(report: AppealReport, minimum_sample: int) -> Iterator[Tile]:
    numbers, times, waiting = report.overall.numbers, report.times[0], report.open
    rate = numbers[Measure.APPEAL_RATE]
    yield _tile(
        "Appeals",
        words.count(numbers[Measure.APPEALS].value),
        "of the audits in the period",
        verdicts=_change(report, Measure.APPEALS),
        notes=(f"{words.share(rate.value)} of audits appealed ({words.bounds(rate.interval)})",) if rate.interval else (),
    )
    overturned = numbers[Measure.OVERTURN_RATE]
    yield _tile(
        "Overturn rate",
        words.share(overturned.value),
        f"{words.of(overturned)} decided appeals overturned or amended" if overturned.interval else overturned.reason or "",
        number=overturned,
        interval=words.bounds(overturned.interval) if overturned.interval else None,
        minimum_sample=minimum_sample,
        verdicts=_change(report, Measure.OVERTURN_RATE),
    )
    yield _tile(
        "On time",
        words.share(times.on_time.value),
        f"{words.of(times.on_time)} that fell due" if times.on_time.interval else times.on_time.reason or "",
        number=times.on_time,
        interval=words.bounds(times.on_time.interval) if times.on_time.interval else None,
        minimum_sample=minimum_sample,
        notes=(f"{report.turnaround_days} working days promised",) if report.turnaround_days else (),
    )
    yield _tile(
        "Time to decision",
        words.duration(times.median.value),
        "median" if times.median.denominator else times.median.reason or "",
        number=times.median,
        interval=duration_bounds(times.median) or None,
        minimum_sample=minimum_sample,
        notes=(f"Nine of ten within {words.duration(times.p90.value)}",) if times.p90.denominator else (),
    )
    overdue = int(waiting.overdue.value or 0)
    dated = waiting.open.value != waiting.undated.value
    verdict = Verdict("bad", f"{words.count(overdue)} overdue") if overdue else Verdict("good", "None overdue")
    yield _tile(
        "Open now",
        words.count(waiting.open.value),
        "whatever the day of the audit",
        verdicts=(verdict,) if dated else (),
        notes=(f"{words.count(waiting.in_review.value)} in review, {words.count(waiting.in_arbitration.value)} in arbitration",)
        if waiting.open.value
        else (),
    )


def _tile(
    label: str,
    value: str,
    stands_on: str,
    *,
    number: Number | None = None,
    interval: str | None = None,
    minimum_sample: int = 0,
    verdicts: tuple[Verdict, ...] = (),
    notes: tuple[str, ...] = (),
) -> Tile:
    shortage = None
    if number is not None and number.value is not None and not number.sufficient:
        shortage = f"Not enough appeals: {words.count(number.denominator)} of the {words.count(minimum_sample)} that it takes."
    return Tile(label, value, stands_on, interval, shortage, verdicts, notes)


def _change(report: AppealReport, measure: Measure) -> tuple[Verdict, ...]:
    if not compared(report) or report.change is None or (change := report.change[measure]).value is None:
        return ()
    if change.clear is None:
        return (Verdict("open", f"{words.signed(change.value)} on the period before"),)
    text = f"{words.points(change.value)} points on the period before"
    sentiment: Sentiment = "open" if not change.clear else "good" if change.value < 0 else "bad"
    return (Verdict(sentiment, text if change.clear else f"{text}: within chance"),)


def compared(report: AppealReport) -> bool:
    """Whether there were audits in the period before."""
    return report.change is not None and report.change[Measure.AUDITS].value != report.overall.numbers[Measure.AUDITS].value


def duration_bounds(number: Number) -> str:
    """The interval of a time; empty without one."""
    return f"{words.duration(number.interval.low)} to {words.duration(number.interval.high)}" if number.interval else ""


def stage(times: DecisionTimes) -> str:
    """Which decisions the times are of."""
    return STAGES[times.stage]


def age(found: AppealAge) -> str:
    """For how long appeals have waited."""
    if found.to_days is None:
        return f"{found.from_days} days or more"
    return "less than a day" if found.to_days == 1 else f"{found.from_days} to {found.to_days} days"


def sorted_groups(groups: Sequence[AppealGroup], order: str) -> list[AppealGroup]:
    """Groups by a measure or by name; `-` in front puts the greatest first. Those without a value come last."""
    name, reverse = order.removeprefix("-"), order.startswith("-")
    if name == "name":
        return sorted(groups, key=lambda group: [value or "" for value in group.dimensions.values()], reverse=reverse)
    values = [(group.numbers[name].value if name in group.numbers else None, group) for group in groups]
    valued = sorted(((value, group) for value, group in values if value is not None), key=itemgetter(0), reverse=reverse)
    return [group for _, group in valued] + [group for value, group in values if value is None]


def label(group: AppealGroup) -> str:
    """A group by what the programme calls it, and by its values."""
    values = words.segment(group.dimensions)
    return f"{group.name} ({values})" if group.name and group.name != values else values


def pattern(found: AppealPattern) -> dict[str, str | None]:
    """The filter that shows a pattern alone."""
    return {"policy": found.policy} | ({} if found.whole_policy else {"error_code": found.error_code})


def pattern_text(found: AppealPattern) -> str:
    """A pattern in a sentence."""
    policy, error = found.policy_name or found.policy or "no policy", found.error_name or found.error_code or "no code"
    if found.whole_policy:
        error = "all errors"
    rank = f" It ties with others: place {found.rank.highest} to {found.rank.lowest}." if found.rank and found.rank.tied else ""
    return (
        f"{error} under {policy}: {words.share(found.overturn_rate.value)} of {words.count(found.overturn_rate.denominator)}"
        f" decided appeals changed the verdict ({words.bounds(found.overturn_rate.interval)}),"
        f" against {words.share(found.rest.value)} of the rest ({words.bounds(found.rest.interval)}).{rank}"
    )


def appeals_caption(by_week: Sequence[AppealWeek]) -> str:
    """What the chart of appeals shows."""
    counts = {
        said: sum(int(getattr(week.outcomes, outcome).value or 0) for week in by_week for outcome in outcomes)
        for _, said, outcomes in PARTS
    }
    total = sum(counts.values())
    if not total:
        return "There are no appeals of the audits of this period."
    parts = ", ".join(f"{words.count(count)} {said}" for said, count in counts.items() if count)
    return f"{words.count(total)} {'appeal' if total == 1 else 'appeals'} by the week of the audit: {parts}."


def overturn_caption(by_week: Sequence[AppealWeek]) -> str:
    """What the chart of the overturn rate shows."""
    trend = [week.overturn_rate for week in by_week]
    return trend_caption("Overturn rate", trend, "There are no decided appeals of the audits of this period.")
