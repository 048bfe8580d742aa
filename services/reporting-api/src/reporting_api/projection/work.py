"""The projection of rca-api's feed: cases with their causes, actions and plans, each kept as the feed last showed it.

Its cursor is one of its own, so that neither feed waits for the other.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row, Table, select
from sqlalchemy.dialects.postgresql import insert

from reporting_api.projection.cursors import advance, forget, hold
from reporting_api.tables import actions, cases, causes, plans, work_cursors
from tallystick.client import FeedPage
from tallystick.schemas.programme import Programme
from tallystick.service.auth import ALL
from tallystick.service.database import ReadSession, WriteSession, scoped

Thing = Mapping[str, Any]
"""What a change shows, as it came over the wire."""

WORK = (cases, causes, actions, plans)


def _case(case: Thing) -> dict[str, Any]:
    baseline = case["baseline"]
    return {
        "case_id": case["id"],
        **{name: case[name] for name in ("vendor", "title", "state", "measure", "priority", "owner", "scope", "moves")},
        "baseline_from": date.fromisoformat(baseline["from"]),
        "baseline_to": date.fromisoformat(baseline["to"]),
        **{name: _moment(case[name]) for name in ("opened_at", "due_at", "watch_until")},
        "overridden": case["override"] is not None,
    }


def _cause(cause: Thing) -> dict[str, Any]:
    return {
        "cause_id": cause["id"],
        **{name: cause[name] for name in ("case_id", "audience", "state", "code", "category", "share")},
    }


def _action(action: Thing) -> dict[str, Any]:
    return {
        "action_id": action["id"],
        **{name: action[name] for name in ("case_id", "vendor", "kind", "title", "owner", "owner_vendor", "state")},
        **{name: _moment(action[name]) for name in ("opened_at", "due_at", "done_at")},
    }


def _plan(plan: Thing) -> dict[str, Any]:
    return {
        **{name: plan[name] for name in ("case_id", "vendor", "verdict")},
        "judge_on": date.fromisoformat(plan["judge_on"]),
        "judged_at": _moment(plan["judged_at"]),
    }


def _moment(value: str | None) -> datetime | None:
    return None if value is None else datetime.fromisoformat(value)


_NOUNS: dict[str, tuple[Table, Callable[[Thing], dict[str, Any]]]] = {
    "case": (cases, _case),
    "cause": (causes, _cause),
    "action": (actions, _action),
    "plan": (plans, _plan),
}


Work = dict[str, list[dict[str, Any]]]
"""Rows by noun."""


def work_of(changes: Iterable[Thing]) -> Work:
    """The rows that a page of changes asks for. What stands there twice counts as last; other nouns are passed over."""
    latest: dict[str, dict[str, dict[str, Any]]] = {}
    for change in changes:
        if change["noun"] in _NOUNS:
            _, row_of = _NOUNS[change["noun"]]
            latest.setdefault(change["noun"], {})[change["id"]] = {"position": change["position"], **row_of(change["data"])}
    return {noun: list(rows.values()) for noun, rows in latest.items()}


async def find_work_cursor(session: ReadSession, programme: str) -> Row[Any] | None:
    """Where rca-api's feed of a programme was read up to; None where nothing was read of it yet."""
    return (await session.execute(scoped(select(work_cursors), work_cursors, programme, session.principal))).one_or_none()


async def list_work_cursors(session: ReadSession) -> Sequence[Row[Any]]:
    """The cursors of all programmes that are there for the principal."""
    statement = select(work_cursors)
    if ALL not in session.principal.programmes:
        statement = statement.where(work_cursors.c.programme.in_(session.principal.programmes))
    return (await session.execute(statement)).all()


async def open_work_cursor(session: WriteSession, document: Programme) -> Row[Any]:
    """The cursor of a programme, made where there is none."""
    await session.execute(insert(work_cursors).values(programme=document.slug, position=0).on_conflict_do_nothing())
    return (await session.execute(select(work_cursors).where(work_cursors.c.programme == document.slug))).one()


async def apply_work_page(session: WriteSession, before: Row[Any], page: FeedPage, work: Work) -> Row[Any]:
    """Apply a page that was read from the cursor `before`, and answer the cursor behind it. `work` is that of the page.

    A thing that is stored at the same or a later position already is left alone, so that a page applied twice changes nothing.

    Raises:
        OvertakenError: the cursor has moved since; nothing was applied.
    """
    await hold(session, work_cursors, before)
    for noun, rows in work.items():
        table, _ = _NOUNS[noun]
        adding = insert(table)
        kept = {column.name: adding.excluded[column.name] for column in table.c if not column.primary_key}
        merging = adding.on_conflict_do_update(
            index_elements=list(table.primary_key), set_=kept, where=table.c.position < adding.excluded.position
        )
        await session.execute(merging, [{"programme": before.programme, **row} for row in rows])
    return await advance(session, work_cursors, page, changed=bool(page.changes))


async def start_work_anew(session: WriteSession, programme: str) -> None:
    """Forget what was built from rca-api's feed of a programme; whoever follows it begins at its start."""
    await forget(session, work_cursors, programme, WORK)
