"""The examples of the first batch do what the README says of them."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from audit_api.appeals.columns import AppealColumns
from audit_api.audits.judging import Rules
from audit_api.batches.profiles import ProfileMapper
from audit_api.batches.reading import CSV, read_rows
from tallystick import documents
from tallystick.cli.auditors import AuditorsFile
from tallystick.cli.calibration import NumberedBenchmark, SessionFile
from tallystick.cli.documents import read_rows as read_rows_of
from tallystick.schemas.appeal import NewAppeal
from tallystick.schemas.audit import NewAudit, RowError
from tallystick.schemas.calibration import NumberedRating
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


def test_the_appeals_of_the_example_are_of_audits_with_these_errors(root: Path, programme: Programme) -> None:
    """Each names a row that was found wrong, on a ground of the programme, and proposes something else."""
    [profile] = programme.import_profiles
    export = (root / "docs/examples/acme-export.csv").read_bytes()
    wrong = {
        row.content.external_id
        for row in read_rows(export, CSV, ProfileMapper(profile), NewAudit)
        if row.content and row.content.verdict == "incorrect"
    }
    appeals = list(read_rows((root / "docs/examples/acme-appeals.csv").read_bytes(), CSV, AppealColumns(), NewAppeal))

    assert [row.errors for row in appeals] == [()] * 4
    contents = [row.content for row in appeals if row.content]
    assert {appeal.external_id for appeal in contents} <= wrong
    assert {appeal.ground for appeal in contents} <= {ground.code for ground in programme.appeals.grounds}


def test_the_ratings_of_the_example_are_of_its_session(root: Path) -> None:
    """Raters and benchmarks choose from the scale, and only of items that there are; it can be opened for years to come."""
    examples = root / "docs/examples"
    session = SessionFile.model_validate(documents.load((examples / "calibration.yaml").read_text()))
    names = [rater.subject for rater in session.raters]
    ratings = [row for name in names for row in read_rows_of(examples / f"calibration-{name}.csv", NumberedRating)]
    benchmarks = read_rows_of(examples / "calibration-benchmarks.csv", NumberedBenchmark)

    assert [row.number for row in benchmarks] == list(range(1, len(session.items) + 1))
    assert {row.number for row in ratings} <= {row.number for row in benchmarks}
    assert {row.value for row in ratings} | {row.value for row in benchmarks} <= set(session.scale.categories)
    assert session.deadline > datetime.now(UTC) + timedelta(days=3650)


def test_the_auditors_of_the_example_are_such_as_its_programme_takes(root: Path, programme: Programme) -> None:
    """One of them signs in as the README has it, and they name languages, policies and sites that there are."""
    found = AuditorsFile.model_validate(documents.load((root / "docs/examples/auditors.yaml").read_text())).auditors
    sites = {f"{vendor.slug}/{site}" for vendor in programme.vendors for site in vendor.sites}

    assert "lea" in found
    assert {each for new in found.values() for each in new.languages} <= set(programme.languages)
    assert {each for new in found.values() for each in new.policies} <= {each.code for each in programme.policy_set.policies}
    assert {each for new in found.values() for each in new.conflicts.sites} <= sites


def test_the_readme_names_examples_that_are_there(root: Path) -> None:
    """Every file under docs/examples that a command of the README names exists."""
    named = set(re.findall(r"docs/examples/[\w-]+\.(?:yaml|csv)(?!\.)", (root / "README.md").read_text()))

    assert len(named) == 8
    assert [name for name in named if not (root / name).is_file()] == []
