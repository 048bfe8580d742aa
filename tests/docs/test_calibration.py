"""The page of calibration says what the table of transitions says."""

import re
from pathlib import Path

from tallystick.schemas.calibration import TRANSITIONS

_ROW = re.compile(r"^\| `(\w+)` \| (?:`(\w+)`)? ?\| `(\w+)` \| (a rater who is )?((?:`\w+`(?:, )?)+) \|$", re.MULTILINE)


def test_the_page_shows_every_transition_and_no_other(root: Path) -> None:
    """Action, states, roles and whether it takes being a rater, in the order of the code."""
    page = (root / "docs/calibration.md").read_text()
    told = [
        (action, source or None, target, bool(rater), re.findall(r"\w+", roles))
        for action, source, target, rater, roles in _ROW.findall(page)
    ]

    assert told == [(each.action, each.source, each.target, each.rater, sorted(each.by)) for each in TRANSITIONS]
