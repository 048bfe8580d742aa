"""`python tests/simulations`: simulate how often the statistics are right. `docs/performance.md` has what came out."""

import argparse
import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # this directory is the package `simulations`

    from simulations import detectors

    parser = argparse.ArgumentParser(prog="tests/simulations", description="Simulate how often the statistics are right.")
    parser.add_argument("--programmes", type=int, default=1000, help="how many of each kind")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="at once")
    arguments = parser.parse_args()
    started = time.monotonic()
    for line in detectors.simulate(arguments.programmes, arguments.processes):
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
    sys.stdout.write(f"\n{time.monotonic() - started:.0f} s\n")
