"""However decisions are split, repeated, overlapped and corrected, what is kept of them is that of the plain set."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

import asyncpg
import httpx
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conftest import Caller
from decisions import KEY, candidates, commit_draw, counts, frames, send
from factories import decision_row, programme_document
from tallystick.draw import FIELDS, Frame, canonical, rank, stratum_of, texts
from tallystick.schemas.base import new_id
from tallystick.schemas.decision import Decision
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import StratumDimension

DIMENSIONS = (StratumDimension.VENDOR, StratumDimension.QUEUE)
RESERVE = 4
_COUNTED = [FIELDS.index(each.value) for each in StratumDimension]
ZONE = ZoneInfo("Europe/Berlin")


def _row(number: int, kind: int, *, good: bool) -> dict[str, Any]:
    """A decision whose id says where it is from, so that no two sources have one."""
    return decision_row(
        f"D-{number}",
        queue=("live", "comments")[kind % 2] if good else "unknown",
        moderator=f"m-{kind % 3}",
        decided_at=f"2026-09-0{1 + kind % 2}T2{kind % 4}:30:00Z",
        risk=("high", None)[kind % 2],
    )


@dataclass
class Source:
    """A file that a test sends, as it is now and as far as it was taken."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    edition: int = 1
    taken: int = 0


_STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("grow"), st.integers(0, 2), st.lists(st.tuples(st.integers(0, 7), st.booleans()), max_size=25)),
        st.tuples(st.just("send"), st.integers(0, 2), st.tuples(st.integers(0, 40), st.integers(0, 40))),
        st.tuples(st.just("correct"), st.integers(0, 2), st.integers(0, 3)),
    ),
    min_size=4,
    max_size=14,
)


@dataclass
class Model:
    """The plain set: the lines of each source that are taken."""

    sources: list[Source] = field(default_factory=lambda: [Source(), Source(), Source()])
    numbers: int = 0
    cuts: dict[str, bytes] = field(default_factory=dict)

    def decisions(self) -> list[Decision]:
        """Those that count."""
        rows = [row for source in self.sources for row in source.lines[: source.taken]]
        return [Decision.model_validate(row) for row in rows if row["queue"] != "unknown"]

    def cut(self) -> dict[str, list[str]]:
        """The candidates of each stratum; what was cut off once never comes back, but what is below the cut does."""
        strata: dict[str, list[tuple[bytes, str]]] = {}
        for one in self.decisions():
            code, _ = stratum_of(DIMENSIONS, one)
            strata.setdefault(code, []).append((rank(KEY, one.vendor, one.decision_id), one.decision_id))
        kept: dict[str, list[str]] = {}
        for code, members in strata.items():
            below = sorted(member for member in members if member[0] < self.cuts.get(code, b"\xff" * 33))
            if len(below) > RESERVE:
                self.cuts[code] = below[RESERVE][0]
            if below:
                kept[code] = [name for _, name in below[:RESERVE]]
        return kept


async def _step(client: httpx.AsyncClient, programme: str, model: Model, step: tuple[str, int, Any]) -> None:
    kind, place, what = step
    source = model.sources[place]
    if kind == "grow":
        for number, good in what:
            source.lines.append(_row(model.numbers, number, good=good or number > 0))
            model.numbers += 1
        return
    if kind == "correct":
        if not source.taken:
            return
        source.edition, source.taken = source.edition + 1, 0
        source.lines = source.lines[what::2]
        first, end = 0, len(source.lines) // 2
    else:
        first, end = what
    rows = source.lines[first:end]
    answer = await send(client, programme, rows, source=f"s-{place}", edition=source.edition, first_row=first)
    if first > source.taken:
        assert answer.status_code == 409, answer.text
        assert (answer.json()["edition"], answer.json()["next_row"]) == (source.edition, source.taken)
        return
    batch = answer.json()
    counted = batch["counts"]
    assert answer.status_code == 201, answer.text
    assert counted["repeated"] == min(len(rows), source.taken - first)
    assert counted["rows"] == len(rows) == counted["repeated"] + counted["rejected"] + counted["counted"]
    source.taken = max(source.taken, first + len(rows))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=_STEPS)
async def test_what_is_kept_is_that_of_the_plain_set(
    audit_app: FastAPI, caller: Caller, store: asyncpg.Connection, steps: list[tuple[str, int, Any]]
) -> None:
    """Counts, frames and candidates, after every step."""
    client, programme, model = caller(audit_app, Role.ADMIN), f"m-{new_id().hex[-16:]}", Model()
    await client.put(f"/v1/programmes/{programme}", json=programme_document(programme))
    draw_id = await commit_draw(store, programme, reserve=RESERVE)
    for step in steps:
        await _step(client, programme, model, step)
        decisions = model.decisions()
        days = [f"{one.decided_at.astimezone(ZONE).date()}" for one in decisions]
        kinds = [tuple(texts(one)[place] for place in _COUNTED) for one in decisions]
        expected: dict[tuple[str, str], Frame] = {}
        for day, one in zip(days, decisions, strict=True):
            expected[day, one.vendor] = expected.get((day, one.vendor), Frame()) + Frame.of([canonical(one)])

        assert await counts(store, programme) == Counter((day, *kind) for day, kind in zip(days, kinds, strict=True))
        assert await frames(store, programme) == expected
        assert await candidates(store, draw_id) == model.cut()
