"""The verdict on a plan, with its numbers and, in a sentence, why."""

from dataclasses import dataclass, replace
from math import inf

from reporting_api.decompositions.counts import rate
from reporting_api.effects.question import Planned
from reporting_api.effects.weeks import Weeks, read_weeks
from reporting_api.metrics.answer import scope
from reporting_api.metrics.numbers import interval
from reporting_api.metrics.standing import Standing
from reporting_api.statistics.effects import (
    LEVEL,
    Comparison,
    Judgement,
    Series,
    bounds,
    further_cases,
    further_weeks,
    judge,
    log_ratio,
)
from tallystick.schemas.effect import Effect, EffectVerdict, EffectWeek
from tallystick.schemas.metric import Difference, Number
from tallystick.service.database import ReadSession

METHOD = "ratio-of-ratios-overdispersed-t"
"""Of the interval of a reduction: `docs/effects.md` says how it is made."""

_VERDICTS = {
    Judgement.EFFECTIVE: EffectVerdict.EFFECTIVE,
    Judgement.NOT_EFFECTIVE: EffectVerdict.NOT_EFFECTIVE,
    Judgement.UNDECIDED: EffectVerdict.NOT_YET_DECIDABLE,
}


@dataclass(frozen=True, slots=True)
class _Ruling:
    verdict: EffectVerdict
    why: str
    reduction: Difference
    dispersion: float | None = None
    sample_needed: int | None = None


async def effect(session: ReadSession, standing: Standing, planned: Planned) -> Effect:
    """Judge a plan by what is counted."""
    weeks = await read_weeks(session, planned)
    minimum = standing.targets.minimum_sample

    def numbers(series: Series) -> tuple[Number, Number]:
        (k_b, n_b), (k_a, n_a) = series.summed(after=False), series.summed(after=True)
        return rate(planned.measure, int(k_b), int(n_b), minimum), rate(planned.measure, int(k_a), int(n_a), minimum)

    (before, after), (control_before, control_after) = numbers(weeks.scope), numbers(weeks.control)
    missing = _missing(planned, before, after, control_before, control_after)
    sample = after.denominator or 0
    ruling = _undecidable(missing) if missing else _ruled(planned, weeks, sample)
    short = planned.minimum_sample - sample
    if short > 0 and missing is None:
        ruling = replace(
            ruling,
            verdict=EffectVerdict.NOT_YET_DECIDABLE,
            why=f"The plan asks for {planned.minimum_sample:,} after; there are {sample:,}.",
            sample_needed=max(short, ruling.sample_needed or 0),
        )
    return Effect(
        scope=scope(standing, planned.scope(after=True), session.principal),
        plan=planned.plan(standing.time_zone),
        verdict=ruling.verdict,
        why=ruling.why,
        before=before,
        after=after,
        control_before=control_before,
        control_after=control_after,
        reduction=ruling.reduction,
        dispersion=ruling.dispersion,
        weeks=tuple(
            EffectWeek(
                week=week,
                window="verification" if is_after else "baseline",
                scope=rate(planned.measure, int(weeks.scope.hits[place]), int(weeks.scope.sizes[place]), minimum),
                control=rate(planned.measure, int(weeks.control.hits[place]), int(weeks.control.sizes[place]), minimum),
            )
            for place, (week, is_after) in enumerate(weeks.weeks)
        ),
        sample=sample,
        sample_needed=ruling.sample_needed,
    )


def _missing(planned: Planned, before: Number, after: Number, control_before: Number, control_after: Number) -> str | None:
    """Why there is no effect to speak of; None where there is one."""
    if planned.everywhere:
        return "The scope is all there is: nothing is left to compare with."
    windows = (
        (before, "the scope in the baseline"),
        (after, "the scope in the verification window"),
        (control_before, "the control in the baseline"),
        (control_after, "the control in the verification window"),
    )
    empty = [name for number, name in windows if not number.denominator]
    if empty:
        return f"There is nothing to divide by in {empty[0]}."
    flawless = [name for number, name in (windows[0], windows[2], windows[3]) if not number.numerator]
    return f"There was no error in {flawless[0]}, so there is no ratio." if flawless else None


def _undecidable(reason: str) -> _Ruling:
    return _Ruling(EffectVerdict.NOT_YET_DECIDABLE, reason, Difference(value=None, interval=None, clear=None, reason=reason))


def _ruled(planned: Planned, weeks: Weeks, sample: int) -> _Ruling:
    """The ruling on a plan with cases and errors to compare."""
    found = Comparison(log_ratio(weeks.scope), log_ratio(weeks.control))
    reach = float(found.reach())
    (k_b, n_b), (k_a, n_a) = weeks.scope.summed(after=False), weeks.scope.summed(after=True)
    (c_b, m_b), (c_a, m_a) = weeks.control.summed(after=False), weeks.control.summed(after=True)
    value = 1 - float((k_a / n_a) / (k_b / n_b) / ((c_a / m_a) / (c_b / m_b)))
    if reach == inf:
        reason = "Too few weeks tell by how much they vary: scope and control each need two with audits, in one window."
        return _Ruling(EffectVerdict.NOT_YET_DECIDABLE, reason, Difference(value=value, interval=None, clear=None, reason=reason))
    low, high = bounds(float(found.value), reach)
    high = high if k_a else 1.0
    judgement = judge(low, high, planned.wanted)
    lasted = int((weeks.scope.sizes[weeks.scope.after] > 0).sum())
    further = further_weeks(found, planned.wanted, lasted) if judgement == Judgement.UNDECIDED else None
    return _Ruling(
        _VERDICTS[judgement],
        _why(judgement, low, high, planned.wanted, further),
        Difference(value=value, interval=interval((low, high), METHOD, LEVEL), clear=low > 0 or high < 0),
        float(found.dispersion),
        None if further is None else further_cases(further, lasted, sample),
    )


def _why(judgement: Judgement, low: float, high: float, wanted: float, further: int | None) -> str:
    span = f"against the control it changed by {_fall(low)} to {_fall(high)}"
    if judgement == Judgement.EFFECTIVE:
        return f"The rate fell: {span}, and the {wanted:.0%} that were wanted are not ruled out."
    if judgement == Judgement.NOT_EFFECTIVE:
        fell = "It fell, but by less" if low > 0 else "It fell by less, if at all,"
        return f"{fell} than the {wanted:.0%} that were wanted: {span}."
    more = (
        f"About {further} more weeks like those of the window would decide it at the present rates."
        if further is not None
        else "More weeks would not decide it: the baseline or the control has too few errors, or their weeks vary too much."
    )
    return f"Both no effect and the {wanted:.0%} that were wanted are possible: {span}. {more}"


def _fall(reduction: float) -> str:
    return f"{-reduction:+.0%}".replace("-", "\N{MINUS SIGN}")
