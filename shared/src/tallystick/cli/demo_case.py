"""The demonstration's case: what was planted is noticed, explained and mended, and shown to be gone; all invented."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from datetime import time as of_day
from typing import TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

from rich.table import Table
from rich.text import Text

from tallystick.cli import figures
from tallystick.cli.demo_cast import MANAGER, Cast
from tallystick.client import Tallystick, TallystickError
from tallystick.sample import PLANTED_QUEUE, PLANTED_SITE, Sample
from tallystick.schemas.action import Action, ActionKind, ActionMove, ActionStep, NewAction
from tallystick.schemas.case import Case, CaseState, CaseStep, EvidenceKind, EvidenceReference
from tallystick.schemas.cause import CauseDecision, NewCause, NewWhy
from tallystick.schemas.decomposition import Decomposition
from tallystick.schemas.effect import EffectPlan, EffectVerdict
from tallystick.schemas.evidence import CaseEvidenceKind
from tallystick.schemas.metric import Period
from tallystick.schemas.plan import CasePlan
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import CauseCategory

Travel = Callable[[timedelta], None]
"""Puts the clock of cases by so much before (negative) or after the machine's."""

_VENDOR = "northwind"
_TRAINER = "trainer-1"
_DONE_ON, _VERIFIED_ON = 2, 3
"""Days after the case was opened."""
_PATIENCE_S = 120.0
_LOOK_AGAIN_S = 0.2
_Found = TypeVar("_Found")


class StoryStuckError(TallystickError):
    """Something that the product does by itself did not come about in time."""


@dataclass
class CaseStory:
    """The story of one case, from its signal to its end.

    Args:
        cast: who acts.
        before: the weeks that show what was planted.
        after: those that follow, in which it is mended.
        travel: brings cases to the days on which it happened; None: they are at today, and the effect is still to be judged.
    """

    cast: Cast
    before: Sample
    after: Sample
    travel: Travel | None
    chapters: list[tuple[date, str, str]] = field(default_factory=list)
    """Day, who, what."""

    def go_to(self, day: int) -> None:
        """Put the clock of cases to the morning so many days after the first week in which the case can be known."""
        if self.travel is not None:
            zone = ZoneInfo(self.before.programme.time_zone)
            morning = datetime.combine(self.after.first_day + timedelta(days=day), of_day(9), zone)
            self.travel(morning - datetime.now(UTC))

    async def begin(self) -> Case:
        """Wait until the case is there by itself, explain it, agree on what is done, do that, and wait for the effect."""
        async with self.cast.manager() as manager, self.cast.poc(_VENDOR) as poc:
            case = await self._drafted(manager)
            case = await self._explained(manager, poc, case)
            case = await self._planned(manager, case)
            case = await manager.cases.step(case.programme, case.id, CaseStep.START, revision=case.revision)
            await self._acted(manager, poc, case.id)
            case = await manager.cases.read(case.programme, case.id)
            return await manager.cases.step(case.programme, case.id, CaseStep.VERIFY, revision=case.revision)

    async def end(self, case: Case) -> Case:
        """Let the verification window pass, and close the case once its effect is shown."""
        async with self.cast.manager() as manager:
            if self.travel is None:
                plan = await manager.plans.read(case.programme, case.id)
                self._tell(plan.judge_on, "rca-api", "will judge the effect")
                return case
            self.travel(timedelta())
            plan = await _until(lambda: _judged(manager, case), "The effect was not judged")
            self._tell_verdict(plan)
            case = await manager.cases.read(case.programme, case.id)
            if plan.verdict is not EffectVerdict.EFFECTIVE:
                return case
            conclusion = "The release note reaches every shift now; what was missed is found again."
            case = await manager.cases.close(case.programme, case.id, conclusion, revision=case.revision)
            watched = f", and watched until {case.watch_until:%Y-%m-%d}" if case.watch_until else ""
            self._tell(case.closed_at, MANAGER, f"closes the case: {conclusion} It is {CaseState.CLOSED}{watched}")
            return case

    async def _drafted(self, manager: Tallystick) -> Case:
        case = await _until(lambda: _planted_case(manager, self.cast.programme), "No case was drafted for what was planted")
        async for signal in manager.signals(case.programme, {"vendor": _VENDOR}):
            if signal.key == case.signals[0]:
                self._tell(signal.raised_on, "reporting-api", f"signals: {signal.summary}")
        self._tell(
            case.opened_at, "rca-api", f"drafts the case for {case.vendor}, priority {case.priority}, due {case.due_at:%d %b}"
        )
        for piece in await manager.cases.evidence(case.programme, case.id):
            if piece.kind is CaseEvidenceKind.SEGMENTS and piece.audience == "internal" and piece.content:
                leading = Decomposition.model_validate(piece.content, extra="ignore").leading
                if leading:
                    where = ", ".join(f"{name} {value}" for name, value in leading[0].dimensions.items())
                    share = figures.share(leading[0].of_change)
                    self._tell(case.evidence_at, "rca-api", f"gathers the evidence: {where} explains {share} of the change")
        return case

    async def _explained(self, manager: Tallystick, poc: Tallystick, case: Case) -> Case:
        """The vendor says why, with evidence, and the client takes that for the cause."""
        slug = case.programme
        case = await manager.cases.step(slug, case.id, CaseStep.ANALYSE, revision=case.revision)
        signal = EvidenceReference(kind=EvidenceKind.SIGNAL, reference=case.signals[0])
        why = NewWhy(text="Moderators on live chat let insults stand that the new clause names.", evidence=(signal,))
        first = await poc.cases.answer_why(slug, case.id, why)
        why = NewWhy(
            parent=first.id,
            text="The release note of the clause went to the day shift alone.",
            category=CauseCategory.PROCESS,
            evidence=(
                EvidenceReference(reference="release-note-live-chat-3", note="Sent on Monday, 09:00; no reader at night."),
            ),
        )
        second = await poc.cases.answer_why(slug, case.id, why)
        proposed = NewCause(code="update_not_passed_on", text=second.text, share=0.9, why=second.id, evidence=second.evidence)
        cause = await poc.cases.propose_cause(slug, case.id, proposed)
        decision = CauseDecision(outcome="accepted")
        cause = await manager.cases.decide_cause(slug, case.id, cause.id, decision, revision=cause.revision)
        self._tell(cause.proposed_at, f"{_VENDOR}-poc", f"asks why, and proposes the cause {cause.code}: {cause.text}")
        self._tell(cause.decided_at, MANAGER, f"accepts the cause, with {len(cause.evidence)} piece of evidence")
        case = await manager.cases.read(slug, case.id)
        return await manager.cases.step(slug, case.id, CaseStep.PLAN, revision=case.revision)

    async def _planned(self, manager: Tallystick, case: Case) -> Case:
        """How the effect will be judged is registered before the work starts."""
        zone = self.before.programme.time_zone
        mended, end = self.after.mended_from or self.after.first_day, self.after.last_day + timedelta(days=1)
        if self.travel is None:
            end = datetime.now(ZoneInfo(zone)).date() + timedelta(days=1)
        effect = EffectPlan(
            scope=case.scope.model_copy(update={"error_class": (), "error_code": ()}),
            baseline=Period(from_=self.before.planted_from, to=self.after.first_day, time_zone=zone),
            verification=Period(from_=mended, to=end, time_zone=zone),
            wanted=0.5,
            minimum_sample=min(100, self.before.count // 100),
        )
        plan = await manager.plans.register(case.programme, case.id, effect)
        self._tell(
            plan.registered_at,
            MANAGER,
            f"registers the plan: the error rate there falls by half, {plan.effect.baseline.from_} to {plan.effect.baseline.to}"
            f" against {plan.effect.verification.from_} to {plan.effect.verification.to}, beside the rest of {_VENDOR}",
        )
        for new in (
            NewAction(kind=ActionKind.CORRECTIVE, title="Brief the night shift", owner=f"{_VENDOR}-poc", owner_vendor=_VENDOR),
            NewAction(kind=ActionKind.PREVENTIVE, title="Send release notes with a receipt", owner=_TRAINER, due_days=5),
        ):
            action = await manager.actions.agree(case.programme, case.id, new)
            self._tell(action.opened_at, MANAGER, f"agrees with {action.owner}: {action.title}, until {action.due_at:%Y-%m-%d}")
        return await manager.cases.read(case.programme, case.id)

    async def _acted(self, manager: Tallystick, poc: Tallystick, case: UUID) -> None:
        """The owners do it, and say where that is seen; the manager looks there."""
        slug = self.cast.programme
        self.go_to(_DONE_ON)
        seen = EvidenceReference(reference="attendance-night-shift", note="All of the shift have signed.")
        done: list[Action] = []
        async with self.cast.client(Role.AUDITOR, _TRAINER) as trainer:
            async for action in manager.actions.list(slug, {"case_id": str(case)}):
                owner = poc if action.owner_vendor else trainer
                step = await owner.actions.step(slug, action.id, ActionMove(step=ActionStep.START), revision=action.revision)
                complete = ActionMove(step=ActionStep.COMPLETE, evidence=(seen,))
                step = await owner.actions.step(slug, step.id, complete, revision=step.revision)
                self._tell(step.done_at, step.owner, f"completes {step.title}, on time, with evidence")
                done.append(step)
        self.go_to(_VERIFIED_ON)
        for action in done:
            verify = ActionMove(step=ActionStep.VERIFY)
            verified = await manager.actions.step(slug, action.id, verify, revision=action.revision)
            self._tell(verified.verified_at, MANAGER, f"verifies {verified.title}")

    def _tell_verdict(self, plan: CasePlan) -> None:
        if plan.judged is not None:
            before, after = figures.number(plan.judged.before), figures.number(plan.judged.after)
            verdict = (
                f"judges the effect {str(plan.verdict).replace('_', ' ')}: {before} before, {after} after. {plan.judged.why}"
            )
            self._tell(plan.judged_at, "rca-api", verdict)

    def _tell(self, when: datetime | date | None, who: str, what: str) -> None:
        when = when or datetime.now(UTC)
        day = when.astimezone(ZoneInfo(self.before.programme.time_zone)).date() if isinstance(when, datetime) else when
        self.chapters.append((day, who, what))


def case_table(story: CaseStory, case: Case) -> Table:
    """The story as a table."""
    table = Table(title=f"A case from its signal on: {case.title}", title_justify="left")
    for column in ("day", "who", "what"):
        table.add_column(column, overflow="fold", no_wrap=column != "what")
    for day, who, what in story.chapters:
        table.add_row(str(day), who, Text(what))
    return table


async def _planted_case(manager: Tallystick, programme: str) -> Case | None:
    """The case of what was planted, once its evidence is there."""
    async for case in manager.cases.list(programme, {"vendor": _VENDOR}):
        where = case.scope.site, case.scope.queue
        if where == ((PLANTED_SITE,), (PLANTED_QUEUE,)) and case.evidence_at is not None:
            return case
    return None


async def _judged(manager: Tallystick, case: Case) -> CasePlan | None:
    plan = await manager.plans.read(case.programme, case.id)
    return plan if plan.verdict is not None else None


async def _until(look: Callable[[], Awaitable[_Found | None]], otherwise: str) -> _Found:
    """Look until something is there."""
    deadline = time.monotonic() + _PATIENCE_S
    while (found := await look()) is None:
        if time.monotonic() > deadline:
            raise StoryStuckError(f"{otherwise} within {_PATIENCE_S:.0f} s.")
        await asyncio.sleep(_LOOK_AGAIN_S)
    return found
