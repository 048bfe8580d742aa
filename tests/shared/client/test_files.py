"""Files of rows and their splitting."""

import csv
import gzip
import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tallystick.client.files import REASON_MEMBER, Chunk, RowFile, UnreadableFileError

FIELDS = st.text(alphabet='a,"\n\r é;', max_size=8)
TABLES = st.lists(st.lists(FIELDS, min_size=2, max_size=2), min_size=1, max_size=30)


def chunks(path: Path, rows: int = 3) -> list[Chunk]:
    """All chunks of a file."""
    with RowFile(path) as file:
        return list(file.chunks(rows))


def read_csv(body: bytes) -> list[list[str]]:
    """The records of a CSV as the service reads them."""
    return [row for row in csv.reader(io.StringIO(body.decode(), newline="")) if row]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(
    table=TABLES,
    line_end=st.sampled_from(["\n", "\r\n", "\r"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    bom=st.booleans(),
    size=st.integers(1, 5),
)
def test_a_csv_in_pieces_has_the_same_rows(
    tmp_path: Path, table: list[list[str]], line_end: str, quoting: int, bom: bool, size: int
) -> None:
    """Quotes, line ends within quotes, any line ends, a byte order mark: every row arrives once and in order."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=line_end, quoting=quoting)  # type: ignore[arg-type] # one of csv's constants
    writer.writerows([["id", "comment"], *table])
    path = tmp_path / "rows.csv"
    path.write_bytes(b"\xef\xbb\xbf" * bom + text.getvalue().encode())

    pieces = chunks(path, size)

    expected = [row for row in read_csv(text.getvalue().encode())[1:] if row]
    assert [row for piece in pieces for row in read_csv(piece.body)[1:]] == expected
    assert all(read_csv(piece.body)[0] == ["id", "comment"] for piece in pieces)
    assert [len(piece.rows) for piece in pieces] == [len(read_csv(piece.body)) - 1 for piece in pieces]
    assert all(len(piece.rows) <= size for piece in pieces)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300, deadline=None)
@given(lines=st.lists(st.text(alphabet='a,"', max_size=8), max_size=20))
def test_bad_quotes_count_like_the_service_counts_them(tmp_path: Path, lines: list[str]) -> None:
    """A closing quote with more text behind it makes a bad row of its line, here and there."""
    body = "id,comment\n" + "\n".join(lines)
    path = tmp_path / "rows.csv"
    path.write_text(body)
    reader = csv.reader(io.StringIO(body, newline=""), strict=True)
    count, ended = -1, False
    while not ended:
        try:
            row = next(reader, None)
        except csv.Error:
            count += 1
        else:
            ended = row is None
            count += bool(row)

    assert sum(len(piece.rows) for piece in chunks(path)) == count


def test_rows_are_numbered_across_chunks(tmp_path: Path) -> None:
    """A row keeps the number that it has in the file."""
    path = tmp_path / "rows.csv"
    path.write_text("id\n" + "".join(f"{number}\n" for number in range(1, 8)))

    assert [(piece.first_row, len(piece.rows)) for piece in chunks(path)] == [(1, 3), (4, 3), (7, 1)]


def test_a_request_is_bounded_in_bytes_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Long rows make small requests."""
    monkeypatch.setattr("tallystick.client.files.MAX_REQUEST_BYTES", 100)
    path = tmp_path / "rows.ndjson"
    path.write_text("".join(f'{{"id": "{"x" * 40}"}}\n' for _ in range(5)))

    assert [len(piece.rows) for piece in chunks(path, 1000)] == [1, 1, 1, 1, 1]


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        ("", bytes),
        (".gz", gzip.compress),
        (".zst", zstandard.compress),
        (".zst", lambda data: zstandard.compress(data[:500]) + zstandard.compress(data[500:])),
    ],
)
@pytest.mark.parametrize("kind", ["csv", "ndjson", "jsonl", "json"])
def test_packed_files_are_read_alike(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes], kind: str) -> None:
    """The name says what a file is; several frames in one file are one file."""
    numbers = [{"id": str(number)} for number in range(1000)]
    text = {
        "csv": "id\n" + "".join(f"{row['id']}\n" for row in numbers),
        "ndjson": "\n".join(json.dumps(row) for row in numbers),
        "jsonl": "\r\n\r\n".join(json.dumps(row) for row in numbers),
        "json": json.dumps(numbers, indent=1),
    }[kind]
    path = tmp_path / f"rows.{kind}{suffix}"
    path.write_bytes(pack(text.encode()))

    pieces = chunks(path, 300)

    assert [len(piece.rows) for piece in pieces] == [300, 300, 300, 100]
    assert all(b"999" in row for row in pieces[-1].rows[-1:])


@pytest.mark.parametrize(("suffix", "pack"), [(".gz", gzip.compress), (".zst", zstandard.compress)])
def test_a_torn_file_is_told(tmp_path: Path, suffix: str, pack: Callable[[bytes], bytes]) -> None:
    """A download that stopped half-way must not pass for the whole."""
    packed = pack(b"id\n" + b"".join(b"%d\n" % number for number in range(100_000)))
    path = tmp_path / f"rows.csv{suffix}"
    path.write_bytes(packed[: len(packed) // 2])

    with pytest.raises(UnreadableFileError, match="cannot be unpacked"):
        chunks(path, 1000)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("rows.xlsx", b"", "must end in one of"),
        ("rows.gz", b"", "must end in one of"),
        ("rows.csv", b"", "is empty"),
        ("rows.csv", b"\n\n", "is empty"),
        ("rows.csv", "id\n1\n".encode("utf-16"), "UTF-16"),
        ("rows.csv", b'id\n1\n"2' + b"\n3" * 60_000, "In line 3 a quote opens"),
        ("rows.ndjson", b"x" * 1_500_000, "no line end"),
        ("rows.csv.gz", b"id\n1\n", "cannot be unpacked"),
        ("rows.csv.zst", b"id\n1\n", "cannot be unpacked"),
        ("rows.json", b"", "does not begin a JSON array"),
        ("rows.json", b'{"id": 1}', "does not begin a JSON array"),
        ("rows.json", b"[", "element 1 cannot be read"),
        ("rows.json", b'[{"id": 1}', "after element 1"),
        ("rows.json", b'[{"id": 1} {"id": 2}]', "after element 1"),
        ("rows.json", b'[{"id": 1}, ]', "element 2 cannot be read"),
        ("rows.json", b'[{"id": 1}] x', "something follows"),
        ("rows.json", b'[{"id": "' + b"x" * 1_500_000 + b'"}]', "element 1 cannot be read"),
        ("rows.json", b'[{"id": "\xff"}]', "is not UTF-8"),
        ("rows.json", b"[" * 200_000, "nested too deeply"),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes, message: str) -> None:
    """The message names the place."""
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(UnreadableFileError, match=message):
        chunks(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    rows=st.lists(
        st.one_of(
            st.dictionaries(st.text().filter(REASON_MEMBER.__ne__), st.text()), st.integers(), st.booleans(), st.text(), st.none()
        ),
        max_size=20,
    ),
    indent=st.sampled_from([None, 2]),
    ascii_only=st.booleans(),
    block=st.integers(1, 20),
)
def test_a_json_array_in_pieces_has_the_same_elements(
    tmp_path: Path, rows: list[object], indent: int | None, ascii_only: bool, block: int
) -> None:
    """However it is written, and wherever a read ends."""
    path = tmp_path / "rows.json"
    path.write_bytes(json.dumps(rows, indent=indent, ensure_ascii=ascii_only).encode("utf-8", "replace"))
    expected = json.loads(path.read_bytes())

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tallystick.client.files._BLOCK", block)
        pieces = chunks(path)

    assert [json.loads(row) for piece in pieces for row in piece.rows] == expected
    assert all(row.count(b"\n") == 1 for piece in pieces for row in piece.rows)


def test_a_file_is_never_held_whole(tmp_path: Path) -> None:
    """The first rows are there long before the end of the file has been read."""
    path = tmp_path / "rows.ndjson"
    path.write_bytes(b'{"id": 1}\n' * 1_000_000)

    with RowFile(path) as file:
        next(file.chunks(1000))

        assert file.position < 1_000_000


def test_numbers_pass_as_they_are_written(tmp_path: Path) -> None:
    """Integers beyond 2^53 and long decimals are for the service to judge."""
    path = tmp_path / "rows.json"
    path.write_text('[{"id": 12345678901234567890, "p": 0.1000000000000000000001}]')

    assert chunks(path)[0].rows == (b'{"id": 12345678901234567890, "p": 0.1000000000000000000001}\n',)


def test_reasons_of_an_earlier_push_are_left_out(tmp_path: Path) -> None:
    """A corrected file of rejected rows is pushed as it is."""
    csv_path, ndjson_path = tmp_path / "a.csv", tmp_path / "a.ndjson"
    csv_path.write_text(
        "tallystick_row,tallystick_verdict,tallystick_pointer,tallystick_code,tallystick_detail,id,site\n"
        '7,rejected,/site,"a, b","It is ""so"".",x,"kra\nkow"\n'
    )
    ndjson_path.write_text(
        '{"tallystick_rejected": {"row": 7}, "id": 12345678901234567890123}\n'
        '{"id": "tallystick_rejected"}\n{"tallystick_rejected"\n'
    )

    assert chunks(csv_path)[0].body == b'id,site\nx,"kra\nkow"\n'
    assert chunks(ndjson_path)[0].rows == (
        b'{"id": 12345678901234567890123}\n',
        b'{"id": "tallystick_rejected"}\n',
        b'{"tallystick_rejected"\n',
    )
