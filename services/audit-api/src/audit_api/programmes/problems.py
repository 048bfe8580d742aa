"""What can stand in the way of a programme's document."""

from tallystick.service.problems import Problem


class TimeZoneInUse(Problem):
    """The programme's time zone cannot change while the period of a draw is under way, or waits to be drawn.

    Its days are those of the time zone that the draw was committed in. `until` is the time from which on none is under way.
    """

    status, title = 409, "The time zone is in use"
