"""The table of transitions in the docs is the one in the code."""

import re
from pathlib import Path

from tallystick.schemas.appeal import TRANSITIONS


def test_the_page_has_the_table_of_transitions_and_no_other(root: Path) -> None:
    """docs/appeals.md lists every action in the order of the code: from where, to where, at which stage, by whom."""
    page = (root / "docs/appeals.md").read_text()
    _, _, section = page.partition("\n## States\n")
    rows = [
        tuple(re.findall(r"`(\w+)`", cell) for cell in row.strip("|").split("|"))
        for row in section.partition("\n## ")[0].splitlines()
        if row.startswith("| `")
    ]

    assert rows == [
        ([each.action], sorted(each.sources), [each.target], sorted(each.at, reverse=True), sorted(each.by))
        for each in TRANSITIONS
    ]
