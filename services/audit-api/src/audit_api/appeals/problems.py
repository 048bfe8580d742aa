"""What may stand in the way of an appeal."""

from tallystick.service.problems import Problem


class AppealRefused(Problem):
    """The appeal has the right shape, and the programme does not take it.

    `errors` name the ground that it does not know, or what is wrong with the judgement that is proposed.
    """

    status, title = 409, "The programme does not take this appeal"


class AppealWindowClosed(Problem):
    """The time in which this audit could be appealed is over: `closed_at` says since when."""

    status, title = 409, "The audit can no longer be appealed"


class AppealOpen(Problem):
    """The audit is under appeal already, by the appeal that `appeal_id` names."""

    status, title = 409, "The audit is under appeal already"


class AppealDecided(Problem):
    """An appeal of this audit has been decided, by which it stands: the one that `appeal_id` names.

    The audit can be appealed again once it has been revised. Until then the decision can be escalated, once.
    """

    status, title = 409, "An appeal of this audit has been decided"


class AppealState(Problem):
    """The appeal is in a state in which this cannot be done to it. `possible` lists what can be done now."""

    status, title = 409, "The appeal is not in a state for this"


class AppealClaimed(Problem):
    """Somebody else has claimed this appeal. Who holds a claim decides, or releases it; until then it is theirs alone."""

    status, title = 403, "Somebody else has claimed this appeal"


class AppealParty(Problem):
    """The audit is the caller's own work: they recorded it, carried it out or revised it, so they do not decide about it."""

    status, title = 403, "Nobody decides about their own audit"
