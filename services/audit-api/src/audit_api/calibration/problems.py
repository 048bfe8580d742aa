"""What can stand in the way of calibration."""

from collections.abc import Sequence

from tallystick.schemas.calibration import TRANSITIONS, SessionAction, SessionState
from tallystick.schemas.principal import Role
from tallystick.schemas.problem import ProblemError
from tallystick.service.problems import Problem


class CalibrationState(Problem):
    """The session is in a state in which this cannot be done.

    `possible` lists what can be done with it now, by somebody whose part it is.
    """

    status, title = 409, "The session is not in the state for this"


class CalibrationRefused(Problem):
    """The request has the right shape, and the programme or the session does not take it. `errors` name what is wrong."""

    status, title = 409, "The session does not take this"


class RatingClosed(Problem):
    """Ratings are no longer taken: the deadline is over, or the session has moved to review. What was given before stands."""

    status, title = 409, "Ratings are no longer taken"


class NoRater(Problem):
    """The session names its raters, and the caller is none of them."""

    status, title = 403, "You are no rater of this session"


def may(action: SessionAction) -> Sequence[Role]:
    """The roles that may take an action."""
    [transition] = [each for each in TRANSITIONS if each.action is action]
    return sorted(transition.by)


def require_state(state: str, action: SessionAction) -> SessionState:
    """The state that an action leads to; a problem where it is not possible."""
    possible = {each.action: each.target for each in TRANSITIONS if each.source == state}
    if action not in possible:
        raise CalibrationState(f"The session is in the state {state}.", possible=list(possible))
    return possible[action]


def refused(pointer: str, code: str, detail: str) -> CalibrationRefused:
    """The problem of a request in which one thing is wrong."""
    return CalibrationRefused(detail, errors=[ProblemError(pointer=pointer, code=code, detail=detail)])
