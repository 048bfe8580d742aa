"""`make kill`: many kills while audits are pushed, work falls due and items are claimed, on a cluster with fsync on.

python tests/kills [KILLS] [SEED]
"""

import asyncio
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from system.killing import kill_while_pushing
from system.killing_claims import Claims
from system.killing_work import SETTINGS, Work
from tallystick_embedded.stack import Stack

_PEOPLE = 24
_SWEEP = {"TALLYSTICK_SWEEP_SECONDS": "0.2"}


async def main(kills: int, seed: int) -> int:
    """Kill, compare, say so; the exit code is 1 if anything differs."""
    with tempfile.TemporaryDirectory(prefix="tallystick-kills-") as name:
        directory = Path(name)
        shift = directory / "shift"
        print(f"seed {seed}")
        async with Stack(directory / "data", port=0) as stack:
            whole = await _audits(stack, directory, kills, seed)
        environment = SETTINGS | {"TALLYSTICK_CLOCK_SHIFT": str(shift)}
        async with Stack(directory / "work", port=0, environment=environment) as stack:
            whole &= await _work(stack, shift, kills, seed)
        of_audit = directory / "shift-of-audit"
        environment = _SWEEP | {"TALLYSTICK_AUDIT_CLOCK_SHIFT": str(of_audit)}
        async with Stack(directory / "claims", port=0, environment=environment) as stack:
            whole &= await _claims(stack, of_audit, kills, seed)
    return 0 if whole else 1


async def _audits(stack: Stack, directory: Path, kills: int, seed: int) -> bool:
    toll = await kill_while_pushing(stack, directory, kills, random.Random(seed))  # noqa: S311 - no secret
    right = sum(toll.sent.values())
    whole = set(toll.stored) == set(toll.sent) and not toll.doubled and toll.counted == (len(toll.sent), right)
    print(f"audits: kills {toll.kills}")
    print(f"sent {len(toll.sent)}, stored {len(toll.stored)}, doubled {toll.doubled}")
    print(f"reporting counts {toll.counted[0]} audits, {toll.counted[1]} right; sent were {right} right")
    print("Nothing was lost and nothing doubled." if whole else "What is stored is not what was sent.")
    return whole


async def _work(stack: Stack, shift: Path, kills: int, seed: int) -> bool:
    toll = await Work(stack, shift, kills, random.Random(seed)).run()  # noqa: S311 - no secret
    wrongs = toll.wrongs()
    print(f"work: kills {dict(toll.kills)}")
    print(f"faults {len(toll.faults)}, signals {len(toll.signals)}, cases with evidence {len(toll.gathered)}")
    print(f"reminders and escalations due {len(toll.expected)}, told {sum(toll.told.values())}")
    print("\n".join(wrongs) or "Nothing was lost and nothing doubled.")
    return not wrongs


async def _claims(stack: Stack, shift: Path, kills: int, seed: int) -> bool:
    toll = await Claims(stack, shift, kills, _PEOPLE, random.Random(seed)).run()  # noqa: S311 - no secret
    print(f"claims: kills {dict(toll.kills)}")
    print(f"{toll.drawn} items, handed out {toll.claimed} times to {_PEOPLE} people, {toll.full} of whom reached a cap")
    print(f"audited {toll.audited}, given back {toll.given_back}, the time ran out {toll.lapsed} times")
    print("\n".join(toll.wrongs) or "Nothing was lost and nothing doubled.")
    return not toll.wrongs


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    sys.exit(asyncio.run(main(kills=asked[0] if asked else 51, seed=asked[1] if len(asked) > 1 else 1)))
