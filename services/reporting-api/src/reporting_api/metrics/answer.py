"""Answering questions: sums, made into numbers, compared, ordered and ranked."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

from reporting_api.cuboids import ERROR_DIMENSIONS, MEASURES
from reporting_api.metrics.appeals import appeal_sums
from reporting_api.metrics.definitions import FORMULAS
from reporting_api.metrics.numbers import difference, number, ranks, weighted_number
from reporting_api.metrics.question import Question
from reporting_api.metrics.samples import Samples, samples
from reporting_api.metrics.standing import Standing
from reporting_api.metrics.sums import NOTHING, Cut, Key, Sums, bounded, sums
from tallystick.schemas.metric import Difference, Dimension, Measure, Metrics, Number, Period, Row, Scope
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.database import ReadSession
from tallystick.service.problems import Forbidden
from tallystick.service.turns import Turn


def permitted(question: Question, principal: Principal) -> Question:
    """The question as the principal may ask it.

    Raises:
        Forbidden: it is about who audited, and not for the principal to know.
    """
    if (Dimension.AUDITOR in question.by or "auditor" in question.filters) and not may_name_auditors(principal):
        raise Forbidden("Numbers by auditor are shown neither to vendors nor to auditors.")
    return question


def may_name_auditors(principal: Principal) -> bool:
    """Whether numbers by auditor are for the principal.

    They rate the client's people, which is not the vendor's business; and they would tell those who decide appeals whose audit
    it is, so they are not for auditors who may read numbers besides, unless they manage the others.
    """
    if principal.vendor is not None:
        return False
    return principal.holds(Role.ADMIN, Role.QUALITY_MANAGER) or not principal.holds(Role.AUDITOR)


def settled(standing: Standing, question: Question) -> Question:
    """The question with both ends of its period: from the first audit and to the last one where it leaves them open."""
    if question.start is not None and question.end is not None:
        return question
    days = standing.days
    if days is None:
        return question
    start = question.start or min(days[0], question.end or days[0])
    return replace(question, start=start, end=question.end or max(days[1], start + timedelta(days=1)))


def scope(standing: Standing, question: Question, principal: Principal) -> Scope:
    """What the answer to a question is about."""
    filters = dict(question.filters)
    own = principal.vendor
    if own is not None and own in filters.get("vendor", (own,)):  # of others that were asked for, nothing is found
        filters["vendor"] = (own,)
    return Scope(
        programme=standing.programme,
        filters=filters,
        view=question.view,
        period=period(standing, question.start, question.end),
        epoch=standing.epoch,
        position=standing.shown,
    )


def period(standing: Standing, start: date | None, end: date | None) -> Period | None:
    """A period of the programme; None where it has no two ends."""
    if start is None or end is None:
        return None
    return Period(from_=start, to=end, time_zone=standing.time_zone)


async def answer(session: ReadSession, standing: Standing, question: Question) -> Metrics:
    """Answer a question whose period is settled."""
    now, before = await _found(session, question), None
    previous = earlier(question)
    keys = set(now.groups)
    if previous is not None:
        before = await _found(session, previous)
        keys |= set(before.groups)
    minimum = standing.targets.minimum_sample
    shown = sorted(keys) if question.order is not None else sorted(keys)[: question.limit]
    rows: list[Row] = []
    turn = Turn()
    for key in shown:
        if turn.is_over:
            await turn.pass_on()
        rows.append(_row(question, key, now, before, minimum))
    rows = _ordered(question, rows)
    totals = None
    if question.totals:
        whole = replace(question, by=(), totals=False)
        total = await answer(session, standing, replace(whole, order=None))
        totals = total.rows[0]
    return Metrics(
        scope=scope(standing, question, session.principal),
        previous_period=None if previous is None else period(standing, previous.start, previous.end),
        measures=question.measures,
        by=question.by,
        rows=tuple(rows[: question.limit]),
        groups=len(keys),
        totals=totals,
    )


Pair = tuple[Sums, Sums]
"""The sums of a group, and of all audits that its shares are divided by."""


@dataclass(frozen=True, slots=True)
class _Found:
    """What a question's numbers are made of in one period."""

    groups: Mapping[Key, Pair]
    samples: Samples | None
    """How audits were drawn; None where no measure takes it."""

    def numbers(self, question: Question, key: Key, minimum: int) -> dict[str, Number]:
        """The measures of a group."""
        pair = self.groups.get(key, (NOTHING, NOTHING))
        sample = None if self.samples is None else self.samples.of(key)
        return {
            measure.value: number(measure, *pair, minimum)
            if sample is None or not FORMULAS[measure].of_samples
            else weighted_number(measure, *pair, sample, minimum)
            for measure in question.measures
        }


async def _found(session: ReadSession, question: Question) -> _Found:
    found = await groups(session, question)
    if not any(FORMULAS[measure].of_samples for measure in question.measures):
        return _Found(found, None)
    return _Found(found, await samples(session, cut_of(question)))


async def groups(session: ReadSession, question: Question) -> dict[Key, Pair]:
    """The sums that a question is answered from, by group; of appeals where it asks for them."""
    cut = cut_of(question)
    names = needed_sums(question)
    selected = await sums(session, cut, names)
    if any(FORMULAS[measure].of_appeals for measure in question.measures):
        appeals = await appeal_sums(session, cut)
        selected = {key: {**NOTHING, **selected.get(key, {}), **appeals.get(key, {})} for key in {**selected, **appeals}}
    if not cut.by_error:
        groups = {key: (found, found) for key, found in selected.items()}
    else:
        whole = cut.without_errors()
        groups = _over_all(cut, selected, whole, await sums(session, whole, names))
    if not groups and not question.by:
        return {(): (NOTHING, NOTHING)}
    return groups


def cut_of(question: Question) -> Cut:
    """The audits that a question is about, and by what."""
    return Cut(question.programme, question.by, question.filters, question.start, question.end, question.view)


def needed_sums(question: Question) -> list[str]:
    """The sums of audits that the measures of a question are made of."""
    formulas = [FORMULAS[measure] for measure in question.measures]
    needed = {"audits", *(each.numerator for each in formulas), *(each.denominator for each in formulas)}
    return [name for name in MEASURES if name in needed]


def _over_all(cut: Cut, selected: Mapping[Key, Sums], whole: Cut, audits: Mapping[Key, Sums]) -> dict[Key, Pair]:
    """Each kind of error in each group of audits, those that did not occur there included: they are zeros, not gaps."""
    kinds = sorted({tuple(_part(cut, key, error=True)) for key in selected}) or ([] if cut.by != whole.by else [()])
    bounded(len(audits) * len(kinds))
    groups: dict[Key, Pair] = {}
    for audits_key, found in audits.items():
        for kind in kinds:
            key = _join(cut, audits_key, kind)
            groups[key] = (selected.get(key, NOTHING), found)
    return groups


def _part(cut: Cut, key: Key, *, error: bool) -> Iterable[str]:
    return (value for name, value in zip(cut.by, key, strict=True) if (name in ERROR_DIMENSIONS) == error)


def _join(cut: Cut, audits_key: Key, kind: Key) -> Key:
    audits, errors = iter(audits_key), iter(kind)
    return tuple(next(errors) if name in ERROR_DIMENSIONS else next(audits) for name in cut.by)


def earlier(question: Question) -> Question | None:
    """The same question about the period that it is to be compared with; None where it asks for no comparison."""
    if question.compare is None or question.start is None or question.end is None:
        return None
    return replace(question, start=question.start - (question.end - question.start), end=question.start, compare=None)


def _row(question: Question, key: Key, now: _Found, before: _Found | None, minimum: int) -> Row:
    numbers = now.numbers(question, key, minimum)
    previous: dict[str, Number] | None = None
    change: dict[str, Difference] | None = None
    if before is not None:
        previous = before.numbers(question, key, minimum)
        change = {measure.value: difference(numbers[measure], previous[measure]) for measure in question.measures}
    return Row(
        dimensions={name.value: value or None for name, value in zip(question.by, key, strict=True)},
        numbers=numbers,
        previous=previous,
        change=change,
        rank=None,
    )


def _ordered(question: Question, rows: list[Row]) -> list[Row]:
    """Rows that come by their dimensions, as the question wants them."""
    if question.order is None:
        return rows
    name, greatest_first = question.order.removeprefix("-"), question.order.startswith("-")
    if name in question.by:
        return sorted(rows, key=lambda row: row.dimensions[name] or "", reverse=greatest_first)
    measure = Measure(name)
    rows.sort(key=lambda row: _place(row.numbers[measure], greatest_first=greatest_first))
    if FORMULAS[measure].definition.interval is None:
        return rows
    places = ranks([row.numbers[measure] for row in rows], greatest_first=greatest_first)
    return [replace(row, rank=place) for row, place in zip(rows, places, strict=True)]


def _place(each: Number, *, greatest_first: bool) -> tuple[bool, float]:
    """Numbers without a value come last, whichever way the others go."""
    value = each.value or 0.0
    return each.value is None, -value if greatest_first else value
