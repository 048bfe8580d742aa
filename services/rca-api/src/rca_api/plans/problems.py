"""What may stand in the way of a plan."""

from tallystick.service.problems import Problem


class PlanRefused(Problem):
    """The plan has the right shape, and the case does not take it.

    `errors` say why: a scope beyond the vendor that the case is shared with, windows that overlap or are not in the time zone of
    the programme, or a verification window that lies in the past.
    """

    status, title = 409, "The case does not take this plan"


class PlanFrozen(Problem):
    """Work has started, so how its effect will be judged stands as it was registered.

    While the effect is not decided, the verification window can be extended: that stays on record.
    """

    status, title = 409, "The plan stands as it was registered"


class PlanNotOpen(Problem):
    """The verification window cannot be extended now: work has not started, or the effect has been decided."""

    status, title = 409, "The verification window cannot be extended"
