"""`make kill`: many kills while audits are pushed, on a cluster with fsync on.

python tests/kills [KILLS] [SEED]
"""

import asyncio
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from system.killing import kill_while_pushing
from tallystick_embedded.stack import Stack


async def main(kills: int, seed: int) -> int:
    """Kill, compare, say so; the exit code is 1 if anything differs."""
    with tempfile.TemporaryDirectory(prefix="tallystick-kills-") as directory:
        async with Stack(Path(directory) / "data", port=0) as stack:
            toll = await kill_while_pushing(stack, Path(directory), kills, random.Random(seed))  # noqa: S311 - no secret
    right = sum(toll.sent.values())
    whole = set(toll.stored) == set(toll.sent) and not toll.doubled and toll.counted == (len(toll.sent), right)
    print(f"kills {toll.kills}, seed {seed}")
    print(f"sent {len(toll.sent)}, stored {len(toll.stored)}, doubled {toll.doubled}")
    print(f"reporting counts {toll.counted[0]} audits, {toll.counted[1]} right; sent were {right} right")
    print("Nothing was lost and nothing doubled." if whole else "What is stored is not what was sent.")
    return 0 if whole else 1


if __name__ == "__main__":
    asked = [int(word) for word in sys.argv[1:]]
    sys.exit(asyncio.run(main(kills=asked[0] if asked else 51, seed=asked[1] if len(asked) > 1 else 1)))
