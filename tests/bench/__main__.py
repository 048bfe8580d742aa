"""`python tests/bench [NAME…]`: measure the product beside its references. `docs/performance.md` says what each bench does."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path[0] = str(Path(__file__).resolve().parents[1])  # this directory is the package `bench`

    from bench.command import main

    main()
