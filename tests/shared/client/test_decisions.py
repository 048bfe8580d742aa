"""The client and the command on decisions, together with audit-api on a socket."""

import gzip
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import orjson
import pytest

from factories import decision_row
from tallystick.client import ProblemError, Tallystick
from tallystick.client.files import UnreadableFileError
from tallystick.identity import sign_token
from tallystick.schemas.decision import Decision
from tallystick.schemas.principal import Role


@pytest.fixture
async def tallystick(audit_address: str, identity: Path) -> AsyncIterator[Tallystick]:
    """A client of a quality manager."""
    role, ttl = [Role.QUALITY_MANAGER], timedelta(minutes=10)
    token = sign_token(identity, subject="someone", roles=role, programmes=["*"], vendor=None, ttl=ttl)
    async with Tallystick(token=token, audit=audit_address, patience_s=5) as client:
        yield client


def written(path: Path, count: int, start: int = 0) -> Path:
    """A file of decisions."""
    body = b"\n".join(orjson.dumps(decision_row(f"D-{number}")) for number in range(start, start + count))
    path.write_bytes(gzip.compress(body) if path.suffix == ".gz" else body)
    return path


async def test_a_file_that_has_grown_is_sent_from_where_its_source_stands(
    tallystick: Tallystick, programme: str, tmp_path: Path
) -> None:
    """Whatever is sent again, in requests of whatever size, counts once."""
    first = await tallystick.decisions.push_file(programme, "day", written(tmp_path / "day.ndjson", 25), lines_per_request=10)
    grown = written(tmp_path / "day.ndjson.gz", 40)
    more = await tallystick.decisions.push_file(programme, "day", grown, lines_per_request=7, compress=False)
    again = await tallystick.decisions.push_file(programme, "day", grown)
    source = await tallystick.decisions.source(programme, "day")

    assert (first.rows, first.counted, first.resumed) == (25, 25, 0)
    assert (more.resumed, more.repeated, more.counted) == (25, 4, 15)
    assert (again.resumed, again.rows) == (40, 0)
    assert source is not None
    assert (source.next_row, source.decisions) == (40, 40)
    assert [source async for source in tallystick.decisions.sources(programme)] == [source]


async def test_a_further_edition_takes_the_place_of_a_file(tallystick: Tallystick, programme: str, tmp_path: Path) -> None:
    """An empty one as well; and one that there cannot be is refused."""
    path = written(tmp_path / "day.ndjson", 5)
    await tallystick.decisions.push_file(programme, "day", path)
    corrected = await tallystick.decisions.push_file(programme, "day", written(path, 3, start=5), edition=2)
    after = await tallystick.decisions.source(programme, "day")
    await tallystick.decisions.push_file(programme, "day", written(path, 0), edition=3)
    empty = await tallystick.decisions.source(programme, "day")
    with pytest.raises(ProblemError) as refused:
        await tallystick.decisions.push_file(programme, "day", written(path, 1), edition=9)

    assert corrected.counted == 3
    assert after is not None
    assert empty is not None
    assert (after.edition, after.decisions, empty.edition, empty.decisions) == (2, 3, 3, 0)
    assert refused.value.slug == "source-out-of-step"


async def test_lines_that_are_rejected_are_told(tallystick: Tallystick, programme: str, tmp_path: Path) -> None:
    """By their place in the file; a batch can be read again; CSV is none."""
    path = tmp_path / "day.ndjson"
    path.write_bytes(b"\n".join(orjson.dumps(decision_row(f"D-{number}", queue=queue)) for number, queue in enumerate("ab")))
    pushed = await tallystick.decisions.push_file(programme, "day", path)
    batch = await tallystick.decisions.push(programme, "other", [Decision.model_validate(decision_row())])
    csv = tmp_path / "day.csv"
    csv.write_text("decision_id\n")

    assert [(fault.row, fault.errors[0].code) for fault in pushed.faults] == [(1, "unknown_queue"), (2, "unknown_queue")]
    assert await tallystick.decisions.batch(programme, batch.id) == batch
    with pytest.raises(UnreadableFileError):
        await tallystick.decisions.push_file(programme, "csv", csv)
