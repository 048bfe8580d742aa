"""`tallystick programme`."""

import io
import json
from pathlib import Path
from typing import Any

import orjson
import pytest

from shared.cli.conftest import Command
from shared.client.stub import Answer, Seen, Stub, json_answer, problem
from tallystick.cli.programmes import render
from tallystick.documents import load
from tallystick.schemas.programme import Programme

DOCUMENT = """\
slug: demo
name: Demo
time_zone: Europe/Oslo
vendors:
  - {slug: acme, name: Acme, sites: [oslo]}
markets: [DE, NO]
policy_set:
  version: 2026-09-01
  policies:
    - {code: spam, name: Spam}
error_taxonomy: {version: "1.0"}
targets: {accuracy: 0.9}
import_profiles:
  - slug: bpo
    columns: {external_id: ticket_id, action: "decision"}
    values: {automated_detection: {"yes": true, "no": false, "": null}}
"""


class Programmes:
    """A service that keeps one programme."""

    def __init__(self) -> None:
        self.revision = 0
        self.document: dict[str, Any] = {}

    def __call__(self, seen: Seen) -> Answer:
        assert seen.path == "/audit/v1/programmes/demo"
        if seen.method == "PUT":
            if self.revision and seen.headers.get("if-match") != f'"{self.revision}"':
                return problem(412, "precondition-failed")
            self.revision += 1
            self.document = orjson.loads(seen.body)
        if not self.revision:
            return problem(404, "not-found")
        return json_answer(
            {
                "revision": self.revision,
                "changed_at": "2026-09-01T00:00:00Z",
                "changed_by": "tests",
                "document": self.document,
            }
        )


@pytest.fixture
def service(stub: Stub) -> Programmes:
    stub.handle = service = Programmes()
    return service


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "demo.yaml"
    path.write_text(DOCUMENT)
    return path


def test_a_programme_is_created_and_shown(tallystick: Command, service: Programmes, file: Path) -> None:
    """Every line of the document is new."""
    ran = tallystick("programme", "apply", file)

    assert ran.code == 0
    assert "+time_zone: Europe/Oslo" in ran.out
    assert "Created programme demo." in ran.err
    assert service.document["markets"] == ["DE", "NO"]
    assert service.document["policy_set"]["version"] == "2026-09-01"


def test_a_change_is_shown_before_the_revision_that_it_makes(tallystick: Command, service: Programmes, file: Path) -> None:
    """The revision that was read is the one that is replaced."""
    tallystick("programme", "apply", file)
    file.write_text(DOCUMENT.replace("accuracy: 0.9", "accuracy: 0.95"))

    ran = tallystick("programme", "apply", file)

    assert "-  accuracy: 0.9\n+  accuracy: 0.95\n" in ran.out
    assert "now at revision 2" in ran.err
    assert service.document["targets"]["accuracy"] == 0.95


def test_a_document_that_says_nothing_new_changes_nothing(
    tallystick: Command, service: Programmes, stub: Stub, file: Path
) -> None:
    """It can be applied by a machine, again and again."""
    tallystick("programme", "apply", file)
    stub.seen.clear()

    ran = tallystick("programme", "apply", file)

    assert "stands at revision 1" in ran.err
    assert [seen.method for seen in stub.seen] == ["GET"]
    assert service.revision == 1


def test_a_dry_run_shows_what_would_change(tallystick: Command, service: Programmes, file: Path) -> None:
    """And changes nothing."""
    ran = tallystick("programme", "apply", file, "--dry-run")

    assert "+slug: demo" in ran.out
    assert service.revision == 0


def test_what_is_shown_can_be_applied(tallystick: Command, service: Programmes, file: Path) -> None:
    """The document survives the way out and in: it can be kept in version control."""
    tallystick("programme", "apply", file)
    shown = tallystick("programme", "show", "demo").out
    file.write_text(shown)

    ran = tallystick("programme", "apply", file)

    assert ran.out == ""
    assert service.revision == 1


def test_a_document_may_come_from_standard_input(
    tallystick: Command, service: Programmes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """JSON is YAML too."""
    document = Programme.model_validate(load(DOCUMENT))
    monkeypatch.setattr("sys.stdin", io.StringIO(document.model_dump_json()))

    tallystick("programme", "apply", "-")

    assert service.document == json.loads(document.model_dump_json())


def test_mistakes_in_a_document_are_named_by_their_place(tallystick: Command, stub: Stub, file: Path) -> None:
    """Before anything is sent."""
    file.write_text(DOCUMENT.replace("slug: acme", "slug: ACME").replace("accuracy: 0.9", "accuracy: 90"))

    ran = tallystick("programme", "apply", file)

    assert ran.code == 1
    assert "/vendors/0/slug: " in ran.err
    assert "/targets/accuracy: " in ran.err
    assert stub.seen == []


@pytest.mark.parametrize("content", ["a: [", "a: !!python/object:os.system {}", "\x00"])
def test_a_file_that_is_no_yaml_is_told(tallystick: Command, file: Path, content: str) -> None:
    """With the place where it stops being one."""
    file.write_text(content)

    ran = tallystick("programme", "apply", file)

    assert ran.code == 1
    assert "is not YAML" in ran.err


def test_a_file_that_is_not_there_is_told(tallystick: Command) -> None:
    """By its name."""
    ran = tallystick("programme", "apply", "nowhere.yaml")

    assert ran.code == 1
    assert "nowhere.yaml" in ran.err


def test_a_document_is_written_as_every_reader_of_yaml_understands_it() -> None:
    """Words that YAML 1.1 takes for truth values are quoted, `null` in a map of values is kept."""
    document = Programme.model_validate(load(DOCUMENT))

    written = render(document)

    assert "- 'NO'" in written
    assert Programme.model_validate(load(written)) == document


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("NO", "NO"),
        ("on", "on"),
        ("12:30", "12:30"),
        ("2026-09-01", "2026-09-01"),
        ("007", "007"),
        ("12", 12),
        ("true", True),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("-0", 0),
        ("~", None),
        ("", None),
    ],
)
def test_yaml_is_read_as_version_1_2_reads_it(text: str, value: object) -> None:
    """A market called NO is Norway."""
    assert load(text) == value
