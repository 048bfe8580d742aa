"""The form about an auditor: what it brings, read as an auditor, and an auditor as they stand in the form."""

from collections.abc import Iterator
from typing import Any

from audit_api.pages.plan_form import choices
from tallystick.schemas.programme import Programme, Weekday
from tallystick.schemas.staffing import NewAuditor
from tallystick.service.pages.forms import Fields, Form, written

MOST_ABSENCES = 100
_FURTHER = 3
"""Rows for absences that are still empty."""
_WITHOUT_A_NAME = NewAuditor.model_construct(name="")


def read_auditor(fields: Fields) -> NewAuditor:
    """The auditor that a form says. A day without minutes has none, an absence without a last day is of one day."""
    moderators = [line.strip() for line in (fields.get("moderators") or "").splitlines() if line.strip()]
    return written(
        NewAuditor,
        **{name: fields.get(name) for name in ("name", "team", "active")},
        **{name: fields.all(name) for name in ("languages", "policies")},
        minutes={day: fields.get(f"minutes_{day}") or 0 for day in Weekday},
        absences=list(_absences(fields)),
        conflicts={"moderators": moderators, **{name: fields.all(name) for name in ("sites", "vendors")}},
    )


def _absences(fields: Fields) -> Iterator[dict[str, Any]]:
    for row in range(MOST_ABSENCES + _FURTHER):
        first, last = (fields.get(f"absence_{which}_{row}") for which in ("first", "last"))
        if first or last:
            yield {name: day for name, day in (("first_day", first), ("last_day", last or first)) if day}


def filled_in(auditor: NewAuditor | None) -> Fields:
    """What stands in the form about an auditor, or, without one, about a new one."""
    person = auditor or _WITHOUT_A_NAME
    conflicts = person.conflicts
    texts = [("name", person.name), ("active", str(person.active).lower())]
    if person.team is not None:
        texts.append(("team", person.team))
    if conflicts.moderators:
        texts.append(("moderators", "\n".join(conflicts.moderators)))
    lists = {"languages": person.languages, "policies": person.policies, "sites": conflicts.sites, "vendors": conflicts.vendors}
    texts += [(name, each) for name, values in lists.items() for each in values]
    texts += [(f"minutes_{day}", str(person.minutes.get(day, 0))) for day in Weekday]
    for row, absence in enumerate(person.absences):
        texts += [(f"absence_first_{row}", str(absence.first_day)), (f"absence_last_{row}", str(absence.last_day))]
    return Fields(tuple(texts))


def absence_rows(form: Form) -> range:
    """The rows for absences: those that are filled in, and some more."""
    rows = range(MOST_ABSENCES + _FURTHER)
    last = max((row for row in rows if form.value(f"absence_first_{row}") or form.value(f"absence_last_{row}")), default=-1)
    return rows[: last + 1 + _FURTHER]


def skills(document: Programme, form: Form) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen by field. What the form says and nobody knows any more is among it."""
    sites = [f"{vendor.slug}/{site}" for vendor in document.vendors for site in vendor.sites]
    known: dict[str, dict[str, str]] = {
        "languages": {each: each for each in document.languages},
        "policies": {each.code: each.name for each in document.policy_set.policies},
        "vendors": {each.slug: each.name for each in document.vendors},
        "sites": {each: each for each in sites},
    }
    return {name: choices(words, form.values(name)) for name, words in known.items()}
