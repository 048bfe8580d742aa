"""The weekly summary in words, and as a letter in Markdown that can be sent as it is."""

from collections import Counter
from collections.abc import Iterable, Iterator

from tallystick.schemas.case import CaseState, CaseStep
from tallystick.schemas.effect import EffectVerdict
from tallystick.schemas.metric import Difference, Measure, Number
from tallystick.schemas.weekly import ActionNews, CaseNews, VendorWeek, WeeklySummary
from tallystick.service.pages import words

_STEPS = {
    CaseStep.OPEN: "opened",
    CaseStep.ANALYSE: "analysis begun",
    CaseStep.PLAN: "root cause found",
    CaseStep.START: "work begun",
    CaseStep.VERIFY: "effect being verified",
    CaseStep.CLOSE: "closed",
    CaseStep.OVERRIDE: "closed by a manager's override",
    CaseStep.CANCEL: "cancelled",
    CaseStep.REOPEN: "opened again",
}
_STANDS = {
    CaseState.OPEN: "open",
    CaseState.ANALYSIS: "in analysis",
    CaseState.ACTION_PLAN: "waiting for a plan",
    CaseState.IN_PROGRESS: "in progress",
    CaseState.VERIFICATION: "in verification",
    CaseState.REOPENED: "open again",
}
_VERDICTS = {
    EffectVerdict.EFFECTIVE: "What was done worked",
    EffectVerdict.NOT_EFFECTIVE: "What was done did not reach what was wanted",
    EffectVerdict.NOT_YET_DECIDABLE: "It cannot be said yet whether what was done worked",
}
_MARKUP = str.maketrans({sign: f"\\{sign}" for sign in "\\`*_{}[]<>#|!"})


def headline(summary: WeeklySummary) -> str:
    """The week in a line: accuracy, and whether it has changed."""
    accuracy = summary.numbers[Measure.ACCURACY]
    if accuracy.value is None:
        return "Nothing was audited in this week."
    return f"Accuracy {words.share(accuracy.value)}: {_direction(summary.change.get(Measure.ACCURACY))}."


def _direction(change: Difference | None) -> str:
    if change is None or change.value is None:
        return "there is no week before to compare with"
    if not change.clear:
        return "no clear change on the week before"
    return f"clearly {'higher' if change.value > 0 else 'lower'} than in the week before"


def sentences(summary: WeeklySummary) -> Iterator[str]:
    """All of the week, a sentence each."""
    yield from _accuracy(summary)
    if summary.vendors:
        yield _compared(summary.vendors)
    yield from (f"Signal: {signal.summary}" for signal in summary.signals)
    if not summary.signals:
        yield "No signal was raised."
    yield _cases(summary)
    yield _actions(summary)
    yield from (f"{_VERDICTS[effect.verdict]}: {effect.title}." for effect in summary.effects)
    yield _appeals(summary)


def _accuracy(summary: WeeklySummary) -> Iterator[str]:
    accuracy, change = summary.numbers[Measure.ACCURACY], summary.change.get(Measure.ACCURACY)
    if accuracy.value is None:
        yield "Nothing was audited in this week."
        return
    sentence = f"{words.of(accuracy)} audited decisions were right: {_bounded(accuracy)}"
    if not accuracy.sufficient:
        sentence += ", of a small sample"
    if change is not None and change.value is not None:
        apart = f"{words.points(change.value)} points on the week before"
        if change.interval is not None:
            apart += f" (between {words.points(change.interval.low)} and {words.points(change.interval.high)})"
        sentence += f"; {apart}, {'more than chance explains' if change.clear else 'which chance explains as well'}"
    yield f"{sentence}."
    critical = summary.numbers[Measure.CRITICAL_ACCURACY]
    missed = (critical.denominator or 0) - (critical.numerator or 0)
    yield f"{_many(missed, 'error was', 'errors were')} critical."


def _compared(vendors: tuple[VendorWeek, ...]) -> str:
    told = [
        f"{each.vendor} {words.share(each.accuracy.value)}{f' (place {_place(each)})' if each.rank else ''}" for each in vendors
    ]
    tied = any(each.rank and each.rank.tied for each in vendors)
    return f"By vendor: {', '.join(told)}.{' Where places span several, the intervals overlap: they are tied.' if tied else ''}"


def _place(each: VendorWeek) -> str:
    assert each.rank is not None  # noqa: S101 - it was looked at
    return f"{each.rank.highest} to {each.rank.lowest}" if each.rank.tied else str(each.rank.highest)


def _cases(summary: WeeklySummary) -> str:
    steps = Counter(step for case in summary.cases for step in case.steps)
    closed = steps[CaseStep.CLOSE] + steps[CaseStep.OVERRIDE]
    moved = sum(
        any(step not in {CaseStep.OPEN, CaseStep.CLOSE, CaseStep.OVERRIDE} for step in case.steps) for case in summary.cases
    )
    return (
        f"Cases: {steps[CaseStep.OPEN]} opened, {moved} moved on, {closed} closed; "
        f"{words.count(summary.open_cases.value)} {'goes' if summary.open_cases.value == 1 else 'go'} on."
    )


def _actions(summary: WeeklySummary) -> str:
    done = sum(action.done for action in summary.due)
    return (
        f"Actions: {len(summary.due)} due in the week, {done} of them done; "
        f"{len(summary.overdue)} overdue; {len(summary.coming)} due in the week after."
    )


def _appeals(summary: WeeklySummary) -> str:
    appeals = summary.appeals
    changed = appeals.overturned.numerator or 0
    return (
        f"Appeals: {words.count(appeals.submitted.value)} submitted, {words.count(appeals.decided.value)} decided, "
        f"{words.count(changed)} of these with another verdict; {words.count(appeals.open.value)} open."
    )


def _bounded(number: Number) -> str:
    between = f" (between {words.bounds(number.interval)})" if number.interval else ""
    return f"{words.share(number.value)}{between}"


def _many(count: float, one: str, several: str) -> str:
    return f"{words.count(count)} {one if count == 1 else several}"


def markdown(summary: WeeklySummary, programme: str) -> str:
    """The summary as a letter: a heading, the sentences, then what they are about. What people wrote is no markup in it."""
    whom = f" for {summary.vendor}" if summary.vendor else ""
    lines = [f"# {plain(programme)}: week of {words.day(summary.week)}{whom}", "", f"**{plain(summary.headline)}**", ""]
    if not summary.complete:
        lines += ["The week is not over yet.", ""]
    lines += [f"- {plain(sentence)}" for sentence in summary.sentences]
    lines += _listed("Cases", (_case(case) for case in summary.cases))
    lines += _listed("Overdue actions", map(_action, summary.overdue))
    lines += _listed("Due next week", map(_action, summary.coming))
    scope = summary.scope
    about = f"{words.period(scope.period)}, {scope.period.time_zone}; as of {scope.as_of:%Y-%m-%d %H:%M} UTC."
    if scope.position is not None:
        about += f" Audits up to position {scope.position:,}, cases up to position {scope.work_position:,}."
    lines += ["", about, ""]
    return "\n".join(lines)


def plain(text: str) -> str:
    """Text in which no sign is taken for markup."""
    return " ".join(text.split()).translate(_MARKUP)


def _listed(title: str, items: Iterable[str]) -> list[str]:
    told = [f"- {item}" for item in items]
    return ["", f"## {title}", "", *told] if told else []


def _case(case: CaseNews) -> str:
    steps = ", ".join(_STEPS[step] for step in case.steps)
    return f"{plain(case.title)}: {steps}{f'; now {_STANDS[case.state]}' if case.state in _STANDS else ''}"


def _action(action: ActionNews) -> str:
    return f"{plain(action.title)} ({plain(action.owner)}), due {action.due_at:%Y-%m-%d %H:%M} UTC"
