"""Raising appeals, one or many: each row becomes an appeal, or is told what stands in its way."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import ARRAY, Row, Text, any_, func, insert, literal, select

from audit_api.appeals.problems import AppealDecided, AppealOpen, AppealRefused, AppealWindowClosed
from audit_api.appeals.tables import appeal_events, appeals
from audit_api.audits.judging import Rules
from audit_api.audits.records import JUDGEMENT, find_audits
from audit_api.audits.routes import AuditErased
from audit_api.audits.tables import audit_revisions, audits
from audit_api.batches.reading import Row as SentRow
from audit_api.metadata import streams, webhooks
from audit_api.programmes.records import read_document
from tallystick.schemas.appeal import (
    OPEN,
    AppealAction,
    AppealRowVerdict,
    AppealStage,
    AppealState,
    NewAppeal,
    Proposal,
)
from tallystick.schemas.audit import Judgement, RowError, Verdict
from tallystick.schemas.base import new_id
from tallystick.schemas.problem import ProblemError
from tallystick.schemas.programme import Programme
from tallystick.service.calendar import add_working_days
from tallystick.service.database import ReadSession, WriteSession, scoped
from tallystick.service.feed import take_positions
from tallystick.service.problems import NotFound, Problem
from tallystick.service.turns import Turn
from tallystick.service.webhooks.outbox import announce

_ERROR = ("error_class", "error_code", "severity", "attributable_to")
_OF_AUDIT = ("vendor", "site", "queue", "market", "language", "policy", "error_class", "error_code", "severity")


@dataclass(slots=True)
class Result:
    """The verdict on one row. Where it was rejected, `problem` is what a request with this row alone is answered."""

    row: int
    verdict: AppealRowVerdict
    appeal_id: UUID | None
    errors: tuple[RowError, ...] = ()
    problem: Problem | None = None


def proposed_judgement(audit: Row[Any], proposal: Proposal) -> Judgement:
    """The whole judgement that a proposal amounts to: what it leaves out stays as it was judged.

    Where it calls the decision correct, the error goes, and the benchmark is what the moderator decided.
    """
    judged = {name: audit._mapping[name] for name in JUDGEMENT}
    if proposal.verdict is Verdict.CORRECT:
        judged |= dict.fromkeys(_ERROR) | {"benchmark_action": audit.action, "benchmark_policy": audit.policy}
    return Judgement.model_validate(judged | proposal.model_dump(exclude_none=True))


class Docket:
    """The audits that some rows appeal, with what is known of each. The session holds the lock of the programme's stream."""

    def __init__(self, session: WriteSession, document: Programme, now: datetime) -> None:
        self._session = session
        self._document = document
        self._now = now
        self._rules = Rules(document, session.principal.vendor)
        self._grounds = {ground.code for ground in document.appeals.grounds}
        self._audits: dict[UUID | str, Row[Any]] = {}
        self._judged_at: dict[UUID, datetime] = {}
        self._appeals: dict[UUID, list[dict[str, Any]]] = defaultdict(list)
        self.raised: list[dict[str, Any]] = []
        """The appeals to insert, without their positions."""

    async def load(self, rows: Sequence[NewAppeal]) -> None:
        """Read the audits that the rows name, when their judgement was recorded, and the appeals that they have been under."""
        programme = self._document.slug
        by_id = await find_audits(self._session, programme, {row.audit_id for row in rows if row.audit_id is not None})
        by_name = await _named(self._session, programme, [row.external_id for row in rows if row.external_id is not None])
        self._audits = dict([*by_id.items(), *by_name.items()])
        ids = [audit.id for audit in self._audits.values()]
        c, a = audit_revisions.c, appeals.c
        revised = scoped(
            select(c.audit_id, func.max(c.recorded_at).label("judged_at")), audit_revisions, programme, self._session.principal
        )
        judged = await self._session.execute(revised.where(c.audit_id == any_(_ids(ids))).group_by(c.audit_id))
        self._judged_at = {row.audit_id: row.judged_at for row in judged}
        known = select(a.id, a.audit_id, a.state, a.content_hash, a.decided_revision)
        earlier = scoped(known, appeals, programme, self._session.principal).where(a.audit_id == any_(_ids(ids)))
        for row in await self._session.execute(earlier.order_by(a.id)):
            self._appeals[row.audit_id].append(dict(row._mapping))

    def judge(self, number: int, new: NewAppeal) -> Result:
        """The verdict on one row, and what it comes to for those after it."""
        audit = self._audits.get(new.audit_id or new.external_id or "")
        try:
            if audit is None:
                raise NotFound("There is no such audit.")
            digest = _content_hash(audit.id, new)
            for earlier in self._appeals[audit.id]:
                if earlier["content_hash"] == digest:
                    return Result(number, AppealRowVerdict.DUPLICATE, earlier["id"])
            self._require_appealable(audit)
            proposed = self._require_sound(audit, new)
        except Problem as problem:
            errors = problem.errors or [ProblemError(pointer="", code=problem.slug().replace("-", "_"), detail=problem.detail)]
            faults = tuple(RowError(**error.model_dump()) for error in errors)
            standing = problem.extra.get("appeal_id")
            return Result(number, AppealRowVerdict.REJECTED, standing and UUID(standing), faults, problem)
        return Result(number, AppealRowVerdict.CREATED, self._raise(audit, new, proposed, digest))

    def _require_appealable(self, audit: Row[Any]) -> None:
        if audit.erased:
            raise AuditErased("An erased audit is not appealed any more.")
        for earlier in self._appeals[audit.id]:
            if earlier["state"] in OPEN:
                raise AppealOpen("Wait for what is decided, or withdraw that appeal.", appeal_id=str(earlier["id"]))
            if earlier["decided_revision"] is not None and earlier["decided_revision"] >= audit.revision:
                raise AppealDecided("The audit has not been revised since.", appeal_id=str(earlier["id"]))
        days = self._document.targets.appeal_window_days
        if days is not None:
            judged_at = self._judged_at.get(audit.id, audit.recorded_at)
            closes_at = add_working_days(self._document.calendar, self._document.time_zone, judged_at, days)
            if closes_at <= self._now:
                raise AppealWindowClosed(
                    f"It could be appealed for {days} working days.", closed_at=f"{closes_at:%Y-%m-%dT%H:%M:%SZ}"
                )

    def _require_sound(self, audit: Row[Any], new: NewAppeal) -> Judgement:
        errors: list[ProblemError] = []
        if new.ground not in self._grounds:
            errors.append(ProblemError(pointer="/ground", code="unknown_ground", detail="The programme knows no such ground."))
        proposed = proposed_judgement(audit, new.proposed)
        errors += [
            ProblemError(pointer=f"/proposed{error.pointer}", code=error.code, detail=error.detail)
            for error in self._rules.check_judgement(proposed)
        ]
        if not _contested(audit, proposed):
            errors.append(ProblemError(pointer="/proposed", code="nothing_contested", detail="The audit says the same already."))
        if errors:
            raise AppealRefused("The programme does not take this appeal.", errors=errors)
        return proposed

    def _raise(self, audit: Row[Any], new: NewAppeal, proposed: Judgement, digest: bytes) -> UUID:
        appeal_id, now, principal = new_id(), self._now, self._session.principal
        self._appeals[audit.id].append(
            {"id": appeal_id, "state": AppealState.SUBMITTED, "content_hash": digest, "decided_revision": None}
        )
        self.raised.append(
            {
                "programme": self._document.slug,
                "id": appeal_id,
                "audit_id": audit.id,
                "audit_revision": audit.revision,
                **{name: audit._mapping[name] for name in _OF_AUDIT},
                "state": AppealState.SUBMITTED,
                "stage": AppealStage.REVIEW,
                "ground": new.ground,
                "comment": new.comment,
                "evidence": list(new.evidence),
                "proposed": proposed.model_dump(mode="json"),
                "contested": _contested(audit, proposed),
                "content_hash": digest,
                "submitted_by": principal.subject,
                "submitted_at": now,
                **promised(self._document, now),
                "revision": 1,
            }
        )
        return appeal_id


def promised(document: Programme, now: datetime) -> dict[str, datetime | None]:
    """When an appeal that is submitted or escalated now is due, and when it expires undecided."""

    def after(days: int | None) -> datetime | None:
        return None if days is None else add_working_days(document.calendar, document.time_zone, now, days)

    return {"due_at": after(document.targets.appeal_turnaround_days), "expires_at": after(document.appeals.expiry_days)}


async def raise_appeals(session: WriteSession, programme: str, rows: Sequence[SentRow[NewAppeal]], now: datetime) -> list[Result]:
    """Raise what can be raised of some rows, in their order, and answer the verdict on each."""
    await take_positions(session, streams, programme, 0)
    document = await read_document(session, programme)
    docket = Docket(session, document, now)
    await docket.load([row.content for row in rows if row.content is not None])
    results: list[Result] = []
    turn = Turn()
    for row in rows:
        if turn.is_over:
            await turn.pass_on()
        if row.content is None:
            results.append(Result(row.number, AppealRowVerdict.REJECTED, None, row.errors))
        else:
            results.append(docket.judge(row.number, row.content))
    if docket.raised:
        first = await take_positions(session, streams, programme, len(docket.raised))
        raised = [{**appeal, "position": position} for position, appeal in enumerate(docket.raised, first)]
        await session.execute(insert(appeals), raised)
        await session.execute(insert(appeal_events), [_first_step(appeal) for appeal in raised])
        ids, [vendor] = [appeal["id"] for appeal in raised], {appeal["vendor"] for appeal in raised}
        await announce(session, webhooks, programme, vendor, "appeal.submitted", *ids, at=now)
    return results


def _first_step(appeal: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: appeal[name] for name in ("programme", "vendor", "revision", "state", "stage")},
        "appeal_id": appeal["id"],
        "action": AppealAction.SUBMIT,
        "by": appeal["submitted_by"],
        "at": appeal["submitted_at"],
    }


async def _named(session: ReadSession, programme: str, names: list[str]) -> dict[str, Row[Any]]:
    """The caller's audits by their external ids."""
    if not names:
        return {}
    statement = scoped(select(audits), audits, programme, session.principal)
    found = await session.execute(statement.where(audits.c.external_id == any_(literal(names, ARRAY(Text)))))
    return {row.external_id: row for row in found}


def _ids(ids: list[UUID]) -> Any:
    return literal(ids, ARRAY(audits.c.id.type))


def _contested(audit: Row[Any], proposed: Judgement) -> list[str]:
    return [name for name in JUDGEMENT if getattr(proposed, name) != audit._mapping[name]]


def _content_hash(audit_id: UUID, new: NewAppeal) -> bytes:
    """SHA-256 over the canonical form of what is raised: a JSON array, the proposal in it by name without what it leaves out."""
    proposal = new.proposed.model_dump(mode="json", exclude_none=True)
    content = [str(audit_id), new.ground, new.comment, new.evidence, proposal]
    return hashlib.sha256(orjson.dumps(content, option=orjson.OPT_SORT_KEYS)).digest()
