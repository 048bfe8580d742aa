"""The weekly summary: what happened in a week, and what comes next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, and_, func, or_, select

from reporting_api.metrics.answer import answer
from reporting_api.metrics.appeals import DECIDED_APPEALS, OPEN_APPEALS
from reporting_api.metrics.numbers import counted, proportion
from reporting_api.metrics.question import Question
from reporting_api.metrics.standing import Standing
from reporting_api.reports.work.moves import open_since, state_at
from reporting_api.reports.work.records import KnownAction, Work
from reporting_api.reports.work.report import Asked
from reporting_api.reports.work.sentences import headline, sentences
from reporting_api.signals.records import list_signals
from reporting_api.tables import appeals
from tallystick.schemas.appeal import AppealState
from tallystick.schemas.effect import EffectVerdict
from tallystick.schemas.metric import Dimension, Measure, Metrics, Period
from tallystick.schemas.rca_report import WorkScope
from tallystick.schemas.signal import SignalState
from tallystick.schemas.weekly import (
    ActionNews,
    CaseNews,
    EffectNews,
    SignalNews,
    VendorWeek,
    WeeklySummary,
    WeekOfAppeals,
)
from tallystick.service.database import ReadSession, scoped

WEEK = timedelta(days=7)
MOST_SIGNALS = 50

_MEASURES = (Measure.AUDITS, Measure.ERRORS, Measure.ACCURACY, Measure.CRITICAL_ACCURACY)


async def weekly_summary(
    session: ReadSession, standing: Standing, work: Work, asked: Asked, scope: WorkScope, vendor: str | None
) -> WeeklySummary:
    """The summary of a week for a vendor, in a session that speaks for that vendor, or for the client."""
    begin, end = asked.moments(standing)
    week = _Week(begin, end, scope.as_of, work)
    question = Question(asked.programme, _MEASURES, start=asked.start, end=asked.end, compare="previous_period")
    whole = await answer(session, standing, question)
    row = whole.rows[0]
    summary = WeeklySummary(
        scope=scope,
        vendor=vendor,
        week=asked.start,
        complete=scope.as_of >= end,
        previous_period=Period(from_=asked.start - WEEK, to=asked.start, time_zone=standing.time_zone),
        numbers=row.numbers,
        previous=row.previous or {},
        change=row.change or {},
        vendors=await _vendors(session, standing, question) if vendor is None else (),
        signals=await _signals(session, asked),
        cases=tuple(week.cases()),
        open_cases=counted(sum(open_since(case.moves, scope.as_of) is not None for case in work.cases.values())),
        due=tuple(week.news(action for action in week.agreed() if week.within(action.due_at))),
        coming=tuple(week.news(each for each in week.open() if max(end, scope.as_of) <= each.due_at < end + WEEK)),
        overdue=tuple(week.news(action for action in week.open() if action.due_at < scope.as_of)),
        effects=tuple(week.effects()),
        appeals=await _appeals(session, standing, week),
        headline="",
        sentences=(),
    )
    return summary.model_copy(update={"headline": headline(summary), "sentences": tuple(sentences(summary))})


@dataclass(frozen=True, slots=True)
class _Week:
    begin: datetime
    end: datetime
    as_of: datetime
    work: Work

    def within(self, moment: datetime) -> bool:
        """Whether it is in the week."""
        return self.begin <= moment < self.end

    def cases(self) -> Iterable[CaseNews]:
        """The cases that took steps."""
        for case in self.work.cases.values():
            steps = tuple(each.step for each in case.moves if self.within(each.at) and each.at <= self.as_of)
            state = state_at(case.moves, self.as_of)
            if steps and state is not None:
                yield CaseNews(case_id=case.case_id, title=case.title, vendor=case.vendor, steps=steps, state=state)

    def agreed(self) -> Iterable[KnownAction]:
        """The actions that were not cancelled."""
        return (action for action in self.work.actions if not action.cancelled and action.opened_at <= self.as_of)

    def open(self) -> Iterable[KnownAction]:
        """The actions that are waited for."""
        return (action for action in self.work.actions if action.open_at(self.as_of))

    def news(self, actions: Iterable[KnownAction]) -> Iterable[ActionNews]:
        """Actions as they are told."""
        for action in actions:
            yield ActionNews(
                action_id=action.action_id,
                case_id=action.case_id,
                title=action.title,
                owner=action.owner,
                owner_vendor=action.owner_vendor,
                due_at=action.due_at,
                done=action.done_by(self.as_of),
            )

    def effects(self) -> Iterable[EffectNews]:
        """The plans whose last judgement was made in the week."""
        for plan in self.work.plans:
            case = self.work.cases.get(plan.case_id)
            if case is None or plan.verdict is None or plan.judged_at is None or not self.within(plan.judged_at):
                continue
            verdict = EffectVerdict(plan.verdict)
            yield EffectNews(case_id=case.case_id, title=case.title, vendor=case.vendor, verdict=verdict)


async def _vendors(session: ReadSession, standing: Standing, question: Question) -> tuple[VendorWeek, ...]:
    """The vendors, the most accurate first."""
    asked = Question(
        question.programme,
        (Measure.ACCURACY,),
        (Dimension.VENDOR,),
        start=question.start,
        end=question.end,
        compare="previous_period",
        order=f"-{Measure.ACCURACY}",
    )
    found: Metrics = await answer(session, standing, asked)
    return tuple(
        VendorWeek(
            vendor=row.dimensions[Dimension.VENDOR] or "",
            accuracy=row.numbers[Measure.ACCURACY],
            change=(row.change or {})[Measure.ACCURACY],
            rank=row.rank,
        )
        for row in found.rows
    )


async def _signals(session: ReadSession, asked: Asked) -> tuple[SignalNews, ...]:
    """The signals that the days of the week showed first: they are raised on the day after."""
    states = [state for state in SignalState if state is not SignalState.WITHDRAWN]
    rows = await list_signals(
        session,
        asked.programme,
        vendors=(),
        detectors=(),
        states=states,
        start=asked.start + timedelta(days=1),
        end=asked.end + timedelta(days=1),
        before=None,
        limit=MOST_SIGNALS,
    )
    return tuple(
        SignalNews(
            signal_id=row.id,
            vendor=row.vendor,
            measure=row.measure,
            summary=row.summary,
            since=row.since,
            chart=f"/reporting/v1/charts/signal?programme={row.programme}&signal={row.id}",
        )
        for row in rows
    )


async def _appeals(session: ReadSession, standing: Standing, week: _Week) -> WeekOfAppeals:
    c = appeals.c
    decided = and_(DECIDED_APPEALS, c.decided_at >= week.begin, c.decided_at < week.end)
    changed = c.state.in_([AppealState.OVERTURNED, AppealState.AMENDED])
    waiting = and_(c.submitted_at <= week.as_of, or_(OPEN_APPEALS, and_(DECIDED_APPEALS, c.decided_at > week.as_of)))
    statement: Select[Any] = select().add_columns(
        func.count().filter(c.submitted_at >= week.begin, c.submitted_at < week.end),
        func.count().filter(decided),
        func.count().filter(decided, changed),
        func.count().filter(waiting),
    )
    [(submitted, of, overturned, open_)] = await session.rows(scoped(statement, appeals, standing.programme, session.principal))
    return WeekOfAppeals(
        submitted=counted(submitted),
        decided=counted(of),
        overturned=proportion(overturned, of, standing.targets.minimum_sample, "No appeal was decided."),
        open=counted(open_),
    )
