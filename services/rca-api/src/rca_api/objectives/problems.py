"""What may stand in the way of an objective."""

from tallystick.service.problems import Problem


class ObjectiveRefused(Problem):
    """The objective has the right shape, and the programme does not take it.

    `errors` say why: a vendor or site that is not known, a scope that leaves the vendor's own audits, an auditor's objective that
    a vendor would read, or a case that the vendor has no part in.
    """

    status, title = 409, "The programme does not take this objective"


class ObjectiveEnded(Problem):
    """The objective was taken back before. What it was stays on record; set another one instead."""

    status, title = 409, "The objective has ended"
