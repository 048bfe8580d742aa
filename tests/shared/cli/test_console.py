"""What others wrote, in the terminal of somebody else."""

import pytest
from rich.table import Table
from rich.text import Text

from shared.cli.conftest import Command
from shared.client.stub import Answer, Stub, problem
from tallystick.cli.console import complain, err, out

EVIL = "\x1b]0;title\x07\x1b[2Jone\r\x9b31m\x7ftwo\u202eeno\u2066\u2028three"
"""Sets the title, clears the screen, goes back to the start of the line, writes in red, and turns the line around."""
COMMANDS = set(EVIL) - set("]0;title[2Jone31mtwothree")


def test_no_text_commands_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """Wherever a text stands, it is shown and not obeyed; what it says stays legible."""
    table = Table("name")
    table.add_row(EVIL)
    table.add_row(Text(EVIL, "bold"))
    out.print(EVIL)
    out.print(Text(EVIL), table)
    err.print(EVIL)
    complain(EVIL)
    written = capsys.readouterr()

    assert not COMMANDS & set(written.out + written.err)
    assert written.out.count("[2Jone") == 4
    assert written.err.count("three") == 2


def test_colours_and_lines_are_ours(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal the command's own colours still come through, and so do line ends."""
    monkeypatch.setattr(out, "_force_terminal", True)
    monkeypatch.setattr(out, "_color_system", 1)
    out.print(Text("one\ntwo", "red"))

    assert capsys.readouterr().out == "\x1b[31mone\x1b[0m\n\x1b[31mtwo\x1b[0m\n"


def test_no_problem_and_no_letter_commands_the_terminal(tallystick: Command, stub: Stub) -> None:
    """Nor do those that a service sends."""
    stub.script.append(problem(422, "invalid-request", EVIL))
    stub.script.append(Answer(body=f"# Week\n\n{EVIL}\n".encode(), headers={"content-type": "text/markdown"}))
    refused = tallystick("audits", "list")
    letter = tallystick("report", "weekly", "--markdown")

    assert not COMMANDS & set(refused.err + letter.out)
    assert "[2Jone" in refused.err
    assert letter.out.startswith("# Week\n\n")
