"""What the page of people says: what may be done with a coaching session, and how objectives stand."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy import Row

from rca_api.coaching.records import document
from rca_api.coaching.routes import may_answer, may_cancel, may_write_down
from rca_api.pages import say
from tallystick.schemas.coaching import CoachingKind, CoachingState
from tallystick.schemas.metric import Measure
from tallystick.schemas.objective import NewObjective, ObjectiveOf, ObjectiveRead, ObjectiveStanding
from tallystick.service.auth import Principal
from tallystick.service.pages import words

KINDS = {CoachingKind.SESSION: "Session of one person", CoachingKind.TRAINING: "Training"}
STATES = {
    CoachingState.ARRANGED: "arranged",
    CoachingState.HELD: "held, to be answered",
    CoachingState.AGREED: "agreed",
    CoachingState.DISPUTED: "not agreed",
    CoachingState.CANCELLED: "cancelled",
}
WHOSE = {
    ObjectiveOf.MODERATOR: "A moderator",
    ObjectiveOf.AUDITOR: "An auditor",
    ObjectiveOf.SITE: "A site",
    ObjectiveOf.VENDOR: "A vendor",
}
STANDINGS = {
    ObjectiveStanding.MET: ("good", "Met"),
    ObjectiveStanding.MISSED: ("bad", "Missed"),
    ObjectiveStanding.UNDECIDED: ("open", "Undecided"),
    ObjectiveStanding.NO_DATA: ("open", "No audits yet"),
}
MEASURES = tuple((name, say.measure(name)) for name in get_args(NewObjective.model_fields["measure"].annotation))
_LOWER = frozenset({Measure.ERROR_RATE})


@dataclass(frozen=True, slots=True)
class Session:
    """A coaching session, and what its viewer may do with it."""

    coaching: Mapping[str, Any]
    answers: bool
    writes: bool
    cancels: bool


def sessions(rows: Iterable[Row[Any]], principal: Principal) -> list[Session]:
    """Sessions as their viewer may work on them: those to answer first, then by the time that they are planned for."""
    found = [
        Session(
            document(row),
            row.state == CoachingState.HELD and may_answer(principal, row),
            row.state == CoachingState.ARRANGED and may_write_down(principal, row),
            row.state == CoachingState.ARRANGED and may_cancel(principal, row),
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: (not each.answers, each.coaching["planned_for"]))


def target(objective: NewObjective) -> str:
    """What is to be reached."""
    bound = "at most" if objective.measure in _LOWER else "at least"
    return f"{bound} {words.goal(objective.target)}"


def stands(read: ObjectiveRead) -> str:
    """The number that a standing is read from."""
    number = read.number
    if number.value is None:
        return number.reason or "There are no audits."
    return f"{words.share(number.value)} ({words.bounds(number.interval)}; {words.of(number)})"
