"""Why a rate changed, and whether a plan worked, as readable tables."""

from collections.abc import Iterable, Iterator

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.schemas.decomposition import Circumstances, CutParts, Decomposition, Part, SegmentPart
from tallystick.schemas.effect import Effect, EffectVerdict, EffectWeek
from tallystick.schemas.metric import Difference, Period

_VERDICTS = {
    EffectVerdict.EFFECTIVE: "bold green",
    EffectVerdict.NOT_EFFECTIVE: "bold red",
    EffectVerdict.NOT_YET_DECIDABLE: "bold yellow",
}


def change_tables(change: Decomposition) -> Iterator[RenderableType]:
    """A change and what it is made of: the segments that lead, each cut, and what else was different."""
    yield says_change(change)
    if change.leading:
        yield leading_table(change)
    for cut in change.cuts:
        yield _cut(cut)
    yield from _circumstances(change.circumstances)


def says_change(change: Decomposition) -> Text:
    """The change in a line, with its interval."""
    name = change.measure.replace("_", " ")
    before, after = (f"{figures.number(each)} of {each.denominator or 0:,}" for each in (change.before, change.after))
    text = Text(f"{name[:1].upper()}{name[1:]}: {before} before, {after} after: ")
    if change.change is None:
        return text.append(change.reason or "there is nothing to compare", "dim")
    text.append(figures.difference(Difference(change.change, change.interval, change.clear)))
    return text if change.clear else text.append(" That may be chance.", "dim")


def leading_table(change: Decomposition) -> RenderableType:
    """The segments that explain a change best, or that none does."""
    if not change.leading:
        return Text("No segment explains the change beyond chance.", "dim")
    return _segments("What explains the change best, each beyond chance", change.leading)


def _cut(cut: CutParts) -> Table:
    table = _segments(f"By {', '.join(_words(each) for each in cut.by)}", cut.segments)
    if cut.others is not None:
        table.add_row(Text(f"{cut.rest:,} others", "dim italic"), "", "", *_part(cut.others), "")
    table.add_section()
    table.add_row("all", "", "", _points(cut.mix + cut.rate), _points(cut.rate), _points(cut.mix), "")
    return table


def _segments(title: str, segments: Iterable[SegmentPart]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("segment", overflow="fold")
    for column in ("before", "after", "contributes (95 % interval)", "by rate", "by mix", "of the change"):
        table.add_column(column, justify="right")
    for each in segments:
        where = ", ".join(f"{_words(name)} {value or 'none'}" for name, value in each.dimensions.items())
        numbers = (figures.number(each.before), figures.number(each.after))
        table.add_row(where, *numbers, *_part(each.part), figures.share(each.of_change))
    return table


def _part(part: Part) -> tuple[Text, str, str]:
    return figures.difference(Difference(part.total, part.interval, part.clear)), _points(part.rate), _points(part.mix)


def _circumstances(found: Circumstances) -> Iterator[Text]:
    relative = "" if found.volume_change is None else f" ({found.volume_change * 100:+.1f} % a day)"
    yield Text(f"Audits: {found.volume_after:,} after {found.volume_before:,} in the baseline{relative}.")
    people = f"New moderators: {found.new_moderators:,} of {found.moderators_after:,}"
    if found.new_moderators:
        people += f", with {figures.number(found.new_moderators_rate)}; others {figures.number(found.other_moderators_rate)}"
    yield Text(f"{people}.")


def effect_tables(effect: Effect) -> Iterator[RenderableType]:
    """The verdict on a plan with the numbers that it stands on, and the weeks of its windows."""
    plan = effect.plan
    text = Text("Effect: ").append(_words(effect.verdict), _VERDICTS[effect.verdict])
    yield text.append(f". {effect.why}")
    table = Table(title=f"{_words(plan.measure)}, before and after", title_justify="left")
    table.add_column("")
    for name, window in (("before", plan.baseline), ("after", plan.verification)):
        table.add_column(f"{name}: {_days(window)}", justify="right")
    table.add_row("in the scope", figures.number(effect.before), figures.number(effect.after))
    table.add_row("in the rest", figures.number(effect.control_before), figures.number(effect.control_after))
    yield table
    yield (
        Text("Reduction beyond the rest: ").append(_reduction(effect.reduction)).append(f"; wanted {figures.share(plan.wanted)}.")
    )
    spread = "" if effect.dispersion is None else f"; weeks vary {effect.dispersion:.1f} times as much as chance alone"
    yield Text(f"Sample: {effect.sample:,} after, at least {plan.minimum_sample:,} promised{spread}.")
    if effect.sample_needed is not None:
        yield Text(f"About {effect.sample_needed:,} further audits should decide it.", "yellow")
    if effect.weeks:
        yield _weeks(effect.weeks)


def _reduction(reduction: Difference) -> Text:
    if reduction.value is None:
        return Text(f"- {reduction.reason or ''}".rstrip(), "dim")
    interval = reduction.interval
    between = f" ({interval.low * 100:.1f} to {interval.high * 100:.1f})" if interval else ""
    return Text(f"{figures.share(reduction.value)}{between}", "bold" if reduction.clear else "")


def _weeks(weeks: Iterable[EffectWeek]) -> Table:
    table = Table(title="By week", title_justify="left")
    for column in ("week", "window", "in the scope", "in the rest"):
        table.add_column(column, justify="left" if column in {"week", "window"} else "right")
    for each in weeks:
        table.add_row(str(each.week), each.window, figures.number(each.scope), figures.number(each.control))
    return table


def _days(window: Period) -> str:
    return f"{window.from_} to before {window.to}"


def _points(value: float) -> str:
    return f"{value * 100:+.1f} pp"


def _words(name: str) -> str:
    return name.replace("_", " ")
