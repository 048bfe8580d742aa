"""The stage: where the new rows of a chunk stand before they are merged, as COPY reads them.

The canonical form of a row, which its hash is made of, is a JSON array in one line. But for what JSON escapes it is a record of
CSV as well, with a backslash as the escape, so a row is written once for both, and no value goes through the driver by itself.
"""

import hashlib
import re
from collections.abc import AsyncIterator, Iterable
from importlib.resources import files
from typing import Any, NamedTuple

import asyncpg
import orjson
from uuid_utils import uuid7

from audit_api.audits.judging import CONTENT, canonical, quality_score
from tallystick.schemas.audit import Criterion, NewAudit, RenderHint

_OPEN = files(__package__).joinpath("stage.sql").read_text()
_AT_THE_END = ("render_hints", "scorecard")  # in a form of their own: JSON has brackets for them
_SENT = CONTENT[: -len(_AT_THE_END)]
_COLUMNS = (*_SENT, "batch_row", "id", "content_hash", *_AT_THE_END, "quality_score")
_ESCAPED = re.compile(rb'\\(?:u[0-9a-f]{4}|[^"\\u])|\\["\\]')


class _End(NamedTuple):
    """How many bytes the end of a row has in canonical form, and what is staged in its place: hints, scorecard and score."""

    length: int
    staged: str


_PLAIN = _End(len(b",[],null]"), "{},null,null")


class Record(NamedTuple):
    """A row that is to become an audit, without the validated model of it."""

    number: int
    name: tuple[str, str]
    """External id and vendor."""
    id: str
    """Of the audit, if it is new."""
    content_hash: bytes
    row: bytes
    """In canonical form."""
    end: _End

    @property
    def audit(self) -> NewAudit:
        """The audit as it was sent."""
        return audit_of(orjson.loads(self.row))


def audit_of(values: Iterable[Any]) -> NewAudit:
    """The audit that the values of a row's `content` make."""
    return NewAudit.model_validate(dict(zip(CONTENT, values, strict=True)))


def record(number: int, name: tuple[str, str], values: tuple[Any, ...]) -> Record:
    """The record of a row by the values of its `content`, which begin with its name."""
    row = canonical(values)
    hints, scorecard = values[-2:]
    end = _PLAIN if not hints and scorecard is None else _end(hints, scorecard)
    return Record(number, name, str(uuid7()), hashlib.sha256(row).digest(), row, end)


def _end(hints: tuple[RenderHint, ...], scorecard: tuple[Criterion, ...] | None) -> _End:
    length = len(orjson.dumps((hints, scorecard), default=dict))
    words = ",".join(hints)
    if scorecard is None:
        return _End(length, f'"{{{words}}}",null,null')
    lines = orjson.dumps(scorecard, default=dict).decode().replace("\\", "\\\\").replace('"', '\\"')
    return _End(length, f'"{{{words}}}","{lines}",{orjson.dumps(quality_score(scorecard)).decode()}')


def _line(new: Record) -> bytes:
    """A record of CSV, in the order of `_COLUMNS`."""
    number, _, audit_id, digest, row, (length, end) = new
    sent = row[1:-length]
    if b"\\" in sent:
        sent = _ESCAPED.sub(_raw, sent)
    return sent + f",{number},{audit_id},\\x{digest.hex()},{end}\n".encode()


def _raw(escape: re.Match[bytes]) -> bytes:
    """CSV escapes quotes and backslashes alone: every other character stands there as it is, between quotes."""
    found = escape[0]
    return found if found in {b'\\"', b"\\\\"} else str(orjson.loads(b'"%b"' % found)).encode()


async def open_stage(driver: asyncpg.Connection) -> None:
    """Make the stage, if this connection has none yet. It is empty then: with every transaction it ends empty."""
    await driver.execute(_OPEN)


def lines(records: Iterable[Record]) -> bytes:
    """Records as the stage takes them."""
    return b"".join(map(_line, records))


async def stage(driver: asyncpg.Connection, staged: bytes) -> None:
    """Put the `lines` of records on the stage."""
    form: dict[str, Any] = {"format": "csv", "quote": '"', "escape": "\\", "null": "null", "encoding": "utf-8"}
    await driver.copy_to_table("audit_stage", source=_in_one_piece(staged), columns=_COLUMNS, **form)


async def _in_one_piece(staged: bytes) -> AsyncIterator[bytes]:
    """The driver reads a file in a thread, which would wait for its turn among what is judged meanwhile."""
    yield staged
