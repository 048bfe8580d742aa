"""What all wire models have in common."""

from collections.abc import Iterator
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import pytest
from pydantic import ValidationError

from tallystick import schemas
from tallystick.schemas.audit import NewAudit
from tallystick.schemas.base import Wire, told
from tallystick.schemas.sampling import NewSamplingPlan
from tallystick.schemas.staffing import NewAuditor, NewStaffingPlan

WEEK = {"first_day": "2026-11-30", "last_day": "2026-12-04"}
PLAN = {"title": "Everyday", "starts_on": "2026-11-30", "allocation": {"kind": "fixed", "each": 5}}


@pytest.mark.parametrize(
    ("model", "document", "place"),
    [
        (NewAuditor, {"name": "Ana", "active": "yes"}, ("active",)),
        (NewAuditor, {"name": "Ana", "active": 1}, ("active",)),
        (NewAuditor, {"name": "Ana", "minutes": {"monday": "60"}}, ("minutes", "monday")),
        (NewAuditor, {"name": "Ana", "minutes": {"monday": True}}, ("minutes", "monday")),
        (NewStaffingPlan, {**WEEK, "fair": "1.5"}, ("fair",)),
        (NewSamplingPlan, {**PLAN, "priority": "1"}, ("priority",)),
        (NewSamplingPlan, {**PLAN, "budget": {"audits": "5"}}, ("budget", "audits")),
        (NewSamplingPlan, {**PLAN, "scope": {"automated_decision": "no"}}, ("scope", "automated_decision")),
        (NewSamplingPlan, {**PLAN, "allocation": {"kind": "fixed", "each": "5"}}, ("allocation", "fixed", "each")),
    ],
)
def test_text_is_taken_for_no_number_and_nothing_else_for_a_flag(
    model: type[Wire], document: dict[str, Any], place: tuple[str, ...]
) -> None:
    """Wherever it stands in a document. A form, where all is text, is read with `strict=False`."""
    with pytest.raises(ValidationError) as refused:
        model.model_validate(document)

    assert [error["loc"] for error in refused.value.errors()] == [place]
    assert model.model_validate(document, strict=False)


def test_what_json_writes_alike_is_alike() -> None:
    """2 is a number as 2.0 is, 5.0 is a whole one as 5 is, and days are told as text."""
    assert NewStaffingPlan.model_validate({**WEEK, "fair": 2}).fair == 2
    assert NewSamplingPlan.model_validate({**PLAN, "priority": 5.0}).priority == 5
    with pytest.raises(ValidationError):
        NewSamplingPlan.model_validate({**PLAN, "priority": 5.5})


@pytest.mark.parametrize(
    ("model", "document", "place", "wanted"),
    [
        (NewStaffingPlan, {**WEEK, "first_day": 1_795_996_800}, "first_day", "a day such as 2026-09-01"),
        (NewStaffingPlan, {**WEEK, "first_day": "1795996800"}, "first_day", "a day such as 2026-09-01"),
        (NewAudit, {"decided_at": 1_795_996_800}, "decided_at", "a time with its offset such as 2026-09-01T10:00:00Z"),
        (NewAudit, {"decided_at": 1.5}, "decided_at", "a time with its offset such as 2026-09-01T10:00:00Z"),
        (NewAudit, {"decided_at": "-1.5"}, "decided_at", "a time with its offset such as 2026-09-01T10:00:00Z"),
    ],
)
def test_no_number_is_taken_for_a_time(model: type[Wire], document: dict[str, Any], place: str, wanted: str) -> None:
    """Neither in JSON nor in a form or a file, where a number is text: the seconds since 1970 are nobody's day."""
    for strict in (None, False):
        with pytest.raises(ValidationError) as refused:
            model.model_validate(document, strict=strict)
        faults = {str(error["loc"][0]): told(error) for error in refused.value.errors()}
        assert faults[place] == f"Input should be {wanted}"


def _models(base: type[Wire] = Wire) -> Iterator[type[Wire]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def test_every_pattern_is_told_in_words() -> None:
    """To people at forms and at the command, and in every problem: no regular expression is shown to anybody."""
    for module in iter_modules(schemas.__path__):
        import_module(f"{schemas.__name__}.{module.name}")
    patterns = {each for model in _models() for each in _patterns(model.model_json_schema())}
    silent = [each for each in patterns if (message := f"String should match pattern '{each}'") == told({"msg": message})]

    assert len(patterns) > 5
    assert silent == []


def _patterns(part: object) -> Iterator[str]:
    if isinstance(part, dict):
        if part.get("type") == "string" and isinstance(found := part.get("pattern"), str):
            yield found
        for inner in part.values():
            yield from _patterns(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _patterns(inner)
