"""Nothing acknowledged is ever lost, whatever is killed. `make kill` does this for longer."""

import random
from pathlib import Path

from system.killing import kill_while_pushing
from tallystick_embedded.stack import Stack


async def test_after_kills_what_is_stored_is_what_was_sent(tmp_path: Path) -> None:
    """Each of audit-api, PostgreSQL and reporting-api dies twice; then stored = sent and reporting = stored."""
    async with Stack(tmp_path / "data", port=0) as stack:
        toll = await kill_while_pushing(stack, tmp_path, 6, random.Random(7))  # noqa: S311 - no secret

    assert sum(toll.kills.values()) == 6
    assert set(toll.stored) == set(toll.sent)
    assert toll.doubled == 0
    assert toll.counted == (len(toll.sent), sum(toll.sent.values()))
