"""What may stand in the way of a cause."""

from tallystick.service.problems import Problem


class CauseRefused(Problem):
    """The cause or the why has the right shape, and the case does not take it; `errors` say what is wrong with it.

    It names a code that is not in the programme's taxonomy, hangs from a why that is not there or that fewer people may read,
    the accepted causes would explain more than the whole error, or the case has as many as it can hold.
    """

    status, title = 409, "The case does not take this cause"


class CauseDecided(Problem):
    """The cause was accepted or rejected. Who proposed it cannot change it any more; a manager can, and can decide anew."""

    status, title = 409, "The cause has been decided about"


class CauseParty(Problem):
    """The cause or the why is somebody else's: a vendor's people change what their own vendor's people wrote."""

    status, title = 403, "The other side wrote this"


class InternalCause(Problem):
    """A vendor's people wrote to the causes that the client's people keep among themselves.

    Send it with `audience` `vendor`: both sides read it then.
    """

    status, title = 403, "Internal causes are the client's own"
