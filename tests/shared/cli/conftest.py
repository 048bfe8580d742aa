"""What tests of the command share."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.client.stub import Stub
from tallystick.cli import main


@dataclass(frozen=True)
class Ran:
    """What a run of the command left behind."""

    code: int
    out: str
    err: str


Command = Callable[..., Ran]


@pytest.fixture
def tallystick(stub: Stub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Run the command in an empty directory, for the stub, with a token and a programme from the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TALLYSTICK_URL", stub.url)
    monkeypatch.setenv("TALLYSTICK_TOKEN", "a-token")
    monkeypatch.setenv("TALLYSTICK_PROGRAMME", "demo")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str | Path) -> Ran:
        with pytest.raises(SystemExit) as exit_:
            main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(exit_.value.code if isinstance(exit_.value.code, int) else 0, captured.out, captured.err)

    return run
