"""What may stand in the way of an action."""

from tallystick.service.problems import Problem


class ActionRefused(Problem):
    """The action has the right shape, and the case does not take it.

    `errors` say why: an owner of another vendor than the case's, a due date that has passed, or an action to wait
    for that the case does not have.
    """

    status, title = 409, "The case does not take this action"


class ActionState(Problem):
    """The action is in a state in which this step cannot be taken, or waits for others. `possible` lists the steps that can."""

    status, title = 409, "The action is not in a state for this"


class ActionParty(Problem):
    """The step is somebody else's: its owner's or a manager's to do it, and to verify it somebody's who is not the owner."""

    status, title = 403, "This step is somebody else's"
