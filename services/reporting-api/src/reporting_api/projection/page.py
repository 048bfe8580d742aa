"""Reading a page of audit-api's feed: its audits in columns, and everything else as it came."""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

import msgspec

from tallystick.client import FeedPage
from tallystick.service.days import day_of


class _Judgement(msgspec.Struct, gc=False):
    verdict: str
    error_class: str | None
    error_code: str | None
    severity: str | None
    quality_score: float | None


class _Audit(msgspec.Struct, gc=False):
    """What is read of an audit, in the order in which `apply.sql` takes it, with the day in the place of the moment."""

    audited_at: Annotated[datetime, msgspec.Meta(tz=True)]
    vendor: str
    site: str
    queue: str
    market: str
    language: str
    policy: str
    audit_party: str
    automated_detection: bool
    error_class: str | None
    error_code: str | None
    severity: str | None
    moderator: str | None
    auditor: str | None
    verdict: str
    quality_score: float | None
    handling_time_s: int | None
    stratum: str | None
    inclusion_probability: float | None
    first_scored: _Judgement | None


class _Change(msgspec.Struct, gc=False):
    noun: str
    id: str
    position: int
    revision: int
    data: msgspec.Raw


FIELDS = tuple(f"audit.{name}" for name in _Audit.__struct_fields__)
"""What is asked for of the audits on the feed."""

_changes = msgspec.json.Decoder(list[_Change]).decode
_audit = msgspec.json.Decoder(_Audit).decode
_PLACE = attrgetter("id", "position")
_NOW = attrgetter(*(name for name in _Audit.__struct_fields__ if name not in {"audited_at", "first_scored"}))
_FIRST = attrgetter(*_Judgement.__struct_fields__)
_UNCHANGED = (None,) * len(_Judgement.__struct_fields__)
_SEPARATOR = "\x1f"
"""No name on the wire can hold it."""


class Audits(NamedTuple):
    """The audits of a page as `apply.sql` takes them."""

    columns: Sequence[str]
    """The values of each column in one text, which is several times faster than arrays; empty where there are none."""
    changed: bool
    """Whether some have changed since they were taken in: most likely they are known."""


class Changes(NamedTuple):
    """What has changed, by how it is applied."""

    audits: Audits | None
    others: list[dict[str, Any]]


def read_changes(page: FeedPage, time_zone: str) -> Changes:
    """The changes of a page, audits with their days in a time zone. One that stands there more than once counts as last.

    An erased audit is on the feed like any other, with nobody's name in it: it keeps counting.

    Raises:
        msgspec.ValidationError: audit-api speaks another language.
    """
    audits: dict[str, _Change] = {}
    others = []
    for change in _changes(page.content):
        if change.noun == "audit":
            audits[change.id] = change
        else:
            others.append({**msgspec.structs.asdict(change), "data": msgspec.json.decode(change.data)})
    return Changes(_in_columns(list(audits.values()), time_zone) if audits else None, others)


def _in_columns(changes: Sequence[_Change], time_zone: str) -> Audits:
    audits = [_audit(change.data) for change in changes]
    days = [day_of(audit.audited_at, time_zone).isoformat() for audit in audits]
    first = [_UNCHANGED if audit.first_scored is None else _FIRST(audit.first_scored) for audit in audits]
    rows = (map(_PLACE, changes), zip(days, strict=True), map(_NOW, audits), first)
    columns = [_joined(values) for part in rows for values in zip(*part, strict=True)]
    return Audits(columns, any(change.revision > 1 for change in changes))


def _joined(values: Sequence[Any]) -> str:
    if values.count(None) == len(values):
        return ""
    try:
        return _SEPARATOR.join(values)
    except TypeError:  # not all of them are text
        return _SEPARATOR.join(["" if value is None else str(value) for value in values])
