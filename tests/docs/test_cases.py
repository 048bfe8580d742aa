"""The table of transitions in the docs is the one in the code."""

import re
from pathlib import Path

from tallystick.schemas.case import CASE_TRANSITIONS


def test_the_page_has_the_table_of_transitions_and_no_other(root: Path) -> None:
    """docs/cases.md lists every step in the order of the code: from where, to where, by whom."""
    page = (root / "docs/cases.md").read_text()
    _, _, section = page.partition("\n## States\n")
    rows = [
        tuple(re.findall(r"`(\w+)`", cell) for cell in row.strip("|").split("|"))
        for row in section.partition("\n## ")[0].splitlines()
        if row.startswith("| `") and row.count("|") == 5
    ]

    assert rows == [([each.step], sorted(each.sources), [each.target], sorted(each.by)) for each in CASE_TRANSITIONS]
