"""What may stand in the way of a batch of decisions."""

from tallystick.service.problems import Problem


class SourceOutOfStep(Problem):
    """The batch does not go on where its source stands.

    `edition` and `next_row` say where it stands: go on there. Lines between `next_row` and the `first_row` that was sent are
    missing; another request of the same source may have been taken in meanwhile; or the edition is none that the source has.
    A corrected file is the next edition and begins with `first_row` 0.
    """

    status, title = 409, "The source is at another line"
