"""The command as a whole: help, errors, exit codes."""

import subprocess
import sys
from importlib.metadata import EntryPoint, version
from pathlib import Path
from typing import Annotated

import pytest
import typer

from shared.cli.conftest import Command
from shared.client.stub import Answer, Stub, free_port, json_answer, problem
from tallystick.cli import command


def test_help_names_every_command(tallystick: Command) -> None:
    """The way in for somebody new."""
    ran = tallystick("--help")

    assert ran.code == 0
    for name in ("token", "programme", "push", "audits", "metrics"):
        assert name in ran.out


def test_the_version_is_that_of_the_distribution(tallystick: Command) -> None:
    """For bug reports."""
    assert tallystick("--version").out.strip() == version("tallystick")


def test_a_problem_is_told_without_a_traceback(tallystick: Command, stub: Stub) -> None:
    """Title, detail and every error on standard error; exit code 1."""
    errors = [{"pointer": "query:site", "code": "pattern", "detail": "Not a code."}]
    stub.script.append(problem(422, "invalid-request", "One thing is wrong.", errors=errors))

    ran = tallystick("audits", "list")

    assert ran.code == 1
    assert ran.out == ""
    assert "Invalid request (422): One thing is wrong." in ran.err
    assert "query:site: Not a code. [pattern]" in ran.err
    assert "Traceback" not in ran.err


@pytest.mark.parametrize(("possible", "said"), [(["release", "uphold"], "release, uphold"), ([], "nothing")])
def test_a_refused_step_says_which_are_possible(tallystick: Command, stub: Stub, possible: list[str], said: str) -> None:
    """As the problem does."""
    stub.script.append(problem(409, "appeal-state", possible=possible))

    assert f"possible now: {said}\n" in tallystick("audits", "list").err


def test_a_service_that_does_not_answer_is_told(tallystick: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """After some tries that are told too; exit code 4."""
    monkeypatch.setattr("tallystick.cli.options._PATIENCE_S", 0.5)
    url = f"http://127.0.0.1:{free_port()}"

    ran = tallystick("audits", "list", "--url", url)

    assert ran.code == 4
    assert "trying again in" in ran.err
    assert f"No answer from {url}/audit/v1/audits" in ran.err


def test_an_answer_of_something_else_is_told(tallystick: Command, stub: Stub) -> None:
    """The address may be that of another program."""
    stub.script.append(Answer(200, b"<html>"))

    ran = tallystick("audits", "list")

    assert ran.code == 1
    assert "answered no AuditPage" in ran.err


@pytest.mark.parametrize("url", ["tallystick.example", "ftp://tallystick.example", "http://"])
def test_an_address_that_is_none_is_wrong_usage(tallystick: Command, url: str) -> None:
    """Exit code 2, as for every mistake on the command line."""
    ran = tallystick("audits", "list", "--url", url)

    assert ran.code == 2
    assert "http://" in ran.err


@pytest.mark.parametrize(("option", "told"), [((), "There are no such signals.\n"), (("--json",), "")])
def test_no_signals_are_told_in_words(tallystick: Command, stub: Stub, option: tuple[str, ...], told: str) -> None:
    """Rather than by a table without rows; for scripts there is nothing to read."""
    stub.script.append(json_answer({"items": []}))

    ran = tallystick("signals", *option)

    assert (ran.code, ran.out, ran.err) == (0, "", told)


def test_without_a_token_the_command_says_where_to_get_one(tallystick: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rather than asking the service in vain."""
    monkeypatch.delenv("TALLYSTICK_TOKEN")

    ran = tallystick("audits", "list")

    assert ran.code == 2
    assert "tallystick token" in ran.err


def test_a_token_may_be_in_a_file(tallystick: Command, stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that no other user of the machine sees it."""
    monkeypatch.delenv("TALLYSTICK_TOKEN")
    (tmp_path / "token").write_text("from-a-file\n")

    tallystick("audits", "list", "--token-file", "token")

    assert stub.seen[0].headers["authorization"] == "Bearer from-a-file"


def test_a_token_file_that_is_not_there_is_told(tallystick: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """By its name."""
    monkeypatch.delenv("TALLYSTICK_TOKEN")

    ran = tallystick("audits", "list", "--token-file", "nowhere")

    assert ran.code == 1
    assert "nowhere" in ran.err


def test_other_distributions_add_commands(tallystick: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the entry points `tallystick.commands`: a function is a command."""
    entry = EntryPoint("greet", "shared.cli.test_command:greet", command.COMMANDS)
    monkeypatch.setattr(command, "entry_points", lambda group: [entry] if group == command.COMMANDS else [])

    assert tallystick("greet", "--name", "you").out == "Hello you\n"


def greet(name: Annotated[str, typer.Option()]) -> None:
    """Say hello."""
    typer.echo(f"Hello {name}")


def test_the_command_is_installed() -> None:
    """As a program of its own, next to the interpreter."""
    program = Path(sys.executable).with_name("tallystick")

    ran = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == version("tallystick")


def test_the_command_brings_no_server() -> None:
    """A vendor installs `tallystick` alone: nothing that a service stands on is imported."""
    servers = ("fastapi", "starlette", "sqlalchemy", "asyncpg", "uvicorn", "alembic", "tallystick.service")
    code = f"import sys, tallystick.cli; print([name for name in {servers} if name in sys.modules])"

    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert ran.stdout.strip() == "[]"
