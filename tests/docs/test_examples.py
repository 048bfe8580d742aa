"""The examples of the first batch do what the README says of them."""

import re
from pathlib import Path

import pytest
import yaml

from audit_api.audits.judging import Rules
from audit_api.batches.profiles import ProfileMapper
from audit_api.batches.reading import CSV, read_rows
from tallystick.schemas.audit import NewAudit, RowError
from tallystick.schemas.programme import Programme


@pytest.fixture
def programme(root: Path) -> Programme:
    """The programme of the example."""
    return Programme.model_validate(yaml.safe_load((root / "docs/examples/emea-video.yaml").read_text()))


def test_the_example_holds_two_spoiled_rows(root: Path, programme: Programme) -> None:
    """Of 420 rows the programme takes all but 118, whose queue it does not know, and 289, audited on a day that is none."""
    rules = Rules(programme, None)
    [profile] = programme.import_profiles
    faults: dict[int, tuple[RowError, ...]] = {}
    number = 0
    for row in read_rows((root / "docs/examples/acme-export.csv").read_bytes(), CSV, ProfileMapper(profile), NewAudit):
        number = row.number
        if errors := row.errors if row.content is None else rules.check(row.content):
            faults[number] = errors

    assert number == 420
    assert {row: [error.code for error in errors] for row, errors in faults.items()} == {
        118: ["unknown_queue"],
        289: ["not_a_time"],
    }


def test_the_readme_names_examples_that_are_there(root: Path) -> None:
    """Every file under docs/examples that a command of the README names exists."""
    named = set(re.findall(r"docs/examples/[\w-]+\.(?:yaml|csv)(?!\.)", (root / "README.md").read_text()))

    assert len(named) == 2
    assert [name for name in named if not (root / name).is_file()] == []
