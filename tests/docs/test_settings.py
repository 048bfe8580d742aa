"""Every setting is documented, with its default, and nothing is documented that is no setting."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from tallystick.cli.command import create_app
from tallystick.service.settings import PREFIX, Settings

_NAME = re.compile(r"\bTALLYSTICK_[A-Z_]*[A-Z]\b")
_ROW = re.compile(r"^\| `(TALLYSTICK_\w+)` \| (.*?) \| ", re.MULTILINE)
_EXAMPLE = re.compile(r"^#?(TALLYSTICK_\w+)=(.*)$", re.MULTILINE)


def _of_services(settings_types: list[type[Settings]]) -> set[str]:
    return {f"{PREFIX}{name}".upper() for settings in settings_types for name in settings.model_fields}


def _of_command() -> set[str]:
    found: set[str] = set()
    commands: list[Any] = [get_command(create_app())]
    while commands:
        command = commands.pop()
        for parameter in command.params:
            names = parameter.envvar or ()
            found |= {names} if isinstance(names, str) else set(names)
        commands += getattr(command, "commands", {}).values()
    return found


def _of_deployment(root: Path) -> set[str]:
    caddyfile = (root / "deploy/Caddyfile").read_text()
    compose = (root / "docker-compose.yml").read_text() + (root / "deploy/compose/tls.yaml").read_text()
    databases = (root / "deploy/postgres/databases.sql").read_text()
    return {
        *re.findall(r"\{\$(TALLYSTICK_\w+)", caddyfile),
        *re.findall(r"\$\{(TALLYSTICK_\w+)", compose),
        *re.findall(r"\\getenv \w+ (TALLYSTICK_\w+)", databases),
    }


@pytest.fixture
def known(root: Path, settings_types: list[type[Settings]]) -> set[str]:
    """Every name that a service, the command, the gateway or Compose reads."""
    return _of_services(settings_types) | _of_command() | _of_deployment(root)


def test_the_page_of_settings_names_them_all_and_no_other(root: Path, known: set[str]) -> None:
    """Whatever can be set has its row in docs/settings.md, and every row is of something that can be set."""
    page = (root / "docs/settings.md").read_text()

    assert {name for name, _ in _ROW.findall(page)} == known
    assert {name.removesuffix("_FILE") for name in _NAME.findall(page)} <= known | {"TALLYSTICK_TOKEN"}


def test_the_example_file_names_them_all_and_no_other(root: Path, known: set[str]) -> None:
    """`.env.example` holds each setting once."""
    names = [name for name, _ in _EXAMPLE.findall((root / ".env.example").read_text())]

    assert set(names) == known
    assert len(names) == len(set(names))


def test_the_page_tells_the_defaults(root: Path, settings_types: list[type[Settings]]) -> None:
    """A plain default stands in the page as it stands in the code."""
    told = dict(reversed(_ROW.findall((root / "docs/settings.md").read_text())))
    wrong = []
    for settings in settings_types:
        for name, field in settings.model_fields.items():
            default: Any = field.default
            if isinstance(default, bool):
                default = str(default).lower()
            if (
                isinstance(default, str | int | float)
                and default != ""
                and f"`{default:}`" not in told[f"{PREFIX}{name}".upper()]
            ):
                wrong.append((name, default))

    assert wrong == []


def test_every_service_takes_the_example(
    root: Path, settings_types: list[type[Settings]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The values of `.env.example`, all switched on, are valid for each service."""
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    for name, value in _EXAMPLE.findall((root / ".env.example").read_text()):
        if not name.startswith("TALLYSTICK_TOKEN"):
            monkeypatch.setenv(name, value.strip("'"))

    assert [settings().database_pool for settings in settings_types] == [10] * len(settings_types)


def test_the_pages_name_no_setting_that_is_none(pages: dict[Path, str], known: set[str]) -> None:
    """A setting that any page names exists, as a value or as a file."""
    wrong = {
        (path.name, name)
        for path, text in pages.items()
        for name in _NAME.findall(text)
        if name not in known and name.removesuffix("_FILE") not in known
    }

    assert wrong == set()
