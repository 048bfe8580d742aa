"""From counts to parts: the segments of a cut with what they contribute, and the few that explain the change best."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from reporting_api.decompositions.counts import Counted, rate
from reporting_api.metrics.numbers import interval
from reporting_api.statistics.decomposition import Parts, decompose, find_leading
from tallystick.schemas.decomposition import CutParts, Facet, Part, RateMeasure, SegmentPart

METHOD = "delta-overdispersed"
"""Of the intervals of parts: `docs/decomposition.md` says how they are made."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What is taken apart."""

    measure: RateMeasure
    change: float
    minimum_sample: int
    limit: int
    """Segments that are shown of a cut."""


def cut_parts(counted: Counted, subject: Subject) -> CutParts:
    """The parts of one cut of a change."""
    parts = [decompose(before, after) for before, after in zip(counted.before, counted.after, strict=True)]
    known = [each for each in parts if each is not None]
    segments = sorted(_segments(counted, known, subject), key=lambda each: -abs(each.part.total))
    shown, others = segments[: subject.limit], segments[subject.limit :]
    freedom = sum(each.freedom for each in known)
    by = (*counted.by, Facet.ERROR_CODE) if counted.kinds != ("",) else counted.by
    return CutParts(
        by=by,
        mix=float(sum(each.mix.sum() for each in known)),
        rate=float(sum(each.rate.sum() for each in known)),
        dispersion=sum((each.dispersion or 0) * each.freedom for each in known) / freedom if freedom else None,
        segments=tuple(shown),
        rest=len(others),
        others=_summed(others) if others else None,
    )


async def leading_parts(counted: Counted, subject: Subject) -> tuple[SegmentPart, ...]:
    """The segments that explain a change best, from a cut by all places together."""
    return await asyncio.to_thread(_leading, counted, subject)


def _leading(counted: Counted, subject: Subject) -> tuple[SegmentPart, ...]:
    if not counted.by or not counted.segments:
        return ()
    hits, cases, since = counted.tables()
    names = [sorted(set(values)) for values in zip(*counted.segments, strict=True)]
    found = []
    for segment in find_leading(hits, cases, since):
        cut = counted.by_only([counted.by[place] for place, _ in segment.codes])
        parts = decompose(cut.before[0], cut.after[0])
        wanted = tuple(names[place][code] for place, code in segment.codes)
        if parts is not None:
            found += [each for key, each in zip(cut.segments, _segments(cut, [parts], subject), strict=True) if key == wanted]
    return tuple(each for each in found if each.part.clear)


def _segments(counted: Counted, parts: Sequence[Parts], subject: Subject) -> Iterator[SegmentPart]:
    """The segments of a cut, kind by kind."""
    for kind, part, before, after in zip(counted.kinds, parts, counted.before, counted.after, strict=True):
        k_b, n_b, k_a, n_a = (each.sum(axis=1) for each in (before.hits, before.sizes, after.hits, after.sizes))
        reach = part.reach()
        of_kind = [] if counted.kinds == ("",) else [(Facet.ERROR_CODE.value, kind or None)]
        for i, segment in enumerate(counted.segments):
            total, far = float(part.total[i]), float(reach[i])
            yield SegmentPart.model_construct(
                dimensions=dict(
                    [*((name.value, value or None) for name, value in zip(counted.by, segment, strict=True)), *of_kind]
                ),
                before=rate(subject.measure, int(k_b[i]), int(n_b[i]), subject.minimum_sample),
                after=rate(subject.measure, int(k_a[i]), int(n_a[i]), subject.minimum_sample),
                share_before=float(n_b[i] / n_b.sum()),
                share_after=float(n_a[i] / n_a.sum()),
                part=Part.model_construct(
                    mix=float(part.mix[i]),
                    rate=float(part.rate[i]),
                    total=total,
                    interval=interval((total - far, total + far), METHOD),
                    clear=abs(total) > far,
                ),
                of_change=total / subject.change if subject.change else None,
            )


def _summed(segments: Sequence[SegmentPart]) -> Part:
    parts = [each.part for each in segments]
    mix, of_rate = sum(each.mix for each in parts), sum(each.rate for each in parts)
    return Part(mix=mix, rate=of_rate, total=mix + of_rate, interval=None, clear=None)
