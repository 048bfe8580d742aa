"""Pushing files: verdicts, rejected rows, resuming."""

import csv
import json
from pathlib import Path

import orjson
import pytest

from shared.client.intake import Intake
from shared.client.stub import Answer, Stub, json_answer, problem
from tallystick.client import ProblemError, Tallystick, UnexpectedAnswerError, UnreachableError
from tallystick.client.files import UnreadableFileError
from tallystick.client.journal import Target
from tallystick.client.push import Progress, push_file
from tallystick.schemas.audit import NewAudit, RowVerdict


def rows_of(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file."""
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def names_in(directory: Path) -> set[str]:
    """What lies in a directory."""
    return {each.name for each in directory.iterdir()}


def write_csv(path: Path, count: int, bad: tuple[int, ...] = ()) -> Path:
    """A file of rows; the numbered ones have a verdict that is none."""
    rows = [f'a-{number},{"maybe" if number in bad else "correct"},"Row\n{number}"\n' for number in range(1, count + 1)]
    path.write_text("external_id,verdict,comment\n" + "".join(rows))
    return path


@pytest.fixture
def target(stub: Stub) -> Target:
    return Target(stub.url, "demo")


async def test_every_row_gets_its_verdict(tallystick: Tallystick, intake: Intake, target: Target, tmp_path: Path) -> None:
    """A file of ten rows in requests of four."""
    path = write_csv(tmp_path / "audits.csv", 10)

    outcome = await push_file(tallystick, path, target, directory=tmp_path, rows_per_request=4)

    assert outcome.counts == {RowVerdict.CREATED: 10}
    assert [len(request) for request in intake.requests] == [4, 4, 2]
    assert len(outcome.batches) == 3
    assert outcome.rejected_file is None
    assert names_in(tmp_path) == {"audits.csv"}


async def test_the_same_file_again_creates_nothing(
    tallystick: Tallystick, intake: Intake, target: Target, tmp_path: Path
) -> None:
    """A push that came to its end leaves no state: the next one is a new one, and rows are known by their ids."""
    path = write_csv(tmp_path / "audits.csv", 10)
    await push_file(tallystick, path, target, directory=tmp_path)

    outcome = await push_file(tallystick, path, target, directory=tmp_path)

    assert outcome.counts == {RowVerdict.DUPLICATE: 10}
    assert len(intake.rows) == 10


async def test_rejected_rows_are_left_in_a_file_with_their_reasons(
    tallystick: Tallystick, intake: Intake, target: Target, tmp_path: Path
) -> None:
    """Each row stands there byte for byte behind its number, verdict, pointer, code and detail."""
    path = write_csv(tmp_path / "audits.csv", 10, bad=(2, 9))

    outcome = await push_file(tallystick, path, target, directory=tmp_path, rows_per_request=4)

    assert outcome.not_taken == 2
    assert outcome.rejected_file == tmp_path / "audits.csv.rejected.csv"
    assert rows_of(outcome.rejected_file)[1] == {
        "tallystick_row": "9",
        "tallystick_verdict": "rejected",
        "tallystick_pointer": "/verdict",
        "tallystick_code": "enum",
        "tallystick_detail": 'Neither "correct" nor "incorrect".',
        "external_id": "a-9",
        "verdict": "maybe",
        "comment": "Row\n9",
    }
    assert len(intake.rows) == 8


async def test_a_corrected_file_of_rejected_rows_is_pushed_as_it_is(
    tallystick: Tallystick, intake: Intake, target: Target, tmp_path: Path
) -> None:
    """The reasons in front of the rows are left out by themselves."""
    path = write_csv(tmp_path / "audits.csv", 10, bad=(2, 9))
    rejected = (await push_file(tallystick, path, target, directory=tmp_path)).rejected_file
    assert rejected is not None
    rejected.write_text(rejected.read_text().replace("maybe", "correct"))

    outcome = await push_file(tallystick, rejected, target, directory=tmp_path)

    assert outcome.counts == {RowVerdict.CREATED: 2}
    assert set(intake.rows) == {f"a-{number}" for number in range(1, 11)}


async def test_conflicts_are_among_the_rows_that_were_not_taken(
    tallystick: Tallystick, intake: Intake, target: Target, tmp_path: Path
) -> None:
    """Their id belongs to an audit that says something else."""
    intake.rows["a-1"] = "incorrect"
    path = write_csv(tmp_path / "audits.csv", 2)

    outcome = await push_file(tallystick, path, target, directory=tmp_path)

    assert outcome.counts == {RowVerdict.CREATED: 1, RowVerdict.CONFLICT: 1}
    assert "1,conflict," in (tmp_path / "audits.csv.rejected.csv").read_text()


async def test_rejected_lines_of_json_say_why_in_a_member(
    tallystick: Tallystick, intake: Intake, target: Target, tmp_path: Path
) -> None:
    """Corrected, they are pushed as they are; a line that is no object is kept as text."""
    path = tmp_path / "audits.ndjson"
    path.write_text('{"external_id": "a", "verdict": "maybe"}\n{}\n{"external_id": "b", "verdict": "correct"}\n')

    outcome = await push_file(tallystick, path, target, directory=tmp_path)

    assert outcome.rejected_file == tmp_path / "audits.ndjson.rejected.ndjson"
    first, second = [orjson.loads(line) for line in outcome.rejected_file.read_bytes().splitlines()]
    assert first.pop("tallystick_rejected")["row"] == 1
    assert first == {"external_id": "a", "verdict": "maybe"}
    assert second["tallystick_rejected"]["errors"][0]["code"] == "enum"
    outcome.rejected_file.write_text(outcome.rejected_file.read_text().replace("maybe", "correct"))
    again = await push_file(tallystick, outcome.rejected_file, target, directory=tmp_path)
    assert again.counts == {RowVerdict.CREATED: 1, RowVerdict.REJECTED: 1}
    assert set(intake.rows) == {"a", "b"}


async def test_a_json_array_travels_line_by_line(
    tallystick: Tallystick, intake: Intake, stub: Stub, target: Target, tmp_path: Path
) -> None:
    """One bad element cannot spoil a request."""
    path = tmp_path / "audits.json"
    path.write_text(json.dumps([{"external_id": "a", "verdict": "correct"}], indent=2))

    await push_file(tallystick, path, target, directory=tmp_path, compress=False)

    assert stub.seen[0].headers["content-type"] == "application/x-ndjson"
    assert set(intake.rows) == {"a"}


async def interrupted(tallystick: Tallystick, path: Path, target: Target, *, after: int) -> None:
    """A push that is broken off after so many requests."""
    count = 0

    def on_progress(_: Progress) -> None:
        nonlocal count
        count += 1
        if count == after:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await push_file(tallystick, path, target, directory=path.parent, rows_per_request=4, on_progress=on_progress)


async def test_an_interrupted_push_goes_on_where_it_stopped(
    tallystick: Tallystick, intake: Intake, target: Target, tmp_path: Path
) -> None:
    """What has its verdicts is not sent again, and the file of rejected rows holds those of both runs."""
    path = write_csv(tmp_path / "audits.csv", 12, bad=(2, 9))
    await interrupted(tallystick, path, target, after=2)
    with (tmp_path / "audits.csv.rejected.csv").open("a") as file:
        file.write("half a row that was written after the la")
    intake.requests.clear()

    outcome = await push_file(tallystick, path, target, directory=tmp_path, rows_per_request=4)

    assert ["a-9", "a-10", "a-11", "a-12"] in intake.requests
    assert ["a-1", "a-2", "a-3", "a-4"] not in intake.requests
    assert outcome.rows == 12
    assert outcome.resumed == 8
    assert [row["tallystick_row"] for row in rows_of(tmp_path / "audits.csv.rejected.csv")] == ["2", "9"]
    assert not (tmp_path / "audits.csv.push-state").exists()


@pytest.mark.usefixtures("intake")
async def test_a_repeated_request_of_a_resumed_push_has_its_first_key(
    tallystick: Tallystick, stub: Stub, target: Target, tmp_path: Path
) -> None:
    """So a request whose answer was lost with the process is answered as it was the first time."""
    path = write_csv(tmp_path / "audits.csv", 12)
    await interrupted(tallystick, path, target, after=1)
    before = {seen.body: seen.headers["idempotency-key"] for seen in stub.seen}
    stub.seen.clear()

    await push_file(tallystick, path, target, directory=tmp_path, rows_per_request=4)

    repeated = [seen for seen in stub.seen if seen.method == "POST" and seen.body in before]
    assert all(seen.headers["idempotency-key"] == before[seen.body] for seen in repeated)


@pytest.mark.usefixtures("intake")
@pytest.mark.parametrize("how", ["another programme", "no resume", "other content", "torn state", "foreign state"])
async def test_a_push_begins_anew_when_there_is_nothing_to_resume(
    tallystick: Tallystick, target: Target, tmp_path: Path, how: str
) -> None:
    """Every row gets a verdict from the service, whatever lies about."""
    path, state = write_csv(tmp_path / "audits.csv", 12), tmp_path / "audits.csv.push-state"
    await interrupted(tallystick, path, target, after=2)
    match how:
        case "another programme":
            target = Target(target.url, "other")
        case "other content":
            write_csv(path, 12, bad=(1, 5, 9))
        case "torn state":
            state.write_bytes(state.read_bytes()[:40])
        case "foreign state":
            state.write_text('{"something": "else"}\n')

    outcome = await push_file(tallystick, path, target, directory=tmp_path, rows_per_request=4, resume=how != "no resume")

    assert outcome.resumed == 0
    assert outcome.rows == 12
    assert not state.exists()


@pytest.mark.usefixtures("intake")
async def test_a_push_begins_anew_when_the_service_was_set_up_anew(
    tallystick: Tallystick, stub: Stub, target: Target, tmp_path: Path
) -> None:
    """The state names batches that nobody knows any more: skipping their rows would lose them."""
    path = write_csv(tmp_path / "audits.csv", 12)
    await interrupted(tallystick, path, target, after=2)
    stub.handle = fresh = Intake()

    outcome = await push_file(tallystick, path, target, directory=tmp_path, rows_per_request=4)

    assert outcome.counts == {RowVerdict.CREATED: 12}
    assert len(fresh.rows) == 12


@pytest.mark.usefixtures("intake")
async def test_a_torn_last_line_of_the_state_is_passed_over(tallystick: Tallystick, target: Target, tmp_path: Path) -> None:
    """The machine may stop at any moment, also a second time."""
    path, state = write_csv(tmp_path / "audits.csv", 12), tmp_path / "audits.csv.push-state"
    await interrupted(tallystick, path, target, after=1)
    with state.open("ab") as file:
        file.write(b'{"first_row": 5, "dig')
    await interrupted(tallystick, path, target, after=2)

    outcome = await push_file(tallystick, path, target, directory=tmp_path, rows_per_request=4)

    assert outcome.resumed == 8
    assert outcome.rows == 12


async def test_a_dry_run_changes_nothing(tallystick: Tallystick, intake: Intake, stub: Stub, tmp_path: Path) -> None:
    """Neither there nor, but for the file of rejected rows, here."""
    path = write_csv(tmp_path / "audits.csv", 10, bad=(1,))

    outcome = await push_file(tallystick, path, Target(stub.url, "demo", dry_run=True), directory=tmp_path)

    assert outcome.counts == {RowVerdict.CREATED: 9, RowVerdict.REJECTED: 1}
    assert intake.rows == {}
    assert names_in(tmp_path) == {"audits.csv", "audits.csv.rejected.csv"}


async def test_a_request_that_is_too_large_is_halved(
    tallystick: Tallystick, intake: Intake, target: Target, tmp_path: Path
) -> None:
    """The limits of a gateway need not be known; rows keep their numbers."""
    intake.most_rows = 3
    path = write_csv(tmp_path / "audits.csv", 10, bad=(8,))

    outcome = await push_file(tallystick, path, target, directory=tmp_path)

    assert outcome.counts == {RowVerdict.CREATED: 9, RowVerdict.REJECTED: 1}
    assert "\n8,rejected," in (tmp_path / "audits.csv.rejected.csv").read_text()


async def test_a_row_that_is_too_large_alone_is_rejected(
    tallystick: Tallystick, intake: Intake, target: Target, tmp_path: Path
) -> None:
    """It does not keep the others from being taken."""
    intake.most_rows = 0
    path = write_csv(tmp_path / "audits.csv", 2)

    outcome = await push_file(tallystick, path, target, directory=tmp_path)

    assert outcome.counts == {RowVerdict.REJECTED: 2}
    assert "body-too-large" in (tmp_path / "audits.csv.rejected.csv").read_text()


@pytest.mark.usefixtures("intake")
async def test_an_outage_is_waited_out(tallystick: Tallystick, stub: Stub, target: Target, tmp_path: Path) -> None:
    """Answers that are lost, refused or torn cost time and no row."""
    stub.script.extend([problem(503, "unavailable"), Answer(201, b"{", torn=True), problem(502, "bad-gateway")])
    path = write_csv(tmp_path / "audits.csv", 10)

    outcome = await push_file(tallystick, path, target, directory=tmp_path, rows_per_request=4)

    assert outcome.counts == {RowVerdict.CREATED: 10}
    assert len(stub.seen) == 6


@pytest.mark.usefixtures("intake")
async def test_a_refused_request_ends_the_push_and_leaves_its_state(
    tallystick: Tallystick, stub: Stub, target: Target, tmp_path: Path
) -> None:
    """Once the cause is gone, the push goes on from there."""
    path = write_csv(tmp_path / "audits.csv", 12)
    intake_handle = stub.handle
    stub.handle = lambda seen: problem(403, "forbidden") if b"a-9" in seen.body else intake_handle(seen)

    with pytest.raises(ProblemError, match="Forbidden"):
        await push_file(tallystick, path, target, directory=tmp_path, rows_per_request=4, compress=False)

    stub.handle = intake_handle
    assert (await push_file(tallystick, path, target, directory=tmp_path, rows_per_request=4)).resumed == 8


async def test_verdicts_on_fewer_rows_than_were_sent_end_the_push(
    tallystick: Tallystick, intake: Intake, stub: Stub, target: Target, tmp_path: Path
) -> None:
    """No row may be without a verdict."""
    path = write_csv(tmp_path / "audits.csv", 3)
    seen_fewer = write_csv(tmp_path / "fewer.csv", 2)
    await push_file(tallystick, seen_fewer, target, directory=tmp_path, compress=False)
    answer = intake(stub.seen[0])
    stub.handle = lambda _: answer

    with pytest.raises(UnexpectedAnswerError, match="3 rows from row 1 on were sent, 2 got a verdict"):
        await push_file(tallystick, path, target, directory=tmp_path)


@pytest.mark.usefixtures("intake")
async def test_several_requests_may_be_under_way(tallystick: Tallystick, target: Target, tmp_path: Path) -> None:
    """Verdicts are still taken down in the order of the file."""
    path = write_csv(tmp_path / "audits.csv", 40, bad=(1, 39))
    seen: list[int] = []

    outcome = await push_file(
        tallystick,
        path,
        target,
        directory=tmp_path,
        rows_per_request=4,
        parallel=3,
        on_progress=lambda progress: seen.append(progress.rows),
    )

    assert outcome.counts == {RowVerdict.CREATED: 38, RowVerdict.REJECTED: 2}
    assert seen[:-1] == list(range(4, 41, 4))
    rejected = rows_of(tmp_path / "audits.csv.rejected.csv")
    assert [row["tallystick_row"] for row in rejected] == ["1", "39"]


@pytest.mark.usefixtures("intake")
async def test_requests_are_packed_unless_told_otherwise(
    tallystick: Tallystick, stub: Stub, target: Target, tmp_path: Path
) -> None:
    """zstd, which both the gateway and the service read."""
    path = write_csv(tmp_path / "audits.csv", 1000)

    await push_file(tallystick, path, target, directory=tmp_path)
    await push_file(tallystick, path, target, directory=tmp_path, compress=False)

    packed, plain = stub.seen
    assert packed.headers["content-encoding"] == "zstd"
    assert "content-encoding" not in plain.headers
    assert len(packed.body) < len(plain.body) / 4


async def test_a_file_that_breaks_off_keeps_what_was_pushed(
    tallystick: Tallystick, intake: Intake, target: Target, tmp_path: Path
) -> None:
    """The error names the place; mended, the file goes on from there."""
    path = tmp_path / "audits.json"
    rows = [{"external_id": f"a-{number}", "verdict": "correct"} for number in range(6)]
    path.write_text(json.dumps(rows)[:-20])

    with pytest.raises(UnreadableFileError, match="element 6"):
        await push_file(tallystick, path, target, directory=tmp_path, rows_per_request=2)

    path.write_text(json.dumps(rows))
    outcome = await push_file(tallystick, path, target, directory=tmp_path, rows_per_request=2)
    assert outcome.resumed == 4
    assert len(intake.rows) == 6


async def test_no_answer_at_all_ends_the_push(tmp_path: Path, stub: Stub, target: Target) -> None:
    """After the patience that it was given."""
    stub.handle = lambda _: Answer(201, b"{", torn=True)
    path = write_csv(tmp_path / "audits.csv", 1)

    async with Tallystick(stub.url, "t", patience_s=0.1) as tallystick:
        with pytest.raises(UnreachableError):
            await push_file(tallystick, path, target, directory=tmp_path)


@pytest.mark.usefixtures("intake")
async def test_rows_can_be_pushed_without_a_file(tallystick: Tallystick, stub: Stub) -> None:
    """From a program that has them as models; nothing that is not set is sent."""
    audit = NewAudit.model_validate(
        {
            "external_id": "a-1",
            "vendor": "acme",
            "content_ref": "item:1",
            "site": "krakow",
            "queue": "live",
            "market": "PL",
            "language": "pl",
            "moderator": "m-1",
            "decided_at": "2026-09-01T00:00:00Z",
            "action": "keep",
            "policy": "spam",
            "auditor": "qa-1",
            "audited_at": "2026-09-01T01:00:00Z",
            "benchmark_action": "keep",
            "benchmark_policy": "spam",
            "verdict": "correct",
        }
    )

    result = await tallystick.audits.push("demo", [audit], profile="bpo", on_conflict="revise")

    assert result.counts.created == 1
    assert ("profile", "bpo") in stub.seen[0].query
    assert b"comment" not in stub.seen[0].body


@pytest.mark.usefixtures("intake")
async def test_batches_are_read_back(tallystick: Tallystick, stub: Stub) -> None:
    """With their rows, all or those of one verdict, page by page."""
    row = {"row": 1, "verdict": "rejected", "external_id": None, "audit_id": None, "errors": []}
    result = await tallystick.audits.push("demo", b'{"external_id": "a", "verdict": "maybe"}')
    stub.script.extend(
        [json_answer({"items": [row]}, link='<?programme=demo&cursor=x>; rel="next"'), json_answer({"items": [row]})]
    )

    rows = [each.row async for each in tallystick.batches.rows("demo", result.id, RowVerdict.REJECTED)]

    assert rows == [1, 1]
    assert ("verdict", "rejected") in stub.seen[1].query
    assert (await tallystick.batches.read("demo", result.id)).id == result.id
