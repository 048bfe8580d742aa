"""What may stand in the way of a case."""

from tallystick.service.problems import Problem


class CaseRefused(Problem):
    """The case has the right shape, and the programme does not take it.

    It names a vendor or a cause that the programme does not know, or somebody who is of another vendor than the case.
    """

    status, title = 409, "The programme does not take this case"


class CaseClosed(Problem):
    """The case is closed or cancelled, and so is its conversation: what was concluded stands as it was read.

    A manager can open a closed case again; where there is something else to find out, open another one.
    """

    status, title = 409, "The case is closed"


class CaseState(Problem):
    """The case is in a state in which this step cannot be taken. `possible` lists the steps that lead on from it."""

    status, title = 409, "The case is not in a state for this"


class CaseIncomplete(Problem):
    """The case is in the right state for this step, and something is missing that the step needs.

    `errors` say what. `possible` lists all steps that lead on from its state.
    """

    status, title = 409, "Something is missing for this step"
