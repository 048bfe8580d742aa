"""`tallystick cases`: which root-cause cases there are, how far each is, and all of one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import orjson
import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.cli.actions import action_table
from tallystick.cli.change_tables import effect_tables, leading_table, says_change
from tallystick.cli.console import out, print_first
from tallystick.cli.filters import PANEL, Names
from tallystick.cli.options import DEFAULT_URL, AsJson, Connection, ProgrammeName, TokenFile, TokenText, Url, up_to
from tallystick.client import Filters, ProblemError, Tallystick
from tallystick.schemas.action import Action
from tallystick.schemas.base import Wire
from tallystick.schemas.case import Case, CaseEvent, CasePriority, CaseState
from tallystick.schemas.cause import Cause
from tallystick.schemas.decomposition import Decomposition
from tallystick.schemas.evidence import CaseEvidence, CaseEvidenceKind
from tallystick.schemas.plan import CasePlan

app = typer.Typer(name="cases", help="List root-cause cases, and show one.", no_args_is_help=True)

CaseId = Annotated[UUID, typer.Argument(metavar="ID", help="The case's id.")]

_NOT_FOUND = 404


@dataclass(frozen=True)
class Whole:
    """A case, and everything on it that is shown."""

    case: Case
    causes: tuple[Cause, ...]
    evidence: tuple[CaseEvidence, ...]
    actions: tuple[Action, ...]
    plan: CasePlan | None
    history: tuple[CaseEvent, ...]


@app.command("list")
def list_cases(
    programme: ProgrammeName,
    vendor: Names = None,
    state: Annotated[list[CaseState] | None, typer.Option(rich_help_panel=PANEL)] = None,
    priority: Annotated[list[CasePriority] | None, typer.Option(rich_help_panel=PANEL)] = None,
    owner: Names = None,
    overdue: Annotated[bool, typer.Option("--overdue", rich_help_panel=PANEL, help="Those alone that are overdue.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many cases at most.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Write JSON, one case a line, instead of a table.")] = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List cases, newest first."""
    query: Filters = {"vendor": vendor, "state": state, "priority": priority, "owner": owner, "overdue": overdue or None}

    async def act(tallystick: Tallystick) -> tuple[list[Case], bool]:
        return await up_to(limit, tallystick.cases.list(programme, query, page=min(limit, 1000)))

    found, more = Connection.of(url, token, token_file).run(act)
    if as_json:
        for case in found:
            typer.echo(case.model_dump_json())
        return
    table = Table()
    for column in ("id", "opened", "vendor", "title", "priority", "state", "owner", "due (UTC)"):
        table.add_column(column, no_wrap=column in {"id", "opened"}, overflow="fold")
    for case in found:
        table.add_row(
            str(case.id),
            f"{case.opened_at:%Y-%m-%d}",
            case.vendor or Text("internal", "dim italic"),
            Text(case.title),
            Text(case.priority, "bold red" if case.priority is CasePriority.CRITICAL else ""),
            _words(case.state),
            case.owner or Text("nobody", "dim italic"),
            figures.due(case.due_at, overdue=case.overdue),
        )
    print_first(table, limit, more=more)


@app.command("show")
def show_case(
    case: CaseId,
    programme: ProgrammeName,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show a case: where it stands, what its evidence says, its causes, its actions, whether they worked, and its history."""

    async def act(tallystick: Tallystick) -> Whole:
        return Whole(
            await tallystick.cases.read(programme, case),
            await tallystick.cases.causes(programme, case),
            await tallystick.cases.evidence(programme, case),
            tuple([action async for action in tallystick.actions.list(programme, {"case_id": str(case)})]),
            await _plan(tallystick, programme, case),
            tuple([event async for event in tallystick.cases.history(programme, case)]),
        )

    whole = Connection.of(url, token, token_file).run(act)
    if as_json:
        document = {
            "case": _document(whole.case),
            "causes": [_document(each) for each in whole.causes],
            "evidence": [_document(each) for each in whole.evidence],
            "actions": [_document(each) for each in whole.actions],
            "plan": None if whole.plan is None else _document(whole.plan),
            "history": [_document(each) for each in whole.history],
        }
        typer.echo(orjson.dumps(document))
        return
    out.print(Group(*_parts(whole)))


async def _plan(tallystick: Tallystick, programme: str, case: UUID) -> CasePlan | None:
    """How the effect is judged; None as long as that is not registered."""
    try:
        return await tallystick.plans.read(programme, case)
    except ProblemError as error:
        if error.problem.status == _NOT_FOUND:
            return None
        raise


def _document(model: Wire) -> object:
    return orjson.loads(model.model_dump_json(by_alias=True))


def _parts(whole: Whole) -> Iterator[RenderableType]:
    yield _facts(whole.case)
    if (change := _change(whole.evidence)) is not None:
        yield says_change(change)
        yield leading_table(change)
    if whole.causes:
        yield _causes(whole.causes)
    if whole.actions:
        yield action_table(whole.actions, title="Actions")
    if whole.plan is not None:
        yield from _effect(whole.plan)
    yield _history(whole.history)


def _facts(case: Case) -> Table:
    scope = (f"{_words(name)} {' or '.join(values)}" for name, values in case.scope.given().items())
    shown = {
        "id": case.id,
        "title": case.title,
        "description": case.description,
        "state": _words(case.state),
        "shared with": case.vendor or "nobody: internal",
        "priority": case.priority,
        "owner": case.owner or "nobody",
        "taking part": ", ".join(each.subject for each in case.participants),
        "opened": f"{case.opened_at:%Y-%m-%d %H:%M} UTC by {case.opened_by}",
        "about": ", ".join((_words(case.measure or "calibration"), *scope)),
        "when": f"{case.period.from_} to before {case.period.to}, beside {case.baseline.from_} to before {case.baseline.to}",
        "due": figures.due(case.due_at, overdue=case.overdue),
        "conclusion": case.conclusion,
        "closed nevertheless": case.override,
        "watched until": f"{case.watch_until:%Y-%m-%d %H:%M} UTC" if case.watch_until else None,
        "possible": ", ".join(case.possible),
    }
    return figures.facts(shown)


def _change(evidence: Iterable[CaseEvidence]) -> Decomposition | None:
    """The change that the evidence takes apart, by all that the caller may read."""
    pieces = {(each.kind, each.audience.value): each.content for each in evidence}
    for kind in (CaseEvidenceKind.SEGMENTS, CaseEvidenceKind.DECOMPOSITION):
        for audience in ("internal", "vendor"):
            if content := pieces.get((kind, audience)):
                return Decomposition.model_validate(content, extra="ignore")
    return None


def _causes(causes: Iterable[Cause]) -> Table:
    table = Table(title="Root causes", title_justify="left")
    for column in ("cause", "category", "state", "share", "proposed by", "decided by", "what"):
        table.add_column(column, overflow="fold", justify="right" if column == "share" else "left")
    for cause in causes:
        share = "" if cause.share is None else figures.share(cause.share)
        names = (cause.code, _words(cause.category), cause.state, share, cause.proposed_by, cause.decided_by or "")
        table.add_row(*names, Text(cause.text or ""))
    return table


def _effect(plan: CasePlan) -> Iterator[RenderableType]:
    if plan.judged is not None:
        yield from effect_tables(plan.judged)
        return
    effect = plan.effect
    promise = f"{_words(effect.measure)} falls by {figures.share(effect.wanted)} or more beyond the rest"
    yield Text(f"Plan: {promise}; judged from {plan.judge_on} on.")


def _history(events: Iterable[CaseEvent]) -> Table:
    table = Table(title="History, the oldest first", title_justify="left")
    for column in ("at", "what", "state", "by", "note"):
        table.add_column(column, overflow="fold")
    for event in events:
        what = event.step or event.kind
        table.add_row(f"{event.at:%Y-%m-%d %H:%M}", what, _words(event.state), event.by, Text(event.note or ""))
    return table


def _words(name: str) -> str:
    return name.replace("_", " ")
