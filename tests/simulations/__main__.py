"""`python tests/simulations`: simulate how often the statistics are right. `docs/performance.md` has what came out."""

import argparse
import os
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # this directory is the package `simulations`

    from simulations import detectors, others, samples

    parser = argparse.ArgumentParser(prog="tests/simulations", description="Simulate how often the statistics are right.")
    parser.add_argument("of", nargs="?", choices=("detectors", "others", "samples"), help="only these; all without it")
    parser.add_argument("--programmes", type=int, default=1000, help="how many of each kind")
    parser.add_argument("--draws", type=int, default=2000, help="how many samples of each design")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1, help="at once")
    arguments = parser.parse_args()
    started = time.monotonic()
    simulated = {
        "samples": samples.simulate(arguments.draws, arguments.processes),
        "detectors": detectors.simulate(arguments.programmes, arguments.processes),
        "others": others.simulate(arguments.programmes, arguments.processes),
    }
    for name, lines in simulated.items():
        for line in lines if arguments.of in {None, name} else ():
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()
    sys.stdout.write(f"\n{time.monotonic() - started:.0f} s\n")
