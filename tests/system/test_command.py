"""The command `tallystick` on the whole product, through the gateway."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from factories import audit_row, programme_document
from system.conftest import System
from tallystick.cli import main
from tallystick.cli.demo import tell
from tallystick.client import Tallystick
from tallystick.sample import PLANTED_CODE, PLANTED_QUEUE, PLANTED_SITE
from tallystick.schemas.audit import NewAudit
from tallystick.schemas.principal import Role

Run = Callable[..., Any]


@pytest.fixture
def run(
    system: System, programme: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Run:
    """Run the command as an admin for the test's programme; answers what it wrote, as JSON if it was asked for that."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALLYSTICK_URL", system.url)
    monkeypatch.setenv("TALLYSTICK_TOKEN", system.token(Role.ADMIN))
    monkeypatch.setenv("TALLYSTICK_PROGRAMME", programme)

    async def command(*arguments: str) -> Any:
        def act() -> None:
            with pytest.raises(SystemExit) as exit_:
                main(arguments)
            assert not exit_.value.code

        await asyncio.to_thread(act)
        written = capsys.readouterr().out
        return json.loads(written) if "--json" in arguments else written

    return command


async def test_a_programme_is_changed_and_shown(run: Run, programme: str, tmp_path: Path) -> None:
    """What is shown is what was applied."""
    document = programme_document(programme, name="Another name")
    (tmp_path / "programme.yaml").write_text(yaml.safe_dump(document))

    changes = await run("programme", "apply", "programme.yaml")

    assert "+name: Another name" in changes
    assert yaml.safe_load(await run("programme", "show", programme))["name"] == "Another name"


async def test_audits_go_in_and_come_back_as_lists_and_numbers(run: Run, system: System, programme: str, tmp_path: Path) -> None:
    """Pushed as a file, listed, revised, and counted."""
    wrong = {"verdict": "incorrect", "error_class": "false_positive", "error_code": "FP-HARASS", "severity": "major"}
    rows = [audit_row(f"A-{number}", **(wrong if number < 10 else {})) for number in range(40)]
    (tmp_path / "audits.json").write_text(json.dumps(rows))

    pushed = await run("push", "audits.json", "--json")
    listed = await run("audits", "list", "--verdict", "incorrect", "--limit", "1", "--json")
    await run("audits", "revise", listed["id"], "--verdict", "correct", "--reason", "Seen again.")
    shown = await run("audits", "show", listed["id"], "--json")
    await reached(system, programme, shown["audit"]["position"])
    numbers = await run("metrics", "-m", "errors", "-m", "accuracy", "-b", "vendor", "--vendor", "acme", "--json")

    assert (pushed["rows"], pushed["created"]) == (40, 40)
    assert [revision["judgement"]["verdict"] for revision in shown["revisions"]] == ["incorrect", "correct"]
    assert numbers["rows"][0]["dimensions"] == {"vendor": "acme"}
    assert numbers["rows"][0]["numbers"]["errors"]["value"] == 9
    assert numbers["rows"][0]["numbers"]["accuracy"]["numerator"] == 31
    assert "FP-HARASS" in await run("audits", "list", "--error-code", "FP-HARASS")
    assert "Seen again." in await run("audits", "show", listed["id"])
    assert "77.5 % (62.5 to 87.7)" in await run("metrics", "-m", "accuracy")
    assert "77.5 % (62.5 to 87.7)" in await run(
        "metrics", "-b", "site", "--compare", "--from", "2026-08-31", "--to", "2026-09-07"
    )


async def test_reports_are_tables_and_json(run: Run, system: System, programme: str) -> None:
    """Without audits too."""
    await reached(system, programme, 0)
    empty = await run("report", "quality-summary")
    row = NewAudit.model_validate(audit_row())
    async with Tallystick(system.url, system.token(Role.ADMIN)) as tallystick:
        [result] = (await tallystick.audits.push(programme, [row])).results
        assert result.audit_id
        await reached(system, programme, (await tallystick.audits.read(programme, result.audit_id)).position)

    assert "accuracy" in empty
    assert "100.0 %" in await run("report", "quality-summary")
    assert "Top errors" in await run("report", "top-error-trends", "--limit", "5", "--vendor", "acme")
    assert (await run("report", "quality-summary", "--json"))["overall"]["adjudicated"]["audits"]["value"] == 1
    assert (await run("report", "top-error-trends", "--json"))["pareto"] == []


async def test_the_demonstration_finds_what_was_planted(system: System, capsys: pytest.CaptureFixture[str]) -> None:
    """It pushes its sample through the gateway, and the reports name the segment and the week."""
    await tell(system.url, lambda *roles, **_: system.token(*roles))

    told = capsys.readouterr().out
    [signal] = [line for line in told.splitlines() if line.startswith(f"│ {PLANTED_CODE}") and "pp" in line and "site" in line]
    assert f"site {PLANTED_SITE}, queue {PLANTED_QUEUE}" in signal
    assert f"{system.url}/sign-in#token=" in told


async def reached(system: System, programme: str, position: int) -> None:
    """Wait until the numbers stand on a position."""
    async with Tallystick(system.url, system.token(Role.ADMIN)) as tallystick, asyncio.timeout(30):
        while not any(each.position >= position for each in (await tallystick.projections(programme)).items):
            await asyncio.sleep(0.05)
