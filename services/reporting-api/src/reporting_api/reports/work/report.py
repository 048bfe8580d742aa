"""The report on root causes."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from itertools import pairwise
from zoneinfo import ZoneInfo

from reporting_api.metrics.numbers import counted, interval, proportion
from reporting_api.metrics.standing import Standing
from reporting_api.reports.work.cost import cost_of
from reporting_api.reports.work.moves import closings, open_since, root_causes, spans, state_at
from reporting_api.reports.work.records import KnownAction, KnownCase, Work, WorkStanding
from reporting_api.statistics.quantiles import quantile, quantile_ranks
from tallystick.schemas.case import UNFINISHED, CaseState, CaseStep
from tallystick.schemas.effect import EffectVerdict
from tallystick.schemas.metric import Number, Period
from tallystick.schemas.programme import Programme
from tallystick.schemas.rca_report import (
    CaseAge,
    CauseCount,
    Effects,
    OnTime,
    OverdueActions,
    RcaReport,
    StateCount,
    WorkScope,
)
from tallystick.service.database import ReadSession

AGES = (0, 7, 14, 30, 60, 90)
"""The full days from which on a case that goes on belongs to the next age."""

_ORDER = tuple(state for state in CaseState if state in UNFINISHED)
_WHEN_DUE = frozenset({CaseState.OPEN, CaseState.REOPENED, CaseState.ANALYSIS, CaseState.VERIFICATION})
"""States in which a case waits for what its due date promises: the root cause, or the verified effect."""
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Asked:
    """What a report on work is asked about: days in the programme's time zone, and the vendors; none of them means all."""

    programme: str
    vendors: tuple[str, ...]
    start: date
    end: date

    def moments(self, standing: Standing) -> tuple[datetime, datetime]:
        """When its days begin and end."""
        zone = ZoneInfo(standing.time_zone)
        return datetime.combine(self.start, time(), zone), datetime.combine(self.end, time(), zone)


def work_scope(standing: Standing, work: WorkStanding, asked: Asked, own: str | None, as_of: datetime) -> WorkScope:
    """What a report on work is about; `own` is the vendor of whoever asks."""
    return WorkScope(
        programme=standing.programme,
        vendors=asked.vendors if own is None else (own,),
        period=Period(from_=asked.start, to=asked.end, time_zone=standing.time_zone),
        as_of=as_of,
        epoch=standing.epoch,
        position=standing.shown,
        work_epoch=work.epoch,
        work_position=work.shown,
    )


async def rca_report(
    session: ReadSession, standing: Standing, document: Programme, work: Work, asked: Asked, scope: WorkScope
) -> RcaReport:
    """The report on the work of a period, as it stood at the end of it or stands now."""
    return await _Report(standing, document, work, *asked.moments(standing), scope).written(session)


def cases_by_age(work: Work, as_of: datetime) -> tuple[CaseAge, ...]:
    """The cases that go on at a moment, by how long ago they were opened, or opened again."""
    old = [
        ((as_of - since).total_seconds() / _DAY_S, state_at(case.moves, as_of))
        for case in work.cases.values()
        if (since := open_since(case.moves, as_of)) is not None
    ]
    ages: list[CaseAge] = []
    for begin, end in pairwise((*AGES, None)):
        states = Counter(state for days, state in old if days >= (begin or 0) and (end is None or days < end))
        by_state = {state: states[state] for state in _ORDER}
        ages.append(CaseAge(from_days=begin or 0, to_days=end, cases=counted(states.total()), states=by_state))
    return tuple(ages)


@dataclass(frozen=True, slots=True)
class _Report:
    standing: Standing
    document: Programme
    work: Work
    begin: datetime
    end: datetime
    scope: WorkScope

    async def written(self, session: ReadSession) -> RcaReport:
        cases = [case for case in self.work.cases.values() if state_at(case.moves, self.as_of) is not None]
        closed = [each for case in cases for each in closings(case.moves, self.as_of) if self.within(each[0].at)]
        in_period = [case for case in cases if any(end > self.begin for _, end in spans(case.moves, self.as_of))]
        return RcaReport(
            scope=self.scope,
            opened=self._taken(cases, CaseStep.OPEN),
            closed=counted(len(closed)),
            cancelled=self._taken(cases, CaseStep.CANCEL),
            reopened=self._taken(cases, CaseStep.REOPEN),
            open=counted(sum(open_since(case.moves, self.as_of) is not None for case in cases)),
            states=self._states(cases),
            ages=cases_by_age(self.work, self.as_of),
            causes=self._causes(cases),
            on_time=self._on_time(cases),
            days_to_close=self._days_to_close(cases),
            effects=self._effects(),
            recurrence=self._share(sum(again for _, again in closed), len(closed), "No case was closed."),
            watched=counted(sum(self._watched(case) for case in cases)),
            overridden=counted(sum(move.step is CaseStep.OVERRIDE for move, _ in closed)),
            cost=await cost_of(session, self.standing, in_period, self.as_of),
            overdue_by_owner=self._overdue(lambda action: (action.owner_vendor, action.owner)),
            overdue_by_vendor=self._overdue(lambda action: (action.owner_vendor, None)),
        )

    @property
    def as_of(self) -> datetime:
        return self.scope.as_of

    def within(self, moment: datetime) -> bool:
        """Whether it is in the period, and past."""
        return self.begin <= moment < self.end and moment <= self.as_of

    def _share(self, hits: int, size: int, otherwise: str) -> Number:
        return proportion(hits, size, self.standing.targets.minimum_sample, otherwise)

    def _taken(self, cases: Iterable[KnownCase], step: CaseStep) -> Number:
        return counted(sum(each.step is step and self.within(each.at) for case in cases for each in case.moves))

    def _states(self, cases: Sequence[KnownCase]) -> tuple[StateCount, ...]:
        stands = [(state_at(case.moves, self.as_of), case) for case in cases]
        return tuple(
            StateCount(
                state=state,
                cases=counted(sum(each is state for each, _ in stands)),
                overdue=counted(
                    sum(
                        each is state and state in _WHEN_DUE and case.due_at is not None and case.due_at < self.as_of
                        for each, case in stands
                    )
                ),
            )
            for state in _ORDER
        )

    def _causes(self, cases: Sequence[KnownCase]) -> tuple[CauseCount, ...]:
        names = {cause.code: cause.name for cause in self.document.cause_taxonomy}
        open_, closed, recurred = Counter[str | None](), Counter[str | None](), Counter[str | None]()
        categories: dict[str | None, str | None] = {None: None}
        for case in cases:
            categories |= dict(case.causes)
            codes: set[str | None] = {code for code, _ in case.causes} or {None}
            ended = [again for move, again in closings(case.moves, self.as_of) if self.within(move.at)]
            for code in codes:
                open_[code] += open_since(case.moves, self.as_of) is not None
                closed[code] += bool(ended)
                recurred[code] += any(ended)
        seen = [code for code in {**open_, **closed} if open_[code] or closed[code]]
        seen.sort(key=lambda code: (-(open_[code] + closed[code]), code is None, code or ""))
        return tuple(
            CauseCount(
                code=code,
                name=names.get(code or ""),
                category=categories[code],
                open=counted(open_[code]),
                closed=counted(closed[code]),
                recurred=counted(recurred[code]),
            )
            for code in seen
        )

    def _on_time(self, cases: Sequence[KnownCase]) -> OnTime:
        found = [each for case in cases for each in root_causes(case.moves, case.due_at) if self.within(each.due_at)]
        kept = sum(each.known_at is not None and each.known_at <= each.due_at for each in found)
        due = [action for action in self.work.actions if not action.cancelled and self.within(action.due_at)]
        done = sum(action.done_by(action.due_at) for action in due)
        return OnTime(
            root_causes=self._share(kept, len(found), "No root cause was due."),
            actions=self._share(done, len(due), "No action was due."),
        )

    def _days_to_close(self, cases: Sequence[KnownCase]) -> Number:
        closed = {move.at for case in cases for move, _ in closings(case.moves, self.as_of) if self.within(move.at)}
        took = sorted(
            (end - begin).total_seconds() / _DAY_S
            for case in cases
            for begin, end in spans(case.moves, self.as_of)
            if end in closed and state_at(case.moves, end) is CaseState.CLOSED
        )
        ranks = quantile_ranks(len(took), 0.5)
        return Number(
            value=quantile(took, 0.5) if took else None,
            numerator=None,
            denominator=len(took),
            interval=ranks and interval((took[ranks[0] - 1], took[ranks[1] - 1]), "order-statistics"),
            sufficient=len(took) >= self.standing.targets.minimum_sample,
            reason=None if took else "No case was closed.",
        )

    def _effects(self) -> Effects:
        verdicts = Counter(plan.verdict for plan in self.work.plans if plan.judged_at is not None and self.within(plan.judged_at))
        effective, failed = verdicts[EffectVerdict.EFFECTIVE], verdicts[EffectVerdict.NOT_EFFECTIVE]
        return Effects(
            rate=self._share(effective, effective + failed, "No effect was decided."),
            effective=counted(effective),
            not_effective=counted(failed),
            not_yet_decidable=counted(verdicts[EffectVerdict.NOT_YET_DECIDABLE]),
        )

    def _watched(self, case: KnownCase) -> bool:
        """Whether it is closed, and would be opened again."""
        is_closed = state_at(case.moves, self.as_of) is CaseState.CLOSED
        return is_closed and case.watch_until is not None and case.watch_until > self.as_of

    def _overdue(self, whose: Callable[[KnownAction], tuple[str | None, str | None]]) -> tuple[OverdueActions, ...]:
        """The open actions by whose they are; those that have none overdue are left out."""
        groups: dict[tuple[str | None, str | None], list[KnownAction]] = {}
        for action in self.work.actions:
            if action.open_at(self.as_of):
                groups.setdefault(whose(action), []).append(action)
        rows: list[OverdueActions] = []
        for (vendor, owner), open_ in groups.items():
            late = [action.due_at for action in open_ if action.due_at < self.as_of]
            share = self._share(len(late), len(open_), "No action is open.")
            rows.append(OverdueActions(owner=owner, vendor=vendor, overdue=share, oldest_due_at=min(late, default=None)))
        return tuple(
            sorted(
                (row for row in rows if row.oldest_due_at is not None),
                key=lambda row: (-(row.overdue.numerator or 0), row.vendor or "", row.owner or ""),
            )
        )
