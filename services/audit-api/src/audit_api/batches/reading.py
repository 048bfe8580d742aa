"""Reading the rows of a batch: NDJSON, a JSON array or CSV, one row at a time, each valid by its shape or with its faults.

What a row is to become is said by a wire model; what its columns are called may be said by a mapper.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import orjson
from pydantic import BaseModel, ValidationError

from audit_api.batches.glance import Glance
from tallystick.schemas.audit import RowError
from tallystick.schemas.problem import ProblemError
from tallystick.service.problems import InvalidRequest, MalformedRequest, UnsupportedMediaType, problem_errors

NDJSON, JSON, CSV = "application/x-ndjson", "application/json", "text/csv"
MEDIA_TYPES = (NDJSON, JSON, CSV)
_WHITESPACE = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_decode = json.JSONDecoder().raw_decode
_BOM = b"\xef\xbb\xbf"
_REFERENCE_LENGTH = 200
_MOST_FAULTS = 10
_FAULTS_NAMED = 5
_MOST_SORTED = 100
_MOST_COLUMNS = 1000
LONGEST_ROW = 131_072
"""In bytes or, in an array or CSV, characters. A row takes many times as much memory while it is read."""
_FIRST_LOOK = 4096
_TOO_LONG = RowError(pointer="", code="line_too_long", detail=f"A line has at most {LONGEST_ROW} bytes.")
_NO_JSON = RowError(pointer="", code="json_invalid", detail="The line is not valid JSON.")


Model = TypeVar("Model", bound=BaseModel)


class Mapper(Protocol):
    """Turns a row in others' words into one in ours."""

    def column_is_known(self, column: str) -> bool:
        """Whether the column maps to a field, or is ignored on purpose."""

    def map(self, row: dict[str, Any]) -> tuple[dict[str, Any], list[RowError]]:
        """Our fields, and what could not be mapped."""


class Row(NamedTuple, Generic[Model]):
    """A data row of a batch, counted from 1: what it says, in a model or in plain values, or what keeps it from saying it."""

    number: int
    external_id: str | None
    content: Model | None
    errors: tuple[RowError, ...]
    values: tuple[Any, ...] | None = None
    """Of a row that was taken at a glance."""


def read_rows(
    body: bytes, media_type: str, mapper: Mapper | None, model: type[Model], glance: Glance = lambda _line: None
) -> Iterator[Row[Model]]:
    """The rows of a body. Lines of NDJSON in our own words are validated if a glance does not take them.

    Raises a problem where the body as a whole cannot be read.
    """
    kind = media_kind(media_type)
    if kind == NDJSON:
        return _ndjson(body.removeprefix(_BOM), mapper, model, glance)
    if kind == JSON:
        return _json(body.removeprefix(_BOM), mapper, model)
    if kind == CSV:
        return _csv(body.removeprefix(_BOM), mapper, model)
    raise UnsupportedMediaType(f"A batch is sent as {', '.join(MEDIA_TYPES)}.")


def media_kind(media_type: str) -> str:
    """The kind of body that a `Content-Type` names, without its parameters."""
    return media_type.partition(";")[0].strip().lower()


def _ndjson(body: bytes, mapper: Mapper | None, model: type[Model], glance: Glance) -> Iterator[Row[Model]]:
    number = 0
    for piece in io.BytesIO(body):
        line = piece.strip()
        if not line:
            continue
        number += 1
        if len(line) > LONGEST_ROW:
            yield Row(number, None, None, (_TOO_LONG,))
        elif mapper is not None:
            yield _mapped_line(number, line, mapper, model)
        elif (values := glance(line)) is not None:
            yield Row(number, values[0], None, (), values)
        else:
            yield _line(number, line, model)


def _mapped_line(number: int, line: bytes, mapper: Mapper, model: type[Model]) -> Row[Model]:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        record = None
    if not isinstance(record, dict):
        return Row(number, None, None, (RowError(pointer="", code="json_invalid", detail="The line is not a JSON object."),))
    return _validated(number, record, mapper, model)


def _line(number: int, line: bytes, model: type[Model]) -> Row[Model]:
    """A line in our own words. The validator could parse it too, and would spend hundreds of times its size on empty brackets."""
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return Row(number, None, None, (_NO_JSON,))
    try:
        content = model.model_validate(record)
    except ValidationError as error:
        return _faulty(number, _external_id(record), error)
    return Row(number, _name(content), content, ())


def _json(body: bytes, mapper: Mapper | None, model: type[Model]) -> Iterator[Row[Model]]:
    """Decode one element of the array at a time: the array as a whole would take many times the body's size."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise MalformedRequest("The body is not UTF-8.") from None
    place = _skip(text, 0)
    if text[place : place + 1] != "[":
        raise MalformedRequest("The body is not a JSON array.")
    place = _skip(text, place + 1)
    number = 0
    while text[place : place + 1] != "]":
        number += 1
        try:
            record, place = _element(text, place)
        except (ValueError, RecursionError):  # a ValueError is also what a number of thousands of digits gives
            detail = f"The JSON array breaks off in element {number}, or this has more than {LONGEST_ROW} characters."
            raise MalformedRequest(detail) from None
        yield _validated(number, record, mapper, model)
        place = _skip(text, place)
        if text[place : place + 1] == ",":
            place = _skip(text, place + 1)
            if text[place : place + 1] == "]":
                raise MalformedRequest("The JSON array ends with a comma.")
        elif text[place : place + 1] != "]":
            raise MalformedRequest(f"The JSON array breaks off after element {number}.")
    if _skip(text, place + 1) != len(text):
        raise MalformedRequest("Something follows the JSON array.")


def _element(text: str, place: int) -> tuple[Any, int]:
    """What stands at a place of an array, and where it ends: looked for where it should be, and then as far as a row may go."""
    for length in (_FIRST_LOOK, LONGEST_ROW):
        part = text[place : place + length + 1]
        whole = place + len(part) == len(text)
        try:
            record, end = _decode(part)
        except ValueError:
            if whole or length == LONGEST_ROW:
                raise
        else:
            if end <= length or whole:
                return record, place + end
    raise ValueError("too long")


def _skip(text: str, place: int) -> int:
    found = _WHITESPACE.match(text, place)
    return found.end() if found else place


class _CsvLines:
    """The lines of a CSV body, for one record after the other, each of which has a bounded length.

    Bytes that are not UTF-8 pass as lone surrogates, which validation refuses, so that they cost their own row alone.
    """

    def __init__(self, body: bytes) -> None:
        self._lines = io.TextIOWrapper(io.BytesIO(body), "utf-8", "surrogateescape", newline="")
        self._room = LONGEST_ROW
        self.number = 0
        """Of the line that was read last, counted from 1."""

    def begin(self) -> int:
        """A record begins: answers the number of its first line."""
        self._room = LONGEST_ROW
        return self.number + 1

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.number += 1
        self._room -= len(line)
        if self._room < 0:
            raise csv.Error(f"longer than {LONGEST_ROW} characters")
        return line


def _csv(body: bytes, mapper: Mapper | None, model: type[Model]) -> Iterator[Row[Model]]:
    lines = _CsvLines(body)
    records = csv.reader(lines, strict=True)
    try:
        header = [column.strip() for column in next(records, [])]
    except csv.Error:
        raise MalformedRequest("The CSV header cannot be read.") from None
    _check_header(header, mapper, model)
    number = 0
    while True:
        first = lines.begin()
        try:
            cells = next(records, None)
        except csv.Error as error:
            number += 1
            where = f"line {first}" if first == lines.number else f"lines {first} to {lines.number}"
            fault = RowError(pointer="", code="csv_invalid", detail=f"The row ({where} of the body) is not valid CSV: {error}.")
            yield Row(number, None, None, (fault,))
            continue
        if cells is None:
            return
        if not cells:
            continue
        number += 1
        if len(cells) != len(header):
            fault = RowError(
                pointer="", code="column_count", detail=f"The header has {len(header)} columns, the row {len(cells)}."
            )
            yield Row(number, None, None, (fault,))
            continue
        if mapper is None:
            record = {column: cell for column, cell in zip(header, cells, strict=True) if cell}
        else:
            record = dict(zip(header, cells, strict=True))
        yield _validated(number, record, mapper, model)


def _check_header(header: list[str], mapper: Mapper | None, model: type[BaseModel]) -> None:
    if not header:
        raise MalformedRequest("The CSV has no header.")
    if any(_SURROGATE.search(column) for column in header):
        raise MalformedRequest("The CSV header is not UTF-8.")
    if len(header) > _MOST_COLUMNS:
        raise MalformedRequest(f"The CSV header names more than {_MOST_COLUMNS} columns.")
    faults = [
        ProblemError(pointer=f"/{place}", code="duplicate_column", detail="The header names this column twice.")
        for place, column in enumerate(header)
        if column in header[:place]
    ]
    faults += [
        ProblemError(pointer=f"/{place}", code="unknown_column", detail="No field has this name, and no profile maps it.")
        for place, column in enumerate(header)
        if not (column in model.model_fields if mapper is None else mapper.column_is_known(column))
    ]
    if faults:
        detail = "The CSV header does not fit; pointers count its columns from 0."
        if len(header) == 1:
            detail += " It has one column only: commas separate columns, no semicolons and no tabs."
        raise InvalidRequest(detail, errors=faults)


def _validated(number: int, record: object, mapper: Mapper | None, model: type[Model]) -> Row[Model]:
    ours = record
    if mapper is not None and isinstance(record, dict):
        ours, faults = mapper.map(record)
        if faults:
            return Row(number, _external_id(ours), None, _few(faults))
    try:
        content = model.model_validate(ours, strict=False)
    except ValidationError as error:
        return _faulty(number, _external_id(ours), error)
    return Row(number, _name(content), content, ())


def _faulty(number: int, external_id: str | None, error: ValidationError) -> Row[Any]:
    return Row(number, external_id, None, faults_of(error))


def faults_of(error: ValidationError) -> tuple[RowError, ...]:
    """What is wrong with a row. One that is wrong altogether says so once: it must not cost more than it weighs."""
    count = error.error_count()
    if count > _MOST_SORTED:
        return (RowError(pointer="", code="too_many_faults", detail=f"{count} fields are at fault."),)
    faults = problem_errors(error.errors(include_url=False, include_context=False, include_input=False))
    return _few([RowError(**fault.model_dump()) for fault in faults])


def _few(faults: Sequence[RowError]) -> tuple[RowError, ...]:
    if len(faults) <= _MOST_FAULTS:
        return tuple(faults)
    some = ", ".join(f"{fault.pointer} ({fault.code})" for fault in faults[:_FAULTS_NAMED])
    detail = f"{len(faults)} fields are at fault. The first: {some}."
    return (RowError(pointer="", code="too_many_faults", detail=detail),)


def _name(content: Any) -> str | None:
    external_id: str | None = content.external_id
    return external_id


def _external_id(record: object) -> str | None:
    """The external id of a row that is otherwise at fault, if it has a usable one."""
    value: Any = record.get("external_id") if isinstance(record, dict) else None
    usable = isinstance(value, str) and 0 < len(value) <= _REFERENCE_LENGTH and value.isprintable()
    return value if usable else None
