"""The decomposition of a change: its cuts, the segments that lead it, and what else was different."""

from collections.abc import Iterator
from itertools import combinations

from reporting_api.decompositions.circumstances import circumstances
from reporting_api.decompositions.counts import PLACES, Counted, count, rate
from reporting_api.decompositions.parts import METHOD, Subject, cut_parts, leading_parts
from reporting_api.decompositions.question import Change
from reporting_api.metrics.answer import period, scope
from reporting_api.metrics.numbers import interval
from reporting_api.metrics.standing import Standing
from reporting_api.statistics.decomposition import decompose
from tallystick.schemas.decomposition import CutParts, Decomposition, Facet
from tallystick.service.database import ReadSession

_TOGETHER = 3
"""Dimensions from which on they are a cut of their own, all together."""


async def decomposition(session: ReadSession, standing: Standing, change: Change) -> Decomposition:
    """Take a change with settled periods apart.

    Raises:
        InvalidRequest: a cut has too many segments.
    """
    minimum = standing.targets.minimum_sample
    places = await count(session, change, [each for each in PLACES if each in (change.by or PLACES)])
    whole = places.by_only(())
    (before,), (after,) = whole.before, whole.after
    numbers = [rate(change.measure, int(each.hits.sum()), int(each.sizes.sum()), minimum) for each in (before, after)]
    parts = decompose(before, after)
    baseline = change.period(after=False)
    told = Decomposition(
        scope=scope(standing, change.period(after=True), session.principal),
        measure=change.measure,
        before=numbers[0],
        after=numbers[1],
        baseline=period(standing, baseline.start, baseline.end),
        change=None,
        reason=next((each.reason for each in numbers if each.reason), None),
        cuts=(),
        leading=(),
        circumstances=await circumstances(session, standing, change),
    )
    if parts is None:
        return told
    subject = Subject(change.measure, float(parts.total[0]), minimum, change.limit)
    reach = float(parts.reach()[0])
    cuts = [cut_parts(await _counted(session, change, by, places), subject) for by in _cuts(change)]
    return told.model_copy(
        update={
            "change": subject.change,
            "interval": interval((subject.change - reach, subject.change + reach), METHOD),
            "clear": abs(subject.change) > reach,
            "cuts": tuple(sorted(cuts, key=_clearest)),
            "leading": await leading_parts(places, subject),
        }
    )


def _cuts(change: Change) -> Iterator[tuple[Facet, ...]]:
    """Each dimension; each pair of those that were asked for, and three or four of them together."""
    if not change.by:
        yield from ((each,) for each in Facet if not (change.of_appeals and each == Facet.MODERATOR_TENURE))
        return
    for width in (1, 2):
        yield from combinations(change.by, width)
    if len(change.by) >= _TOGETHER:
        yield change.by


async def _counted(session: ReadSession, change: Change, by: tuple[Facet, ...], places: Counted) -> Counted:
    """The counts of a cut; those by places are known already."""
    return places.by_only(by) if set(by) <= set(places.by) else await count(session, change, by)


def _clearest(cut: CutParts) -> float:
    """Orders cuts by their most certain segment."""
    parts = [each.part for each in cut.segments]
    widths = [(part.total, part.interval.high - part.interval.low) for part in parts if part.interval]
    return -max((abs(total) / width for total, width in widths if width > 0), default=0.0)
