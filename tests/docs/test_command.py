"""Every command and every option is documented."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from audit_api.__main__ import main as audit_api
from rca_api.__main__ import main as rca_api
from reporting_api.__main__ import main as reporting_api
from tallystick.cli.command import create_app

_OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")


def _leaves(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command that does something, with all the words that call it."""
    below: dict[str, Any] = getattr(command, "commands", {})
    if not below or getattr(command, "invoke_without_command", False):
        yield name, command
    for word, sub in below.items():
        yield from _leaves(f"{name} {word}", sub)


def _options(command: Any) -> set[str]:
    return {
        option
        for parameter in command.params
        if parameter.param_type_name == "option" and not parameter.hidden
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("--") and option not in {"--help", "--install-completion", "--show-completion"}
    }


def test_every_command_of_tallystick_is_in_its_page(root: Path) -> None:
    """docs/cli.md shows each command by all its words."""
    page = (root / "docs/cli.md").read_text()
    missing = [
        name
        for name, _ in _leaves("tallystick", get_command(create_app()))
        if not re.search(rf"`{name}\b|^{name}\b|^#+ .*{name}", page, re.MULTILINE)
    ]

    assert missing == []


def test_every_option_of_tallystick_is_in_its_page_and_no_other(root: Path) -> None:
    """docs/cli.md names each option, and none that no command has."""
    told = set(_OPTION.findall((root / "docs/cli.md").read_text()))
    known: set[str] = set()
    for _, command in _leaves("tallystick", get_command(create_app())):
        known |= _options(command)

    assert known - told == set()
    assert told - known - {"--help", "--version", "--install-completion", "--show-completion"} == set()


def test_every_command_of_the_services_is_documented(pages: dict[Path, str]) -> None:
    """`audit-api serve` and its like stand in some page."""
    told = "\n".join(pages.values())
    services = {"audit-api": audit_api, "rca-api": rca_api, "reporting-api": reporting_api}
    missing = [
        name
        for service, typer_app in services.items()
        for name, _ in _leaves(service, get_command(typer_app))
        if name not in told
    ]

    assert missing == []
