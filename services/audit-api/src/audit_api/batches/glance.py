"""A glance at a row: nearly all are so plain that nothing in them needs a closer look.

Validation takes most of the time of a batch, and nearly all rows are of one kind: how the decision stands they say in words with
which a row was taken before, and beside these are names, times in whole seconds of UTC, and a comment. Such a row is taken at a
glance. Whatever is not as plain, right or wrong, is left to validation: a glance takes nothing that validation would not take,
and takes it for the same.
"""

import re
from collections.abc import Callable
from datetime import datetime
from operator import itemgetter
from typing import Any

import orjson

from audit_api.audits.judging import CONTENT, WORDS, Rules

Values = tuple[Any, ...]
Glance = Callable[[bytes], Values | None]
"""Takes a line of NDJSON; answers the `content` of its row, or None where it needs a closer look."""

_UNSAID: dict[str, Any] = {
    "automated_detection": False,
    "automated_decision": False,
    "audit_party": "client",
    **dict.fromkeys(
        ("claimed_at", "handling_time_s", "stratum", "inclusion_probability", "error_class", "error_code", "severity")
    ),
    **dict.fromkeys(("attributable_to", "comment")),
}
_PLAIN = CONTENT[:-2]  # without render hints and scorecard
_FIELDS = frozenset(_PLAIN)
_content, _words = itemgetter(*_PLAIN), itemgetter(*WORDS)
_names = itemgetter("external_id", "content_ref", "moderator", "auditor")
_times = itemgetter("claimed_at", "decided_at", "audited_at")
_PARTIES = frozenset({"client", "vendor"})
_TWO_OR_THREE_TIMES = re.compile(r"(?:\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ){2,3}", re.ASCII)
_EARLIEST = "1000-01-01T00:00:00Z"
_LONGEST_NAMES, _LONGEST_COMMENT, _LONGEST_TIME_S = 200, 4000, 604_800


def glance_by(rules: Rules) -> Glance:
    """A glance by the rules of a programme, and by the words of the rows that they have taken so far."""
    latest = f"{rules.latest:%Y-%m-%dT%H:%M:%S}Z"

    def glance(line: bytes) -> Values | None:
        try:
            row = _UNSAID | orjson.loads(line)
            plain = rules.know(_words(row)) and len(row) == len(_FIELDS)
            return (*_content(row), (), None) if plain and _rest_is_plain(row, latest) else None
        except (ValueError, TypeError, KeyError):  # no JSON, no object, or something else than what is expected in it
            return None

    return glance


def _rest_is_plain(row: dict[str, Any], latest: str) -> bool:
    """Whether everything but the words is plain. Times are in the order of their texts, since all are of one form."""
    names, times, seconds, comment = _names(row), _times(row), row["handling_time_s"], row["comment"]
    if times[0] is None:
        times = times[1:]
    named = "".join(names)
    plain = (
        all(names)
        and len(named) <= _LONGEST_NAMES
        and named.isprintable()
        and _TWO_OR_THREE_TIMES.fullmatch("".join(times)) is not None
        and _EARLIEST < times[-2] <= times[-1] <= latest
        and times[0] <= times[-1]
        and row["audit_party"] in _PARTIES
        and type(row["automated_detection"]) is type(row["automated_decision"]) is bool
        and (seconds is None or (type(seconds) is int and 0 <= seconds <= _LONGEST_TIME_S))
        and (comment is None or (type(comment) is str and 0 < len(comment) <= _LONGEST_COMMENT and "\x00" not in comment))
        and row["stratum"] is row["inclusion_probability"] is None
    )
    if plain:
        for time in times:
            datetime.fromisoformat(time)  # fails for a day or an hour that there is not
    return plain
