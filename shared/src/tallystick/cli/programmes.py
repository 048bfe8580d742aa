"""`tallystick programme`: a programme's document, in and out."""

import difflib
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.text import Text

from tallystick.cli.console import err, out
from tallystick.cli.documents import read_document
from tallystick.cli.options import DEFAULT_URL, Connection, TokenFile, TokenText, Url
from tallystick.client import Tallystick
from tallystick.schemas.programme import Programme, ProgrammeRead

app = typer.Typer(name="programme", help="Read a programme's document, and put it back.", no_args_is_help=True)

_STYLES = {"+": "green", "-": "red", "@": "cyan"}


@app.command("apply")
def apply_document(
    file: Annotated[Path, typer.Argument(help="YAML or JSON; - reads standard input.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Create a programme, or bring it to what its document says, and show what changed."""
    connection = Connection.of(url, token, token_file)
    document = read_document(file, Programme, "programme")

    async def act(tallystick: Tallystick) -> tuple[ProgrammeRead | None, ProgrammeRead | None]:
        if dry_run:
            return await tallystick.programmes.find(document.slug), None
        return await tallystick.programmes.apply(document)

    before, after = connection.run(act)
    _show_changes(before.document if before else None, document)
    if after is None:
        err.print("Nothing was changed: this was a dry run.")
    elif before is None:
        err.print(f"Created programme {document.slug}.")
    elif after.revision == before.revision:
        err.print(f"Programme {document.slug} stands at revision {before.revision} as it is in the document.")
    else:
        err.print(f"Programme {document.slug} is now at revision {after.revision}.")


@app.command("show")
def show_document(
    programme: Annotated[str, typer.Argument(help="The programme's slug.")],
    url: Url = DEFAULT_URL,
    token: TokenText = None,
    token_file: TokenFile = None,
) -> None:
    """Write a programme's document as YAML, as `programme apply` takes it back."""
    found = Connection.of(url, token, token_file).run(lambda tallystick: tallystick.programmes.get(programme))
    typer.echo(render(found.document), nl=False)


def render(document: Programme) -> str:
    """A document as YAML, without what is not set. The maps of import profiles are sorted: their order means nothing."""
    content = document.model_dump(mode="json", exclude_defaults=True)
    for profile in content.get("import_profiles", ()):
        for name in ("columns", "constants", "defaults", "values"):
            if name in profile:
                profile[name] = dict(sorted(profile[name].items()))
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


def _show_changes(before: Programme | None, after: Programme) -> None:
    old = render(before).splitlines() if before else []
    for line in list(difflib.unified_diff(old, render(after).splitlines(), lineterm="", n=2))[2:]:
        out.print(Text(line, _STYLES.get(line[0], "")))
