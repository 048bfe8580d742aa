"""A glance at a row: nearly all are so plain that nothing in them needs a closer look.

Validation takes most of the time of a batch, and nearly all rows are of one kind: how the decision stands they say in words with
which a row was taken before, and beside these are names, times in whole seconds of UTC, and a comment. Such a row is taken at a
glance. Whatever is not as plain, right or wrong, is left to validation: a glance takes nothing that validation would not take,
and takes it for the same.
"""

import re
from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Literal

from msgspec import DecodeError, Meta, Struct
from msgspec.json import Decoder
from msgspec.structs import astuple

from audit_api.audits.judging import WORDS, Rules

Values = tuple[Any, ...]
Glance = Callable[[bytes], Values | None]
"""Takes a line of NDJSON; answers the `content` of its row, or None where it needs a closer look."""


class PlainRow(Struct, kw_only=True, forbid_unknown_fields=True, gc=False):
    """A row as its line has it: the fields of its `content`, but for hints and scorecard, in their order."""

    external_id: str
    vendor: str
    content_ref: str
    site: str
    queue: str
    market: str
    language: str
    moderator: str
    decided_at: str
    action: str
    policy: str
    automated_detection: bool = False
    automated_decision: bool = False
    auditor: str
    audit_party: Literal["client", "vendor"] = "client"
    claimed_at: str | None = None
    audited_at: str
    handling_time_s: Annotated[int, Meta(ge=0, le=604_800)] | None = None
    stratum: None = None
    inclusion_probability: None = None
    benchmark_action: str
    benchmark_policy: str
    verdict: str
    error_class: str | None = None
    error_code: str | None = None
    severity: str | None = None
    attributable_to: str | None = None
    comment: Annotated[str, Meta(min_length=1, max_length=4000)] | None = None


_read = Decoder(PlainRow).decode
_words = attrgetter(*WORDS)
_TWO_OR_THREE_TIMES = re.compile(r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ){2,3}", re.ASCII)
_EARLIEST = "1000-01-01T00:00:00Z"
_LONGEST_NAMES = 200


def glance_by(rules: Rules) -> Glance:
    """A glance by the rules of a programme, and by the words of the rows that they have taken so far."""
    latest = f"{rules.latest:%Y-%m-%dT%H:%M:%S}Z"

    def glance(line: bytes) -> Values | None:
        try:
            row = _read(line)
            return (*astuple(row), (), None) if rules.know(_words(row)) and _rest_is_plain(row, latest) else None
        except (DecodeError, ValueError):  # no JSON, or something else than what is expected in it; a day that there is not
            return None

    return glance


def _rest_is_plain(row: PlainRow, latest: str) -> bool:
    """Whether everything but the words is plain. Times are in the order of their texts, since all are of one form."""
    names = row.external_id, row.content_ref, row.moderator, row.auditor
    claimed, decided, audited = row.claimed_at, row.decided_at, row.audited_at
    times = (decided, audited) if claimed is None else (claimed, decided, audited)
    named, comment = "".join(names), row.comment
    plain = (
        all(names)
        and len(named) <= _LONGEST_NAMES
        and named.isprintable()
        and _TWO_OR_THREE_TIMES.fullmatch("".join(times)) is not None
        and _EARLIEST < decided <= audited <= latest
        and _EARLIEST < times[0] <= audited
        and (comment is None or "\x00" not in comment)
    )
    if plain:
        for time in times:
            datetime.fromisoformat(time)  # fails for a day or an hour that there is not
    return plain
