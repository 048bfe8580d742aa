"""The decomposition of a change: how much of it is mix, how much rate, and which segments bring it about."""

from enum import StrEnum
from typing import Literal

from tallystick.schemas.base import Wire
from tallystick.schemas.metric import Interval, Number, Period, Scope

RateMeasure = Literal["error_rate", "false_positive_rate", "false_negative_rate", "overturn_rate"]
"""Rates whose changes are taken apart, and which a plan can promise to lower."""


class Facet(StrEnum):
    """What a change is cut by."""

    VENDOR = "vendor"
    SITE = "site"
    QUEUE = "queue"
    MARKET = "market"
    LANGUAGE = "language"
    POLICY = "policy"
    ERROR_CODE = "error_code"
    MODERATOR_TENURE = "moderator_tenure"
    """`under_4_weeks`, `4_to_13_weeks` or `over_13_weeks` since the moderator's first audited decision; `null`: not known."""


class Part(Wire):
    """A part of the change of a rate, in the unit of the rate. The parts of all segments sum to the change."""

    mix: float
    """Because the segment's share of the audits moved."""
    rate: float
    """Because the rate in the segment changed."""
    total: float
    """The sum of both: the segment's contribution."""
    interval: Interval | None
    """Of the total. It allows for weeks that differ by more than chance."""
    clear: bool | None
    """Whether the interval leaves out 0: otherwise it may be noise. One in twenty does by chance; `leading` allows for that."""


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

    by: tuple[Facet, ...]
    mix: float
    rate: float
    dispersion: float | None
    """By how much the segments' weekly rates vary beyond chance: a ratio of variances, at least 1; `null` without two weeks."""
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
    """With their first audited decision in the period, at least four weeks after their vendor's first."""
    new_moderators_share: Number
    """Their share of what the rate is divided by."""
    new_moderators_rate: Number
    """The measure among them."""
    other_moderators_rate: Number


class Decomposition(Wire):
    """Why a rate changed from one period to another."""

    scope: Scope
    measure: RateMeasure
    before: Number
    after: Number
    baseline: Period
    change: float | None
    interval: Interval | None = None
    """Of the change. It allows for weeks that differ by more than chance."""
    clear: bool | None = None
    """Whether the interval leaves out 0; `null` without an interval."""
    reason: str | None = None
    """Why there is no change to take apart."""
    cuts: tuple[CutParts, ...]
    """One by each dimension; where several were asked for, one by each pair of them, and by three or four of them together."""
    leading: tuple[SegmentPart, ...]
    """The segments by vendor, site, queue, market and pairs of them that explain the change best, each narrowest one once.

    They are beyond chance with the search allowed for. Empty where nothing is, or where the change is the same everywhere.
    """
    circumstances: Circumstances
