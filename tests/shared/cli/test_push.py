"""`tallystick push`."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from shared.cli.conftest import Command
from shared.client.intake import Intake
from shared.client.stub import Answer, Seen, Stub, free_port, problem


def write(path: Path, count: int, bad: int = 0) -> Path:
    """A file of rows, the first of which are bad."""
    rows = [f"a-{number},{'maybe' if number <= bad else 'correct'}\n" for number in range(1, count + 1)]
    path.write_text("external_id,verdict\n" + "".join(rows))
    return path


def test_a_push_ends_with_a_table_of_verdicts(tallystick: Command, intake: Intake, tmp_path: Path) -> None:
    """One line a file; exit code 0 says that every row was taken."""
    files = write(tmp_path / "one.csv", 5), write(tmp_path / "two.csv", 7)

    ran = tallystick("push", *files, "--rows-per-request", "3")

    assert ran.code == 0
    assert [line.split()[1:7:2] for line in ran.out.splitlines() if ".csv" in line] == [
        ["one.csv", "5", "5"],
        ["two.csv", "7", "2"],
    ]
    assert len(intake.rows) == 7


@pytest.mark.usefixtures("intake")
def test_rejected_rows_are_named_and_fail_the_command(tallystick: Command, tmp_path: Path) -> None:
    """Exit code 3, and where the rows are."""
    ran = tallystick("push", write(tmp_path / "audits.csv", 5, bad=2))

    assert ran.code == 3
    assert "2 rows were not taken" in ran.err
    assert "audits.csv.rejected.csv" in ran.err
    assert (tmp_path / "audits.csv.rejected.csv").exists()


@pytest.mark.usefixtures("intake")
def test_a_summary_can_be_had_as_json(tallystick: Command, tmp_path: Path) -> None:
    """One line a file, for programs."""
    ran = tallystick("push", write(tmp_path / "audits.csv", 5, bad=2), "--json")

    summary = json.loads(ran.out)
    assert len(summary.pop("batches")) == 1
    assert summary == {
        "file": str(tmp_path / "audits.csv"),
        "rows": 5,
        "created": 3,
        "duplicate": 0,
        "conflict": 0,
        "rejected": 2,
        "revised": 0,
        "resumed": 0,
        "rejected_file": str(tmp_path / "audits.csv.rejected.csv"),
    }


@pytest.mark.usefixtures("intake")
def test_the_options_reach_the_service(tallystick: Command, stub: Stub, tmp_path: Path) -> None:
    """Profile, what to do on conflict, dry run, compression."""
    write(tmp_path / "audits.csv", 2)

    ran = tallystick(
        "push", "audits.csv", "--profile", "bpo", "--on-conflict", "revise", "--dry-run", "--compress", "-p", "other"
    )

    assert ran.code == 0
    assert "What would become of the rows" in ran.out
    query = dict(stub.seen[0].query)
    assert query == {
        "programme": "other",
        "profile": "bpo",
        "on_conflict": "revise",
        "atomicity": "rows",
        "dry_run": "true",
    }
    assert stub.seen[0].headers["content-encoding"] == "zstd"


@pytest.mark.usefixtures("intake")
def test_rejected_rows_can_be_kept_elsewhere(tallystick: Command, tmp_path: Path) -> None:
    """Where the file lies may be no place for others."""
    (tmp_path / "out").mkdir()

    ran = tallystick("push", write(tmp_path / "audits.csv", 1, bad=1), "--out", tmp_path / "out")

    assert ran.code == 3
    assert (tmp_path / "out" / "audits.csv.rejected.csv").exists()


@pytest.mark.parametrize(("out", "why"), [("nowhere", "does not exist"), ("audits.csv", "is a file")])
def test_a_folder_that_is_not_there_stops_a_push_before_anything_is_sent(
    tallystick: Command, stub: Stub, tmp_path: Path, out: str, why: str
) -> None:
    """Rows whose verdicts cannot be kept are not sent."""
    ran = tallystick("push", write(tmp_path / "audits.csv", 1, bad=1), "--out", tmp_path / out)

    assert ran.code == 2
    assert "--out" in ran.err
    assert f"{out}' {why}" in ran.err
    assert stub.seen == []


@pytest.mark.parametrize(("name", "code"), [("audits.xlsx", 1), ("nowhere.csv", 1)], ids=["unknown kind", "missing file"])
def test_a_file_that_cannot_be_pushed_stops_before_any_other_is(
    tallystick: Command, stub: Stub, tmp_path: Path, name: str, code: int
) -> None:
    """Nothing is sent at all."""
    ran = tallystick("push", write(tmp_path / "good.csv", 1), tmp_path / name)

    assert ran.code == code
    assert name in ran.err
    assert stub.seen == []


def test_a_refusal_still_shows_what_was_pushed_before(tallystick: Command, stub: Stub, tmp_path: Path) -> None:
    """The first file is through, the second is refused."""
    intake = Intake()
    stub.handle = lambda seen: problem(403, "forbidden") if b"other" in seen.body else intake(seen)
    (tmp_path / "two.csv").write_text("external_id,verdict\nother,correct\n")

    ran = tallystick("push", write(tmp_path / "one.csv", 5), "two.csv")

    assert ran.code == 1
    assert "one.csv" in ran.out
    assert "Forbidden" in ran.err


def test_an_outage_is_told_and_waited_out(tallystick: Command, intake: Intake, stub: Stub, tmp_path: Path) -> None:
    """With its reason and the time of the next try."""
    stub.script.append(problem(503, "unavailable"))

    ran = tallystick("push", write(tmp_path / "audits.csv", 5))

    assert ran.code == 0
    assert "503 Service Unavailable; trying again in" in ran.err
    assert len(intake.rows) == 5


def test_an_address_where_nobody_ever_listened_is_soon_given_up(
    tallystick: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is rather wrong than down: the patience of minutes is for a service that has been there."""
    monkeypatch.setattr("tallystick.cli.options._UNREACHED_PATIENCE_S", 1.0)
    url = f"http://127.0.0.1:{free_port()}"

    ran = tallystick("push", write(tmp_path / "audits.csv", 5), "--url", url, "--patience", "1h")

    assert ran.code == 4
    assert f"No answer from {url}/" in ran.err
    assert "Check that the address is right and that Tallystick runs there." in ran.err


def test_patience_has_an_end(tallystick: Command, tmp_path: Path) -> None:
    """Exit code 4: the service did not come back."""
    url = f"http://127.0.0.1:{free_port()}"

    ran = tallystick("push", write(tmp_path / "audits.csv", 5), "--url", url, "--patience", "1s")

    assert ran.code == 4


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_a_push_that_was_stopped_goes_on_when_it_is_run_again(
    stub: Stub, intake: Intake, tmp_path: Path, how: signal.Signals
) -> None:
    """By Ctrl-C or by force: what had its verdicts is not sent again, and no row is lost."""
    path = write(tmp_path / "audits.csv", 100, bad=30)
    taken, reached = intake, threading.Event()

    def slow(seen: Seen) -> Answer:
        if len(taken.requests) >= 5:
            reached.set()
            time.sleep(0.2)
        return taken(seen)

    stub.handle = slow
    program = [str(Path(sys.executable).with_name("tallystick"))]
    environment = {**os.environ, "TALLYSTICK_URL": stub.url, "TALLYSTICK_TOKEN": "t"}
    command = [*program, "push", str(path), "-p", "demo", "--rows-per-request", "10"]
    running = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert reached.wait(60)
    running.send_signal(how)
    _, errors = running.communicate(timeout=60)
    stub.handle = taken
    taken.requests.clear()

    again = subprocess.run([*command, "--json"], env=environment, capture_output=True, text=True, check=False)

    summary = json.loads(again.stdout)
    assert running.returncode == {signal.SIGINT: 130, signal.SIGKILL: -9}[how]
    assert how == signal.SIGKILL or "The same command goes on from here" in errors
    assert again.returncode == 3
    assert (summary["rows"], summary["rejected"]) == (100, 30)
    assert summary["resumed"] >= 40
    assert ["a-1"] not in [request[:1] for request in taken.requests]
    assert set(taken.rows) == {f"a-{number}" for number in range(31, 101)}
    rejected = (tmp_path / "audits.csv.rejected.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in rejected[1:]] == [str(number) for number in range(1, 31)]
