"""The page of actions says what the code says."""

import re
from pathlib import Path

from tallystick.schemas.action import ACTION_TRANSITIONS
from tallystick.schemas.notice import NoticeKind
from tallystick.schemas.objective import ObjectiveStanding
from tallystick.schemas.programme import FollowUp


def _section(root: Path, heading: str) -> str:
    _, _, section = (root / "docs/actions.md").read_text().partition(f"\n## {heading}\n")
    return section.partition("\n## ")[0]


def test_the_page_has_the_table_of_transitions_and_no_other(root: Path) -> None:
    """docs/actions.md lists every step in the order of the code: from where, to where, whose it is."""
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in _section(root, "States").splitlines()
        if row.startswith("| `")
    ]
    told = [(*(re.findall(r"`(\w+)`", cell) for cell in cells), by) for *cells, by in rows]

    assert told == [([each.step], sorted(each.sources), [each.target], each.by) for each in ACTION_TRANSITIONS]


def test_the_page_names_every_rule_of_the_follow_up_with_its_default(root: Path) -> None:
    """The example has all fields, and the days are the defaults."""
    told = dict(re.findall(r"^  (\w+): (.*?)(?: +#.*)?$", _section(root, "Follow-up"), re.MULTILINE))

    assert told.keys() == FollowUp.model_fields.keys()
    assert {name: int(days) for name, days in told.items() if name.endswith("_days")} == {
        name: field.default for name, field in FollowUp.model_fields.items() if name.endswith("_days")
    }


def test_the_page_names_every_kind_of_notice_and_every_standing(root: Path) -> None:
    """Nobody is told what the page does not know."""
    page = (root / "docs/actions.md").read_text()

    assert [kind for kind in NoticeKind if f"`{kind}`" not in page] == []
    assert [standing for standing in ObjectiveStanding if f"| `{standing}` |" not in page] == []
