"""A glance at a row takes nothing that validation would not, and takes it for the same."""

from typing import Any

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from audit_api.audits.judging import CONTENT, Rules, canonical, content
from audit_api.batches.glance import PlainRow, glance_by
from factories import audit_row, programme_document
from tallystick.schemas.audit import NewAudit
from tallystick.schemas.programme import Programme

WRONG = {"verdict": "incorrect", "error_class": "false_positive", "error_code": "FP-HARASS", "severity": "major"}
ODD: tuple[Any, ...] = (
    *(None, True, 0, 1, -1, 1.0, 604_801, 2**63, "", " ", "x" * 201, "\x00", "\x7f", "\u2028", "é", [], {}, ["a"]),
    *("true", "correct", "incorrect", "client", "nobody", "acme", "2026-09-01T10:00:00Z", "2026-09-01T10:00:00+02:00"),
    *("2026-09-01T10:00:00.5Z", "2026-09-31T10:00:00Z", "2026-W36-2T10:00:00Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    *("2026-09-01T23:59:60Z", "2026-09-01 10:00:00Z", "2030-01-01T00:00:00Z", "2026-09-01T10:00:00Z2026-09-01T10:00:00Z"),
)
FIELDS = (*NewAudit.model_fields, "unknown")


@pytest.fixture(scope="module")
def rules() -> Rules:
    """The rules of a programme that have taken a right and a wrong row."""
    rules = Rules(Programme.model_validate(programme_document("glance")), None)
    for row in (audit_row("A-1"), audit_row("A-2", **WRONG)):
        assert rules.check(NewAudit.model_validate(row)) == ()
    return rules


def taken(rules: Rules, line: bytes) -> NewAudit:
    """The row by validation; fails where that does not take it."""
    audit = NewAudit.model_validate_json(line)
    assert rules.check(audit) == ()
    return audit


def test_a_plain_row_has_the_content_of_a_row_in_its_order_but_for_hints_and_scorecard() -> None:
    """They come last, and stand for nothing where a row is plain."""
    assert (*PlainRow.__struct_fields__, "render_hints", "scorecard") == CONTENT


@example(wrong=False, odd={"claimed_at": "0001-01-01T00:00:00Z"})
@given(wrong=st.booleans(), odd=st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(ODD), max_size=2))
def test_what_a_glance_takes_validation_takes_for_the_same(rules: Rules, wrong: bool, odd: dict[str, Any]) -> None:
    """Whatever stands in a row."""
    line = orjson.dumps({**audit_row("A-3", **(WRONG if wrong else {})), **odd}, option=orjson.OPT_PASSTHROUGH_DATETIME)
    values = glance_by(rules)(line)

    assert values is None or canonical(values) == canonical(content(taken(rules, line)))


@pytest.mark.parametrize(
    "more",
    [{}, WRONG, {"comment": 'Quoted "twice".\n'}, {"handling_time_s": 40}, {"claimed_at": "2026-08-03T09:00:00Z"}],
)
def test_plain_rows_are_taken_at_a_glance(rules: Rules, more: dict[str, Any]) -> None:
    """Or a glance would serve nothing."""
    line = orjson.dumps({**audit_row("A-4"), **more})

    assert glance_by(rules)(line) is not None


def test_words_that_no_row_was_taken_with_get_a_closer_look(rules: Rules) -> None:
    """They may be unknown to the programme, or contradict each other."""
    line = orjson.dumps({**audit_row("A-5"), "verdict": "incorrect"})

    assert glance_by(rules)(line) is None


@pytest.mark.parametrize(
    "line", [b"", b"[]", b"7", b"{", b'"x"', b"\xff", rb'{"external_id": "\ud800"}', b"null", b"[[]]"], ids=str
)
def test_what_is_no_row_gets_a_closer_look(rules: Rules, line: bytes) -> None:
    """Validation says what is wrong with it."""
    assert glance_by(rules)(line) is None
