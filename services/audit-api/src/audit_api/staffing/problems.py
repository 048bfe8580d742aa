"""What may stand in the way of arranging people."""

from tallystick.service.problems import Problem


class AuditorRefused(Problem):
    """What is said of the auditor has the right shape, and the programme does not take it.

    `errors` name the languages, policies, vendors and sites that it does not know.
    """

    status, title = 409, "The programme does not take this auditor"
