"""What can stand in the way of plans and draws."""

from tallystick.schemas.problem import ProblemError
from tallystick.service.problems import Problem


class SamplingPlanRefused(Problem):
    """The plan has the right shape, and the programme does not take it. `errors` name what is wrong."""

    status, title = 409, "The programme does not take this plan"


class SamplingPlanState(Problem):
    """The plan is in a state in which this cannot be done: one that is retired stays as it is."""

    status, title = 409, "The plan is not in the state for this"


class DrawNotReady(Problem):
    """The draw is not so far: its period is not over, decisions of it are waited for still, or it was withdrawn.

    `state` is the draw's, and `draw_after` the time from which on it can be made.
    """

    status, title = 409, "The draw is not so far"


def refused(pointer: str, code: str, detail: str) -> SamplingPlanRefused:
    """The problem of a plan in which one thing is wrong."""
    return SamplingPlanRefused(detail, errors=[ProblemError(pointer=pointer, code=code, detail=detail)])
