"""What else was different between two periods: how much was audited, and whether people were new."""

from collections.abc import Iterable
from dataclasses import replace

from reporting_api.decompositions.counts import hits_and_cases, rate
from reporting_api.decompositions.question import Change
from reporting_api.decompositions.tenure import Moderator, beginners
from reporting_api.metrics.answer import Pair, groups
from reporting_api.metrics.numbers import proportion
from reporting_api.metrics.question import Question
from reporting_api.metrics.standing import Standing
from tallystick.schemas.decomposition import Circumstances
from tallystick.schemas.metric import Dimension
from tallystick.service.database import ReadSession


async def circumstances(session: ReadSession, standing: Standing, change: Change) -> Circumstances:
    """The circumstances of a change with settled periods."""
    baseline, period = change.period(after=False), change.period(after=True)
    before, after = await _by_moderator(session, baseline), await _by_moderator(session, period)
    volume_before, volume_after = _volume(before.values()), _volume(after.values())
    days_before, days_after = _days(baseline), _days(period)
    new: set[Moderator] = set()
    if period.start is not None and period.end is not None:
        new = await beginners(session, change.programme, period.start, period.end) & after.keys()
    minimum = standing.targets.minimum_sample
    (of_new, size_of_new), (of_others, size_of_others) = (
        _summed(change, (pair for key, pair in after.items() if (key in new) == is_new)) for is_new in (True, False)
    )
    return Circumstances(
        volume_before=volume_before,
        volume_after=volume_after,
        volume_change=(volume_after / days_after) / (volume_before / days_before) - 1 if volume_before else None,
        moderators_before=_named(before),
        moderators_after=_named(after),
        new_moderators=len(new),
        new_moderators_share=proportion(size_of_new, size_of_new + size_of_others, minimum, "There are no audits to divide by."),
        new_moderators_rate=rate(change.measure, of_new, size_of_new, minimum),
        other_moderators_rate=rate(change.measure, of_others, size_of_others, minimum),
    )


async def _by_moderator(session: ReadSession, question: Question) -> dict[Moderator, Pair]:
    return dict(await groups(session, replace(question, by=(Dimension.VENDOR, Dimension.MODERATOR))))


def _volume(pairs: Iterable[Pair]) -> int:
    return sum(whole["audits"] for _, whole in pairs)


def _named(moderators: Iterable[Moderator]) -> int:
    return sum(name != "" for _, name in moderators)


def _days(question: Question) -> int:
    return (question.end - question.start).days if question.start and question.end else 1


def _summed(change: Change, pairs: Iterable[Pair]) -> tuple[int, int]:
    counted = [hits_and_cases(change.measure, pair) for pair in pairs]
    return sum(hits for hits, _ in counted), sum(cases for _, cases in counted)
