"""`tallystick sample`: plan what is audited, see what was drawn, and repeat a draw."""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer
import yaml
from pydantic import ValidationError
from rich.table import Table

from tallystick import draw as repeated
from tallystick.cli.console import FAILED, complain, err, out
from tallystick.cli.documents import read_document
from tallystick.cli.options import DEFAULT_URL, AsJson, Connection, ProgrammeName, TokenFile, TokenText, Url
from tallystick.client import Tallystick
from tallystick.client.files import RowFile, UnreadableFileError, source_name
from tallystick.schemas.decision import Decision
from tallystick.schemas.sampling import (
    Draw,
    DrawState,
    NewSamplingPlan,
    PlanPreview,
    PlanState,
    Receipt,
    SamplingPlan,
    StratumValues,
)

app = typer.Typer(name="sample", help="Plan what is audited, see what was drawn, and repeat a draw.", no_args_is_help=True)

PlanId = Annotated[UUID, typer.Argument(metavar="ID", help="The plan's id.")]
DrawId = Annotated[UUID, typer.Argument(metavar="ID", help="The draw's id.")]
PlanFile = Annotated[Path, typer.Argument(help="YAML or JSON: a sampling plan; - reads standard input.")]
_LINES = 10_000


@app.command("plans")
def list_plans(
    programme: ProgrammeName,
    state: Annotated[list[PlanState] | None, typer.Option(help="Only those in this state; may be repeated.")] = None,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List sampling plans, newest first."""

    async def act(tallystick: Tallystick) -> list[SamplingPlan]:
        return [plan async for plan in tallystick.sampling_plans.list(programme, state or ())]

    table = _table("id", "title", "state", "version", "period", "strata", "allocation")
    for each in Connection.of(url, token, token_file).run(act):
        version = "" if each.published_version is None else str(each.published_version)
        strata = ", ".join(each.dimensions())
        table.add_row(str(each.id), each.title, each.state, version, each.period, strata, each.allocation.kind)
    out.print(table)


@app.command("show")
def show_plan(
    plan: PlanId, programme: ProgrammeName, url: Url = DEFAULT_URL, token: TokenText = None, token_file: TokenFile = None
) -> None:
    """Write a plan as YAML, as `sample apply` takes it back."""
    found = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.sampling_plans.read(programme, plan))
    content = found.model_dump(mode="json", include=set(NewSamplingPlan.model_fields), exclude_defaults=True)
    typer.echo(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120), nl=False)


@app.command("apply")
def apply_plan(
    file: PlanFile,
    programme: ProgrammeName,
    publish: Annotated[bool, typer.Option("--publish", help="Publish it, and commit the draws to come.")] = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Draft a plan, or bring the one of the same title to what its document says, and write its id."""
    document = read_document(file, NewSamplingPlan, "sampling plan")

    async def act(tallystick: Tallystick) -> SamplingPlan:
        plans = tallystick.sampling_plans
        plan = await _of_title(tallystick, programme, document.title)
        if plan is None:
            plan = await plans.draft(programme, document)
        elif NewSamplingPlan.model_validate(plan.model_dump(include=set(NewSamplingPlan.model_fields))) != document:
            plan = await plans.change(programme, plan.id, document, revision=plan.revision)
        if publish and plan.state is PlanState.DRAFT:
            plan = await plans.publish(programme, plan.id, revision=plan.revision)
        return plan

    plan = Connection.of(url, token, token_file).run(act)
    version = "no version is published" if plan.published_version is None else f"version {plan.published_version} is published"
    err.print(f"The plan is {plan.state}, and {version}.")
    typer.echo(plan.id)


async def _of_title(tallystick: Tallystick, programme: str, title: str) -> SamplingPlan | None:
    """The newest plan of a title that is not retired."""
    async for plan in tallystick.sampling_plans.list(programme, (PlanState.DRAFT, PlanState.PUBLISHED)):
        if plan.title == title:
            return plan
    return None


@app.command("preview")
def preview_plan(
    file: PlanFile,
    programme: ProgrammeName,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Show what a plan would come to in a period, before anything is published."""
    document = read_document(file, NewSamplingPlan, "sampling plan")
    found = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.sampling_plans.preview(programme, document))
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    _show_preview(found)


def _show_preview(found: PlanPreview) -> None:
    table = _table("stratum", "decisions", "audits", "error rate", "interval ±", "cut")
    for each in found.strata:
        rate, half = _share(each.error_rate), _share(each.half_width)
        table.add_row(_named(each.values), f"{each.decisions:,.0f}", f"{each.size:,}", rate, half, f"{each.cut:,}")
    out.print(table)
    precision = "" if found.half_width is None else f", the error rate known within ±{found.half_width:.1%}"
    out.print(
        f"{found.strata_count:,} strata, {found.decisions:,.0f} decisions, {found.size:,} audits,"
        f" {found.hours:,.1f} hours a period{precision}."
    )
    for note in found.notes:
        out.print(note)


@app.command("retire")
def retire_plan(
    plan: PlanId, programme: ProgrammeName, url: Url = DEFAULT_URL, token: TokenText = None, token_file: TokenFile = None
) -> None:
    """End a plan. Draws whose period has begun are still made."""

    async def act(tallystick: Tallystick) -> SamplingPlan:
        found = await tallystick.sampling_plans.read(programme, plan)
        return await tallystick.sampling_plans.retire(programme, plan, revision=found.revision)

    err.print(f"The plan is {Connection.of(url, token, token_file).run(act).state}.")


@app.command("draws")
def list_draws(
    programme: ProgrammeName,
    plan: Annotated[UUID | None, typer.Option(help="Of this plan alone.")] = None,
    state: Annotated[list[DrawState] | None, typer.Option(help="Only those in this state; may be repeated.")] = None,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """List draws, newest period first, with the commitments to their keys."""

    async def act(tallystick: Tallystick) -> list[Draw]:
        return [draw async for draw in tallystick.draws.list(programme, plan=plan, states=state or ())]

    table = _table("id", "title", "state", "period", "decisions", "planned", "drawn", "commitment")
    for each in Connection.of(url, token, token_file).run(act):
        period = f"{each.first_day} to {each.last_day}"
        numbers = (f"{number:,}" for number in (each.decisions, each.planned, each.drawn))
        table.add_row(str(each.id), each.title, each.state, period, *numbers, each.commitment[:16])
    out.print(table)


@app.command("receipt")
def write_receipt(
    draw: DrawId,
    vendor: Annotated[str, typer.Option(help="Whose decisions it is about.")],
    programme: ProgrammeName,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Write all that it takes to repeat a draw for a vendor, as `sample verify` takes it."""
    found = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.draws.receipt(programme, draw, vendor))
    typer.echo(found.model_dump_json(indent=2))


@app.command("verify")
def verify_draw(
    receipt: Annotated[Path, typer.Argument(metavar="RECEIPT", help="What `sample receipt` wrote; - reads standard input.")],
    decisions: Annotated[
        list[Path], typer.Argument(metavar="DECISIONS…", help=".ndjson or .json, also .gz and .zst: all that were sent.")
    ],
    source: Annotated[
        str | None, typer.Option(help="What the files were sent as, one after the other. [default: each by its own name]")
    ] = None,
) -> None:
    """Repeat a draw offline, from its receipt and the vendor's own decisions. Exit code 1 says that something differs.

    What was sent after the draw was made is left out.
    """
    document = read_document(receipt, Receipt, "receipt")
    reading = _Reading(document, decisions, source)
    findings = repeated.verify(document, reading.decisions())
    if reading.passed_over:
        err.print(f"{reading.passed_over:,} lines are no decisions and were passed over.")
    for line in reading.left_out():
        err.print(line)
    out.print(
        f"Read {reading.read:,} decisions from {len(decisions)} {'file' if len(decisions) == 1 else 'files'}."
        f" {document.title}, {document.first_day} to {document.last_day}, {document.vendor}:"
    )
    _tell_what_was_checked(document)
    if findings:
        found = [f"{each.where}: {each.detail}" for each in findings]
        complain("\n".join(["The draw is not what the receipt says.", *found, *reading.doubts()]))
        raise typer.Exit(FAILED)
    out.print("All of it is as the receipt says.")


def _tell_what_was_checked(receipt: Receipt) -> None:
    drawn = sum(stratum.drawn for stratum in receipt.strata)
    checks = (
        "that the key is the one that was committed to, before the period began",
        f"that the {receipt.decisions:,} decisions of the period are these, none added, removed or altered",
        f"that its {len(receipt.strata):,} strata hold what the receipt says",
        f"that the {drawn:,} that were drawn of them are the first by rank",
    )
    for check in checks:
        out.print(f"  checked {check}")


class _Reading:
    """The decisions in files, one after the other, as far as they were in when a draw was made.

    Args:
        receipt: knows the sources, and how many lines of each were in.
        files: each is a source of its name, as `decisions push` has it.
        source: what all of them are instead, one after the other.
    """

    def __init__(self, receipt: Receipt, files: Sequence[Path], source: str | None) -> None:
        self._files = [(path, source or source_name(path)) for path in files]
        self._sources = {each.source: each for each in receipt.sources}
        self._lines: Counter[str] = Counter()
        """Of each source, how many there were."""
        all_told = sum(each.decisions for each in receipt.sources) == receipt.decisions
        self._knows_all = all_told and self._sources.keys() <= {name for _, name in self._files}
        """Whether all sources of the draw are here, so that what belongs to none of them came after it."""
        self.read = 0
        self.passed_over = 0
        """Lines that are no decisions: the service rejected them too."""

    def decisions(self) -> Iterator[Decision]:
        for path, name in self._files:
            with RowFile(path) as file:
                if file.format == "csv":
                    raise UnreadableFileError(f"{path}: decisions are read from .ndjson or .json.")
                for chunk in file.chunks(_LINES):
                    room = max(self._most(name) - self._lines[name], 0)
                    self._lines[name] += len(chunk.rows)
                    yield from self._decisions_of(chunk.rows[:room])

    def _most(self, name: str) -> int:
        """How many lines of a source are read."""
        if name in self._sources:
            return self._sources[name].lines
        return 0 if self._knows_all else sys.maxsize

    def left_out(self) -> Iterator[str]:
        """How many lines came after the draw was made, by source."""
        for name, lines in self._lines.items():
            late = max(lines - self._most(name), 0)
            if late and name in self._sources:
                yield (
                    f"{late:,} lines of {name} were sent after the draw was made and were left out:"
                    f" those after line {self._sources[name].lines:,}."
                )
            elif late:
                yield f"All {late:,} lines of {name} were left out: nothing of it was in when the draw was made."

    def doubts(self) -> Iterator[str]:
        """What may be wrong with the files rather than with the draw."""
        for name, each in self._sources.items():
            lines, was = (
                self._lines[name],
                f"{name}: {each.lines:,} lines of edition {each.edition} were in when the draw was made",
            )
            if name not in self._lines:
                yield f"{was}; there is no such file here. Where it has another name now, say --source {name}."
            elif lines < each.lines:
                yield f"{was}; there are {lines:,} here."
            else:
                yield f"{was}; where another edition was sent since, it takes that one."

    def _decisions_of(self, rows: Sequence[bytes]) -> Iterator[Decision]:
        for row in rows:
            try:
                decision = Decision.model_validate_json(row)
            except ValidationError:
                self.passed_over += 1
                continue
            self.read += 1
            yield decision


def _table(*columns: str) -> Table:
    table = Table()
    for column in columns:
        table.add_column(column, no_wrap=column == "id")
    return table


def _named(values: StratumValues) -> str:
    return ", ".join(value or "(none)" for value in values.values())


def _share(value: float | None) -> str:
    return "" if value is None else f"{value:.1%}"
