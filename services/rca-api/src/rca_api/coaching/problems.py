"""What may stand in the way of coaching."""

from tallystick.service.problems import Problem


class CoachingRefused(Problem):
    """The session has the right shape, and the programme does not take it.

    `errors` say why: a vendor that is not known, an audit that is not there or is not of this person, a case that is not the
    vendor's, or one of the client's people who does not sign in.
    """

    status, title = 409, "The programme does not take this coaching session"


class CoachingState(Problem):
    """The session is in a state in which this cannot be done: it has to be held before it is answered, and the answer ends it."""

    status, title = 409, "The coaching session is not in a state for this"


class CoachingParty(Problem):
    """This is somebody else's: who coaches holds the session, the coached person answers.

    For a person who does not sign in, somebody of their vendor brings the answer who did not coach them.
    """

    status, title = 403, "This part of the coaching is somebody else's"
