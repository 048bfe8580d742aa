"""Nothing acknowledged is ever lost, and nothing done twice, whatever is killed. `make kill` does this for longer."""

import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from system.killing import kill_while_pushing
from system.killing_claims import Claims
from system.killing_decisions import kill_while_sending
from system.killing_work import SETTINGS, Work
from tallystick_embedded.stack import Stack


@pytest.fixture(scope="module")
def shift(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where it is said by how much the clock of cases is before the machine's."""
    return tmp_path_factory.mktemp("clock") / "shift"


@pytest.fixture(scope="module")
def shift_of_audit(shift: Path) -> Path:
    """The same for audit-api."""
    return shift.with_name("shift-of-audit")


@pytest.fixture(scope="module")
async def mortal(tmp_path_factory: pytest.TempPathFactory, shift: Path, shift_of_audit: Path) -> AsyncIterator[Stack]:
    """A stack whose processes may be killed."""
    environment = SETTINGS | {"TALLYSTICK_CLOCK_SHIFT": str(shift), "TALLYSTICK_AUDIT_CLOCK_SHIFT": str(shift_of_audit)}
    async with Stack(tmp_path_factory.mktemp("mortal") / "data", port=0, environment=environment) as stack:
        yield stack


async def test_after_kills_what_is_stored_is_what_was_sent(mortal: Stack, tmp_path: Path) -> None:
    """Each of audit-api, PostgreSQL and reporting-api dies twice; then stored = sent and reporting = stored."""
    toll = await kill_while_pushing(mortal, tmp_path, 6, random.Random(7))  # noqa: S311 - no secret

    assert sum(toll.kills.values()) == 6
    assert set(toll.stored) == set(toll.sent)
    assert toll.doubled == 0
    assert toll.counted == (len(toll.sent), sum(toll.sent.values()))


async def test_after_kills_each_decision_is_counted_once(mortal: Stack, tmp_path: Path) -> None:
    """audit-api and PostgreSQL die twice each while files are sent; what is counted is what was sent, to the digest."""
    told = await kill_while_sending(mortal, tmp_path, 4, random.Random(7))  # noqa: S311 - no secret

    assert told.kills == {"audit-api": 2, "postgres": 2}
    assert told.frames == told.sent
    assert told.counts == told.sent.decisions


async def test_after_kills_each_signal_has_led_to_one_case_and_each_reminder_was_told_once(mortal: Stack, shift: Path) -> None:
    """rca-api and reporting-api die while rates go up, cases are drafted, evidence is gathered and actions fall due."""
    toll = await Work(mortal, shift, 4, random.Random(7)).run()  # noqa: S311 - no secret

    assert toll.kills == {"rca-api": 2, "reporting-api": 1, "postgres": 1}
    assert toll.wrongs() == []
    assert len(toll.faults) > 1
    assert len(toll.expected) >= 14


async def test_after_kills_each_item_was_in_one_hand_and_counts_for_whom_it_was_shown_to(
    mortal: Stack, shift_of_audit: Path
) -> None:
    """audit-api and PostgreSQL die twice each while a dozen people claim, audit and give back, and leases end."""
    toll = await Claims(mortal, shift_of_audit, 4, 12, random.Random(7)).run()  # noqa: S311 - no secret

    assert toll.kills == {"audit-api": 2, "postgres": 2}
    assert toll.wrongs == []
    assert toll.audited > toll.drawn * 0.8
    assert toll.given_back
    assert toll.lapsed
    assert toll.full
