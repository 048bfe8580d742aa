"""Writing what a batch of decisions comes to: one transaction moves counts, candidates and the place of the source together.

The body was read outside of any transaction. What was known when it began is looked at again under the lock: where it is not so
any more, nothing is written, and the batch is to be sent again.
"""

import hashlib
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from importlib.resources import files
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from audit_api.audits.judging import Rules
from audit_api.decisions.problems import SourceOutOfStep
from audit_api.decisions.reading import Reader
from audit_api.decisions.records import find_source, hold_decisions, hold_draws, read_elsewhere
from audit_api.decisions.tables import (
    DIMENSIONS,
    decision_batches,
    decision_candidates,
    decision_counts,
    decision_frames,
    decision_sources,
)
from audit_api.decisions.tally import Tally
from audit_api.metadata import streams
from audit_api.programmes.records import get_programme, put_programme
from audit_api.sampling.tables import draws
from tallystick.draw import FIELDS, SEPARATOR, Frame
from tallystick.schemas.base import new_id
from tallystick.schemas.programme import Programme
from tallystick.schemas.sampling import DrawState
from tallystick.service.database import WriteSession, scoped
from tallystick.service.feed import take_positions
from tallystick.service.problems import Unavailable

_SQL = {path.name: path.read_text() for path in files(__package__).iterdir() if path.name.endswith(".sql")}
_LINES_AT_ONCE = 2000
_CELL = ("day", "cell", *DIMENSIONS, "decisions")
_CANDIDATE = ("draw_id", "stratum", "rank", *FIELDS)
_FLAGS = {False: "false", True: "true", None: ""}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a source stands: its edition, and how many lines of that are taken in."""

    edition: int = 1
    next_row: int = 0
    begun: bool = False
    """Whether it has had a batch."""

    def follows(self, edition: int, first_row: int) -> "Place":
        """The place from which a batch goes on; a problem where it goes on from none."""
        if edition == self.edition and first_row <= self.next_row:
            return self
        if self.begun and edition == self.edition + 1 and first_row == 0:
            return Place(edition)
        raise self.out_of_step()

    def out_of_step(self) -> SourceOutOfStep:
        """The problem that says where the source stands."""
        detail = f"Edition {self.edition} of the source goes on with first_row {self.next_row}."
        return SourceOutOfStep(detail, edition=self.edition, next_row=self.next_row)


async def read_place(session: WriteSession | Any, programme: str, owner: str, source: str) -> Place:
    """Where a source stands."""
    row = await find_source(session, programme, owner, source)
    return Place() if row is None else Place(row.edition, row.next_row, begun=True)


@dataclass(frozen=True, slots=True)
class Taking:
    """A batch whose body is read, and what was known when that began."""

    programme: str
    owner: str
    source: str
    place: Place
    """Where the source stood."""
    edition: int
    first_row: int
    until: date
    """The last day that a decision can be of."""
    draws: Mapping[UUID, int]
    """The revisions of those to come whose periods begin by then."""
    rules: Rules
    reader: Reader
    tally: Tally


async def take_in(session: WriteSession, taking: Taking, moment: datetime) -> dict[str, Any]:
    """Write a batch; answers its row.

    Draws are held first, and the stream last, as by whoever makes a draw.
    """
    programme, owner, source = taking.programme, taking.owner, taking.source
    to_come = await hold_draws(session, programme, taking.until)
    await hold_decisions(session, programme)
    await _require_unchanged(session, taking, to_come)
    if taking.edition != taking.place.edition:
        await _withdraw(session, programme, owner, source)
    candidates = await _write(session, taking)
    counted, late = taking.tally.counts()
    row = max(taking.reader.row, taking.place.follows(taking.edition, taking.first_row).next_row)
    await _move(session, taking, row, counted, moment)
    batch = {
        "programme": programme,
        "id": new_id(),
        "vendor": session.principal.vendor,
        "source": source,
        "edition": taking.edition,
        "first_row": taking.first_row,
        "rows": taking.reader.rows,
        "repeated": taking.reader.repeated,
        "rejected_rows": taking.reader.rejected,
        "counted": counted,
        "late": late,
        "candidates": candidates,
        "rejected": [shown.model_dump(mode="json") for shown in taking.reader.shown],
        "recorded_by": session.principal.subject,
        "recorded_at": moment,
    }
    await session.execute(insert(decision_batches).values(batch))
    await _register_words(session, programme, taking.rules)
    return batch


async def _register_words(session: WriteSession, programme: str, rules: Rules) -> None:
    """Add the words that the programme learns from the batch to its document as it is by now."""
    if rules.grown() is None:
        return
    await take_positions(session, streams, programme, 0)
    current = await get_programme(session, programme)
    if (grown := rules.grown(Programme.model_validate(current.document))) is not None:
        await put_programme(session, current, grown)


async def _require_unchanged(session: WriteSession, taking: Taking, to_come: Mapping[UUID, int]) -> None:
    place = await read_place(session, taking.programme, taking.owner, taking.source)
    if place != taking.place:
        raise place.out_of_step()
    again = {"Retry-After": "1"}
    ranked = {stratum.draw_id for stratum in taking.tally.strata()}
    if not to_come.keys() <= taking.draws.keys() or any(to_come.get(draw) != taking.draws[draw] for draw in ranked):
        raise Unavailable("A draw was made or changed while the batch arrived. Send it again.", headers=again)
    elsewhere = await read_elsewhere(session, taking.programme, taking.owner)
    if any(key in elsewhere and frame.decisions for key, frame in taking.tally.frames.items()):
        raise Unavailable("Somebody else began to send the same days while the batch arrived. Send it again.", headers=again)


async def _withdraw(session: WriteSession, programme: str, owner: str, source: str) -> None:
    """Take away what the edition before has counted. A draw that was made stands as it was made."""
    f, c, k = decision_frames.c, decision_counts.c, decision_candidates.c
    of_frames = (f.programme == programme, f.owner == owner, f.source == source)
    days = scoped(select(f.day), decision_frames, programme, session.principal).where(*of_frames)
    counts = scoped(delete(decision_counts), decision_counts, programme, session.principal)
    await session.execute(counts.where(c.day.in_(days), c.owner == owner, c.source == source))
    frames = scoped(delete(decision_frames), decision_frames, programme, session.principal)
    await session.execute(frames.where(*of_frames))
    committed = select(draws.c.id).where(draws.c.programme == programme, draws.c.state == DrawState.COMMITTED)  # and held
    candidates = scoped(delete(decision_candidates), decision_candidates, programme, session.principal)
    await session.execute(candidates.where(k.draw_id.in_(committed), k.owner == owner, k.source == source))


async def _write(session: WriteSession, taking: Taking) -> int:
    """Write cells, frames and candidates; answers how many decisions are candidates."""
    driver = await session.driver()
    where = (taking.programme, taking.owner, taking.source)
    await driver.execute(_SQL["stage.sql"])
    form: dict[str, Any] = {"format": "text", "delimiter": SEPARATOR, "encoding": "utf-8"}
    cells, candidates = _cells(taking.tally), _candidates(taking.tally)
    await driver.copy_to_table("cell_stage", source=_some_at_a_time(cells), columns=_CELL, **form)
    await driver.execute(_SQL["count.sql"], *where)
    await _add_frames(session, taking)
    await driver.copy_to_table("candidate_stage", source=_some_at_a_time(candidates), columns=_CANDIDATE, **form)
    await driver.execute(_SQL["keep.sql"], *where)
    await driver.execute(_SQL["cut.sql"], taking.programme)
    kept: int = await driver.fetchval(_SQL["kept.sql"], *where)
    return kept


def _cells(tally: Tally) -> Iterator[str]:
    """Lines for COPY. No value holds the separator or a line feed, so that backslashes are all that is to be escaped."""
    for day, cells in tally.cells.items():
        for words, cell in cells.items():
            if cell.decisions:
                told = SEPARATOR.join(map(_told, words))
                yield f"{day}{SEPARATOR}{_bytes(cell_id(told))}{SEPARATOR}{_escaped(told)}{SEPARATOR}{cell.decisions}\n"


def _told(word: str | bool | None) -> str:
    return word if isinstance(word, str) else _FLAGS[word]


def cell_id(told: str) -> bytes:
    """What a kind of decision is known by: of the words that it is counted by, told with separators."""
    return hashlib.sha256(told.encode()).digest()[:16]


def _candidates(tally: Tally) -> Iterator[str]:
    for stratum in tally.strata():
        stratum.prune()
        for rank, row in stratum.rows.items():
            yield SEPARATOR.join((str(stratum.draw_id), stratum.code, _bytes(rank), _escaped(row.decode()))) + "\n"


def _bytes(value: bytes) -> str:
    return f"\\\\x{value.hex()}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\")


async def _some_at_a_time(lines: Iterator[str]) -> AsyncIterator[bytes]:
    while some := list(islice(lines, _LINES_AT_ONCE)):
        yield "".join(some).encode()


async def _add_frames(session: WriteSession, taking: Taking) -> None:
    """Add to the frames of the source what the batch has of each."""
    f = decision_frames.c
    new = {key: Frame(frame.decisions, frame.total) for key, frame in taking.tally.frames.items() if frame.decisions}
    if not new:
        return
    of_source = (f.programme == taking.programme, f.owner == taking.owner, f.source == taking.source)
    statement = select(f.vendor, f.day, f.decisions, f.digest).where(*of_source, f.day.in_({day for _, day in new}))
    statement = scoped(statement, decision_frames, taking.programme, session.principal)
    for row in await session.execute(statement):
        if (row.vendor, row.day) in new:
            new[row.vendor, row.day] += Frame.read(row.decisions, row.digest)
    await session.execute(_PUT_FRAME, list(_frame_rows(taking, new.items())))


def _frame_rows(taking: Taking, frames: Iterable[tuple[tuple[str, date], Frame]]) -> Iterator[dict[str, Any]]:
    for (vendor, day), frame in frames:
        yield {
            "programme": taking.programme,
            "day": day,
            "owner": taking.owner,
            "source": taking.source,
            "vendor": vendor,
            "decisions": frame.decisions,
            "digest": frame.digest,
        }


_FRAME = insert(decision_frames)
_PUT_FRAME = _FRAME.on_conflict_do_update(
    index_elements=["programme", "day", "owner", "source", "vendor"],
    set_={"decisions": _FRAME.excluded.decisions, "digest": _FRAME.excluded.digest},
)


async def _move(session: WriteSession, taking: Taking, next_row: int, counted: int, moment: datetime) -> None:
    """Move the place of the source on."""
    statement = insert(decision_sources).values(
        programme=taking.programme,
        owner=taking.owner,
        source=taking.source,
        vendor=session.principal.vendor,
        edition=taking.edition,
        next_row=next_row,
        decisions=counted,
        changed_at=moment,
    )
    new = statement.excluded
    goes_on = taking.edition == taking.place.edition
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["programme", "owner", "source"],
            set_={
                "edition": new.edition,
                "next_row": new.next_row,
                "decisions": decision_sources.c.decisions + new.decisions if goes_on else new.decisions,
                "changed_at": new.changed_at,
            },
        )
    )
