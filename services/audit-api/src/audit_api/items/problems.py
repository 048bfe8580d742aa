"""What may stand in the way of working on an item."""

from tallystick.service.problems import Problem


class NotStaffed(Problem):
    """The caller is not among the auditors of the programme, or not active: a manager has to put them there first."""

    status, title = 403, "You are no auditor of this programme"


class ItemNotInHand(Problem):
    """The item is not in the caller's hand: it was audited or given back, or the time for it ran out and it went on to others."""

    status, title = 409, "The item is not in your hand"


class ItemRefused(Problem):
    """The programme does not take this judgement of the item.

    `errors` name the words that it does not know, or a judgement that contradicts itself.
    """

    status, title = 409, "The programme does not take this judgement"
