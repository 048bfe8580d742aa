"""The decomposition of a change: how much of it is mix, how much rate, and which segments bring it about."""

from tallystick.schemas.base import Wire
from tallystick.schemas.metric import Dimension, Interval, Measure, Number, Period, Scope


class Part(Wire):
    """A part of the change of a rate, in the unit of the rate. The parts of all segments sum to the change."""

    mix: float
    """Because the segment's share of the audits moved."""
    rate: float
    """Because the rate in the segment changed."""
    total: float
    """The sum of both: the segment's contribution."""
    interval: Interval | None
    """Of the total."""
    clear: bool | None
    """Whether the interval leaves out 0: otherwise it may be noise. `null` without an interval."""


class SegmentPart(Wire):
    """One segment and what it contributes."""

    dimensions: dict[str, str | None]
    before: Number
    after: Number
    share_before: float | None
    """The segment's share of all audits of the scope."""
    share_after: float | None
    part: Part
    of_change: float | None
    """The contribution as a share of the whole change; `null` where there is none."""


class CutParts(Wire):
    """The change, cut by one set of dimensions. Segments by the size of their contributions, the greatest first."""

    by: tuple[Dimension | str, ...]
    """Dimensions of metrics, or `moderator_tenure`."""
    mix: float
    rate: float
    segments: tuple[SegmentPart, ...]
    rest: int
    """Segments that are not shown; their parts are summed in `others`."""
    others: Part | None


class Circumstances(Wire):
    """What else was different: volume, and people who were new."""

    volume_before: int
    volume_after: int
    volume_change: float | None
    """Relative, per day."""
    moderators_before: int
    moderators_after: int
    new_moderators: int
    """With their first audited decision in the period."""
    new_moderators_share: Number
    """Their share of the audits."""
    new_moderators_rate: Number
    """The measure among them."""
    other_moderators_rate: Number


class Decomposition(Wire):
    """Why a rate changed from one period to another."""

    scope: Scope
    measure: Measure
    before: Number
    after: Number
    baseline: Period
    change: float | None
    reason: str | None = None
    """Why there is no change to take apart."""
    cuts: tuple[CutParts, ...]
    """One by each dimension, and one by each pair that was asked for; the one that explains most first."""
    leading: tuple[SegmentPart, ...]
    """The segments of all cuts that explain the change best, each narrowest segment once; clear ones alone."""
    circumstances: Circumstances
