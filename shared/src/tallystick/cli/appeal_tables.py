"""The report on appeals as tables."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.cli.numbers import rank
from tallystick.schemas.appeal_report import AppealGroup, AppealOutcomes, AppealPatterns, AppealReport, DecisionTimes, OpenAppeals
from tallystick.schemas.metric import Measure, Metrics, Row, View

_RATES = (Measure.APPEAL_RATE, Measure.OVERTURN_RATE)
_MOST_ROWS = 10


def appeal_tables(report: AppealReport) -> RenderableType:
    """How many appeals there are, what became of them, how long it took, what waits, and what they show."""
    tables = (
        ("By vendor", report.vendors),
        ("By site", report.sites),
        ("By policy", report.policies),
        ("By error that was appealed", report.error_codes),
        ("By auditor", report.auditors or ()),
        ("By ground", report.grounds),
    )
    groups: list[RenderableType] = [outcomes_table("Appeals", (report.overall,))]
    groups += [outcomes_table(title, found) for title, found in tables if any(map(_has_appeals, found))]
    groups += [_times(report.times, report.turnaround_days), _open(report.open), *pattern_tables(report.patterns)]
    escalated = report.escalations
    groups.append(Text.assemble("Escalated, of first decisions: ", figures.number(escalated.rate)))
    groups.append(Text.assemble("Overturned in arbitration: ", figures.number(escalated.overturn_rate)))
    groups.append(Text.assemble("Expired undecided: ", figures.number(report.expired)))
    return Group(*groups)


def views_table(views: Mapping[View, Metrics]) -> Table:
    """Accuracy by group in both views: as auditors scored, and as appeals and revisions left it."""
    table = Table(title="Accuracy as first scored and as adjudicated", title_justify="left")
    by = views[View.ADJUDICATED].by
    for name in (*by, *views):
        table.add_column(_words(name), justify="left" if name in by else "right")
    rows = {view: {tuple(row.dimensions.values()): row for row in answer.rows} for view, answer in views.items()}
    for group in rows[View.ADJUDICATED]:
        table.add_row(*(name or "none" for name in group), *(_accuracy(found[group]) for found in rows.values()))
    table.add_section()
    totals = [answer.totals for answer in views.values() if answer.totals]
    table.add_row("all", *[""] * (len(by) - 1), *map(_accuracy, totals))
    return table


def outcomes_table(title: str, groups: Sequence[AppealGroup]) -> Table:
    """Appeals by group: how many, how many were found right, and where all of them stand; only groups that have any."""
    shown = [group for group in groups if not group.dimensions or _has_appeals(group)]
    table = Table(title=title, title_justify="left")
    table.add_column("rank", justify="right")
    names = tuple(groups[0].dimensions)
    for name in names:
        table.add_column(_words(name), overflow="fold")
    for column in (Measure.APPEALS, *_RATES, *AppealOutcomes.model_fields):
        table.add_column(_words(column), justify="right")
    for group in shown[:_MOST_ROWS]:
        table.add_row(
            rank(group) if names else "",
            *(group.dimensions[name] or Text("none", "dim italic") for name in names),
            figures.number(group.numbers[Measure.APPEALS]),
            *(figures.number(group.numbers[measure]) if measure in group.numbers else "" for measure in _RATES),
            *(figures.number(getattr(group.outcomes, outcome)) for outcome in AppealOutcomes.model_fields),
        )
    if len(shown) > _MOST_ROWS:
        table.caption = f"{len(shown) - _MOST_ROWS} more with --json"
    return table


def _times(times: Sequence[DecisionTimes], turnaround_days: int | None) -> Table:
    promised = f", {turnaround_days} working days promised" if turnaround_days else ""
    table = Table(title=f"Time to decision{promised}", title_justify="left")
    for column in ("stage", "median", "nine of ten within", "on time"):
        table.add_column(column, justify="left" if column == "stage" else "right")
    for each in times:
        table.add_row(
            each.stage or "all", figures.duration(each.median), figures.duration(each.p90), figures.number(each.on_time)
        )
    return table


def _open(found: OpenAppeals) -> Table:
    title = (
        f"Open now: {found.open.value:,}, of them {found.overdue.value:,} overdue, "
        f"{found.in_review.value:,} in review, {found.in_arbitration.value:,} in arbitration"
    )
    table = Table(title=title, title_justify="left")
    for column in ("waiting for days", "open", "overdue"):
        table.add_column(column, justify="right")
    for age in found.ages:
        days = f"{age.from_days} or more" if age.to_days is None else f"{age.from_days} to {age.to_days}"
        table.add_row(days, figures.number(age.open), figures.number(age.overdue))
    return table


def pattern_tables(patterns: AppealPatterns) -> list[RenderableType]:
    """Where verdicts are changed again and again, or that they are not."""
    looked_at = (
        f"pairs of policy and error code with enough decisions: {patterns.examined.value}, with too few: {patterns.too_few.value}"
    )
    if not patterns.found:
        return [Text(f"No pattern of overturned verdicts ({looked_at}).")]
    table = Table(title=f"Overturned again and again ({looked_at})", title_justify="left")
    for column in ("rank", "policy", "error", "overturn rate (95 % interval)", "rest", "difference"):
        table.add_column(column, justify="left" if column in {"policy", "error"} else "right")
    for each in patterns.found:
        table.add_row(
            rank(each),
            each.policy or "none",
            Text("all" if each.whole_policy else each.error_code or "none", "bold red"),
            figures.number(each.overturn_rate),
            figures.number(each.rest),
            figures.difference(each.difference),
        )
    return [table]


def _has_appeals(group: AppealGroup) -> bool:
    return bool(group.numbers[Measure.APPEALS].value)


def _accuracy(row: Row) -> Text:
    return figures.number(row.numbers[Measure.ACCURACY], Measure.ACCURACY)


def _words(name: str) -> str:
    return name.replace("_", " ")
