"""The report on appeals. What is a measure comes from the metrics; what is counted besides, from the sums that they stand on."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from reporting_api.metrics.answer import Pair, earlier, groups, may_name_auditors, period, scope
from reporting_api.metrics.appeals import appeal_sums
from reporting_api.metrics.numbers import counted, difference, number, proportion, ranks
from reporting_api.metrics.question import Question
from reporting_api.metrics.standing import Standing
from reporting_api.metrics.sums import NOTHING, Cut, Key, Sums
from reporting_api.reports.appeal_times import decision_times, open_appeals
from reporting_api.reports.periods import weeks
from reporting_api.reports.trend import trend
from reporting_api.tables import appeals
from tallystick.schemas.appeal import AppealStage
from tallystick.schemas.appeal_report import (
    AppealEscalations,
    AppealGroup,
    AppealOutcomes,
    AppealPattern,
    AppealPatterns,
    AppealReport,
    AppealWeek,
)
from tallystick.schemas.metric import Dimension, Measure, Number
from tallystick.schemas.programme import ErrorCode, Ground, Policy, Programme
from tallystick.service.database import ReadSession

_TABLE = (Measure.AUDITS, Measure.APPEALS, Measure.APPEAL_RATE, Measure.DECIDED_APPEALS, Measure.OVERTURN_RATE)
_OF_APPEALS = (Measure.APPEALS, Measure.DECIDED_APPEALS, Measure.OVERTURN_RATE)


async def appeal_report(
    session: ReadSession, standing: Standing, document: Programme, question: Question, as_of: datetime
) -> AppealReport:
    """The report on the appeals of the audits that a question with a settled period is about, as of a moment."""
    return await _Report(session, standing, document, replace(question, measures=_TABLE, by=())).written(as_of)


async def appeals_by_week(session: ReadSession, standing: Standing, question: Question) -> tuple[AppealWeek, ...]:
    """The appeals of the audits of each week, and both rates on their control charts."""
    found = await groups(session, replace(question, measures=_TABLE, by=(Dimension.WEEK,)))
    by_week = {date.fromisoformat(key[0]): pair for key, pair in found.items()}
    mondays, minimum = weeks(question), standing.targets.minimum_sample
    appealed, overturned = (
        trend(question, mondays, {week: number(measure, *pair, minimum) for week, pair in by_week.items()}, measure)
        for measure in (Measure.APPEAL_RATE, Measure.OVERTURN_RATE)
    )
    return tuple(
        AppealWeek(week=week, outcomes=_outcomes(by_week.get(week, (NOTHING,))[0]), appeal_rate=rate, overturn_rate=overturn)
        for week, rate, overturn in zip(mondays, appealed, overturned, strict=True)
    )


@dataclass(frozen=True, slots=True)
class _Report:
    session: ReadSession
    standing: Standing
    document: Programme
    question: Question

    async def written(self, as_of: datetime) -> AppealReport:
        standing, minimum = self.standing, self.standing.targets.minimum_sample
        previous = earlier(replace(self.question, compare="previous_period"))
        (overall,) = await self._table(self.question)
        (before,) = (None,) if previous is None else await self._table(previous)
        stages = {key[0]: found for key, found in (await appeal_sums(self.session, self._cut(), appeals.c.stage)).items()}
        return AppealReport(
            scope=scope(standing, self.question, self.session.principal),
            previous_period=previous and period(standing, previous.start, previous.end),
            as_of=as_of,
            turnaround_days=standing.targets.appeal_turnaround_days,
            overall=overall,
            change=before and {name: difference(overall.numbers[name], then) for name, then in before.numbers.items()},
            vendors=await self._table(self.question, Dimension.VENDOR),
            sites=await self._table(self.question, Dimension.VENDOR, Dimension.SITE),
            policies=await self._table(self.question, Dimension.POLICY),
            error_codes=await self._table(self.question, Dimension.ERROR_CODE),
            auditors=await self._table(self.question, Dimension.AUDITOR) if may_name_auditors(self.session.principal) else None,
            grounds=await self._grounds(),
            weeks=await appeals_by_week(self.session, standing, self.question),
            times=await decision_times(self.session, self._cut(), as_of, minimum),
            open=await open_appeals(self.session, replace(self._cut(), start=None, end=None), as_of),
            patterns=await self._patterns(),
            escalations=_escalations(stages, minimum),
            expired=proportion(
                sum(found["expired"] for found in stages.values()),
                sum(found["appeals"] for found in stages.values()),
                minimum,
                "There are no appeals.",
            ),
        )

    def _cut(self, *by: Dimension) -> Cut:
        asked = self.question
        return Cut(asked.programme, by, asked.filters, asked.start, asked.end, asked.view)

    async def _table(self, question: Question, *by: Dimension) -> tuple[AppealGroup, ...]:
        found = await groups(self.session, replace(question, by=by))
        return _ranked(self._group(dict(zip(by, key, strict=True)), _TABLE, pair) for key, pair in found.items())

    async def _grounds(self) -> tuple[AppealGroup, ...]:
        found = await appeal_sums(self.session, self._cut(), appeals.c.ground)
        return _ranked(self._group({"ground": ground}, _OF_APPEALS, (each, each)) for (ground,), each in found.items())

    def _group(self, dimensions: Mapping[str, str], measures: Iterable[Measure], pair: Pair) -> AppealGroup:
        return AppealGroup(
            dimensions={name: value or None for name, value in dimensions.items()},
            name=next((self._name(name, value) for name, value in dimensions.items()), None),
            numbers={measure: self._number(measure, pair) for measure in measures},
            outcomes=_outcomes(pair[0]),
            rank=None,
        )

    def _number(self, measure: Measure, pair: Pair) -> Number:
        return number(measure, *pair, self.standing.targets.minimum_sample)

    def _name(self, dimension: str, value: str | None) -> str | None:
        named: dict[str, Iterable[Policy | ErrorCode | Ground]] = {
            "policy": self.document.policy_set.policies,
            "error_code": self.document.error_taxonomy.codes,
            "ground": self.document.appeals.grounds,
        }
        return next((each.name for each in named.get(dimension, ()) if each.code == value), None)

    async def _patterns(self) -> AppealPatterns:
        found = await appeal_sums(self.session, self._cut(Dimension.POLICY, Dimension.ERROR_CODE))
        decided = {key: each for key, each in found.items() if each["decided"]}
        enough = sorted(key for key, each in decided.items() if each["decided"] >= self.standing.targets.minimum_sample)
        patterns = [each for key in enough if (each := self._pattern([key], decided)) is not None]
        clauses = self._clauses(decided, {each.policy for each in patterns})
        patterns += [each for keys in clauses if (each := self._pattern(keys, decided)) is not None]
        patterns.sort(key=lambda each: -(each.overturn_rate.value or 0))
        places = ranks([each.overturn_rate for each in patterns], greatest_first=True)
        return AppealPatterns(
            examined=counted(len(enough)),
            too_few=counted(len(decided) - len(enough)),
            clauses=counted(len(clauses)),
            found=tuple(each.model_copy(update={"rank": place}) for each, place in zip(patterns, places, strict=True)),
        )

    def _clauses(self, decided: Mapping[Key, Sums], told: Collection[str | None]) -> list[list[Key]]:
        """The pairs of each policy clause that has several, none of them a pattern, and enough decided appeals over all."""
        by_policy = [
            [key for key in sorted(decided) if key[0] == policy] for policy in sorted({key[0] for key in decided} - {""})
        ]
        return [
            keys
            for keys in by_policy
            if len(keys) > 1
            and keys[0][0] not in told
            and sum(decided[key]["decided"] for key in keys) >= self.standing.targets.minimum_sample
        ]

    def _pattern(self, keys: Sequence[Key], decided: Mapping[Key, Sums]) -> AppealPattern | None:
        """The pattern that a pair or a whole clause makes; None where its interval does not lie above that of the rest."""
        sides = [each for key, each in decided.items() if key in keys], [each for key, each in decided.items() if key not in keys]
        sums = [{**NOTHING, **{name: sum(each[name] for each in side) for name in ("decided", "changed")}} for side in sides]
        own, rest = (self._number(Measure.OVERTURN_RATE, (each, each)) for each in sums)
        if own.interval is None or rest.interval is None or own.interval.low <= rest.interval.high:
            return None
        whole, (policy, error_code) = len(keys) > 1, keys[0]
        return AppealPattern(
            policy=policy or None,
            policy_name=self._name("policy", policy),
            whole_policy=whole,
            error_code=None if whole else error_code or None,
            error_name=None if whole else self._name("error_code", error_code),
            overturn_rate=own,
            rest=rest,
            difference=difference(own, rest),
            rank=None,
        )


def _ranked(found: Iterable[AppealGroup]) -> tuple[AppealGroup, ...]:
    """The groups by overturn rate, the highest first; those without one come last."""

    def place(group: AppealGroup) -> tuple[bool, float, tuple[str, ...]]:
        rate = group.numbers[Measure.OVERTURN_RATE].value
        return rate is None, -(rate or 0), tuple(value or "" for value in group.dimensions.values())

    ordered = sorted(found, key=place)
    places = ranks([group.numbers[Measure.OVERTURN_RATE] for group in ordered], greatest_first=True)
    return tuple(group.model_copy(update={"rank": place}) for group, place in zip(ordered, places, strict=True))


def _outcomes(sums: Sums) -> AppealOutcomes:
    return AppealOutcomes(**{name: counted(sums[name]) for name in AppealOutcomes.model_fields})


def _escalations(stages: Mapping[str, Sums], minimum_sample: int) -> AppealEscalations:
    escalated = stages.get(AppealStage.ARBITRATION, NOTHING)
    first_decisions = stages.get(AppealStage.REVIEW, NOTHING)["decided"] + escalated["appeals"]
    return AppealEscalations(
        rate=proportion(escalated["appeals"], first_decisions, minimum_sample, "No appeal has been decided."),
        overturn_rate=number(Measure.OVERTURN_RATE, escalated, escalated, minimum_sample),
        outcomes=_outcomes(escalated),
    )
