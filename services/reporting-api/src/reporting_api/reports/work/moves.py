"""What the steps of a case say: where it stood when, when it was open, when its root cause was due and known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from tallystick.schemas.case import FINISHED, CaseState, CaseStep


@dataclass(frozen=True, slots=True)
class Move:
    """A step that a case took."""

    step: CaseStep
    state: CaseState
    at: datetime
    due_at: datetime | None
    """When the case had been due until then."""


@dataclass(frozen=True, slots=True)
class RootCause:
    """A search for a root cause: when it was due, and when it was known."""

    due_at: datetime
    known_at: datetime | None


def moves_of(told: Sequence[Mapping[str, str | None]]) -> tuple[Move, ...]:
    """The steps as a case tells them, oldest first."""
    return tuple(
        Move(CaseStep(str(each["step"])), CaseState(str(each["state"])), datetime.fromisoformat(str(each["at"])), _due(each))
        for each in told
    )


def _due(told: Mapping[str, str | None]) -> datetime | None:
    due = told["due_at"]
    return None if due is None else datetime.fromisoformat(due)


def state_at(moves: Sequence[Move], moment: datetime) -> CaseState | None:
    """Where a case stood; None before it was opened."""
    return next((each.state for each in reversed(moves) if each.at <= moment), None)


def open_since(moves: Sequence[Move], moment: datetime) -> datetime | None:
    """Since when a case has gone on: its opening, or the last time it was opened again; None where it does not."""
    state = state_at(moves, moment)
    if state is None or state in FINISHED:
        return None
    return next(each.at for each in reversed(moves) if each.at <= moment and each.step in {CaseStep.OPEN, CaseStep.REOPEN})


def spans(moves: Sequence[Move], moment: datetime) -> list[tuple[datetime, datetime]]:
    """From when to when a case was open, up to a moment."""
    found: list[tuple[datetime, datetime]] = []
    begun: datetime | None = None
    for each in moves:
        if each.at > moment:
            break
        if each.state in FINISHED:
            if begun is not None:
                found.append((begun, each.at))
            begun = None
        elif begun is None:
            begun = each.at
    return found if begun is None else [*found, (begun, moment)]


def root_causes(moves: Sequence[Move], due_at: datetime | None) -> list[RootCause]:
    """The searches for root causes of a case that is due at `due_at` now: one for each time that it was opened.

    One ends when the case leaves its analysis for the first time. One that ends otherwise, or has no due date, is none.
    """
    found: list[RootCause] = []
    searching = False
    for each in moves:
        if each.step in {CaseStep.OPEN, CaseStep.REOPEN}:
            searching = True
        elif searching and each.step is CaseStep.PLAN:
            searching = False
            if each.due_at is not None:
                found.append(RootCause(each.due_at, each.at))
        elif each.state in FINISHED:
            searching = False
    if searching and due_at is not None:
        found.append(RootCause(due_at, None))
    return found


def closings(moves: Sequence[Move], moment: datetime) -> list[tuple[Move, bool]]:
    """Each closing of a case up to a moment, and whether it was opened again since."""
    past = [each for each in moves if each.at <= moment]
    again = {now.at for now, later in pairwise(past) if later.step is CaseStep.REOPEN}
    return [(each, each.at in again) for each in past if each.state is CaseState.CLOSED]
