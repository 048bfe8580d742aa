"""The report on calibration as tables."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.schemas.calibration_report import (
    Agreement,
    CalibrationReport,
    CalibrationTrend,
    Confusion,
    DivisiveItem,
    DivisivePolicy,
    Golden,
    Mistake,
    PartyAlignment,
    RaterAlignment,
    SessionHead,
    Standing,
    WhoNext,
)
from tallystick.schemas.metric import Rank

_MOST_ROWS = 10
_STANDINGS: dict[Standing, tuple[str, str]] = {
    "met": ("met", "green"),
    "missed": ("missed", "bold red"),
    "undecided": ("undecided", "yellow"),
    "no_data": ("no data", "dim"),
    "no_target": ("", ""),
}


def session_tables(report: CalibrationReport) -> RenderableType:
    """One session: how far raters agree, with each other and with the benchmark, what divides them, and who is next."""
    session = report.session
    groups: list[RenderableType] = [
        Text(f"{session.title}: {session.state}, {session.items} items, {session.raters} raters", "bold")
    ]
    if report.reason:
        return Group(*groups, Text(report.reason, "yellow"))
    groups += [agreement_table(report.agreement), Text(report.preferred_because)]
    groups += [alignment_table(report.alignment, session.target), _parties(report.parties), _confusion(report.confusion)]
    groups += _items(report.items, report.items_reason) + _policies(report.policies, report.policies_reason)
    groups.append(Text.assemble("Same choice when an item was shown again: ", figures.number(report.repeatability_overall)))
    return Group(*groups, *_golden(report.golden), *_next(report.next))


def session_trend_tables(trend: CalibrationTrend) -> RenderableType:
    """Concluded sessions one after the other, and their raters over all of them."""
    table = Table(title="Concluded sessions", title_justify="left")
    table.add_column("session", overflow="fold")
    for column in ("items", "raters", "percent agreement", "AC1, AC2", "change", "alignment", "target"):
        table.add_column(column, justify="right")
    for each in trend.sessions:
        table.add_row(
            _named(each.session),
            str(each.session.items),
            str(each.session.raters),
            _share(each.percent_agreement),
            _coefficient(each.agreement),
            figures.difference(each.change) if each.change else "",
            figures.number(each.alignment),
            _standing(each.session.target, each.standing),
        )
    opened = [Text(f"{_named(each)}: in {each.state}, ratings until {each.deadline:%Y-%m-%d %H:%M} UTC") for each in trend.open]
    if trend.reason:
        return Group(Text(trend.reason, "yellow"), *opened)
    target = trend.sessions[-1].session.target
    return Group(table, *opened, alignment_table(trend.alignment, target), *_golden(trend.golden), *_next(trend.next))


def agreement_table(agreement: Sequence[Agreement]) -> Table:
    """How far raters agree, with the reading of each coefficient in words."""
    table = Table(title="Agreement among raters", title_justify="left")
    table.add_column("coefficient")
    table.add_column("value (95 % interval)", justify="right")
    table.add_column("in words", overflow="fold")
    for each in agreement:
        said = each.reason or (each.reading.text if each.reading else "")
        table.add_row(each.coefficient.replace("_", " "), _coefficient(each), Text(said or "", "dim" if each.reason else ""))
    return table


def alignment_table(alignment: Sequence[RaterAlignment], target: float | None) -> Table:
    """How often each rater chose the benchmark, against the target."""
    table = Table(title="Alignment with the benchmark", title_justify="left")
    table.add_column("rank", justify="right")
    table.add_column("rater", overflow="fold")
    table.add_column("of")
    for column in ("rated", "alignment (95 % interval)", "target"):
        table.add_column(column, justify="right")
    for each in alignment:
        table.add_row(
            _places(each.rank),
            each.rater,
            each.vendor or "the client",
            str(each.rated),
            figures.number(each.alignment),
            _standing(target, each.standing),
        )
    return table


def _parties(parties: Sequence[PartyAlignment]) -> Table:
    table = Table(title="Client and vendors", title_justify="left")
    table.add_column("party")
    for column in ("raters", "alignment", "difference from the client", "agree among themselves", "agree with the client"):
        table.add_column(column, justify="right")
    for each in parties:
        table.add_row(
            each.vendor or "the client",
            str(each.raters),
            figures.number(each.alignment),
            figures.difference(each.difference) if each.difference else "",
            _share(each.within),
            _share(each.with_client[0]) if each.with_client else "",
        )
    return table


def _confusion(confusion: Confusion) -> RenderableType:
    if confusion.reason:
        return Text(f"No confusion matrix: {confusion.reason}", "dim")
    table = Table(title="Chosen, by the benchmark", title_justify="left")
    table.add_column("benchmark")
    for category in confusion.categories:
        table.add_column(category, justify="right")
    for category, counts in zip(confusion.categories, confusion.counts, strict=True):
        table.add_row(category, *(str(count) for count in counts))
    return table


def _items(items: Sequence[DivisiveItem], reason: str | None) -> list[RenderableType]:
    if reason:
        return [Text(f"No divisive items: {reason}", "dim")]
    table = Table(title="Items that divide raters", title_justify="left")
    for column in ("rank", "item", "policy", "benchmark", "chosen"):
        table.add_column(column, overflow="fold")
    for each in items[:_MOST_ROWS]:
        chosen = ", ".join(f"{category} {count}" for category, count in each.ratings.items())
        named = f"{each.number} {each.content_ref or ''}".rstrip()
        table.add_row(_places(each.rank), named, each.policy or "", each.benchmark or "", chosen)
    return [table]


def _policies(policies: Sequence[DivisivePolicy], reason: str | None) -> list[RenderableType]:
    if reason:
        return [Text(f"No policy clauses: {reason}", "dim")]
    table = Table(title="Policy clauses, the most divisive first", title_justify="left")
    for column in ("rank", "policy", "items", "percent agreement", "most frequent mistake"):
        table.add_column(column, overflow="fold")
    for each in policies[:_MOST_ROWS]:
        table.add_row(_places(each.rank), each.policy, str(each.items), _share(each.percent_agreement), _mistake(each.mistakes))
    return [table]


def _golden(golden: Golden) -> list[RenderableType]:
    if golden.reason:
        return [Text(f"Golden items: {golden.reason}", "dim")]
    table = Table(title="Golden items in everyday work", title_justify="left")
    for column in ("rank", "auditor", "golden items", "in sessions", "together", "target"):
        table.add_column(column, overflow="fold")
    for each in golden.auditors:
        table.add_row(
            _places(each.rank),
            each.auditor or "none",
            figures.number(each.alignment),
            "" if each.rated.value is None else figures.number(each.rated),
            figures.number(each.together),
            _STANDINGS[each.standing][0],
        )
    return [table]


def _next(following: WhoNext) -> list[RenderableType]:
    if following.reason:
        return [Text(f"Who needs calibration next: {following.reason}")]
    table = Table(title="Who needs calibration next", title_justify="left")
    table.add_column("rank", justify="right")
    table.add_column("why", overflow="fold")
    for each in following.raters:
        table.add_row(_places(each.rank), each.reason)
    return [table]


def _named(session: SessionHead) -> str:
    return f"{session.title} ({session.id})"


def _coefficient(agreement: Agreement) -> Text:
    if agreement.value is None:
        return Text("-", "dim")
    between = f" ({agreement.interval.low:.2f} to {agreement.interval.high:.2f})" if agreement.interval else ""
    return Text(f"{agreement.value:.2f}{between}")


def _share(agreement: Agreement) -> str:
    return figures.share(agreement.value)


def _standing(target: float | None, standing: Standing) -> Text:
    said, style = _STANDINGS[standing]
    return Text("" if target is None else f"{figures.share(target)} {said}", style)


def _places(rank: Rank | None) -> str:
    if rank is None:
        return ""
    return f"{rank.highest} to {rank.lowest}" if rank.tied else str(rank.highest)


def _mistake(mistakes: Sequence[Mistake]) -> str:
    return f"{mistakes[0].chosen} in the place of {mistakes[0].benchmark} ({mistakes[0].count})" if mistakes else ""
