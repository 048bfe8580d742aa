"""The demonstration's appeals: a vendor sees banter where auditors see harassment, or the other way round; all invented."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from uuid import UUID

from tallystick.cli.demo_cast import LEADS, Cast
from tallystick.client import Tallystick
from tallystick.sample import DISPUTED_CODE, PLANTED_CODE
from tallystick.schemas.appeal import Appeal, AppealStage, Decision, NewAppeal, Proposal
from tallystick.schemas.audit import Attribution, Audit, Verdict
from tallystick.schemas.principal import Role

_VENDOR, _OTHER_VENDOR = "northwind", "eastgale"
_DISPUTED, _FURTHER, _WAITING = 36, 16, 4
"""How many audits are appealed for the disputed error, for another one, and by the other vendor at last."""
_KEPT_EVERY = 4
"""One in so many of the disputed verdicts is upheld all the same."""
_Outcome = Literal["upheld", "overturned", "amended"]
_REASONS: Mapping[_Outcome, str] = {
    "upheld": "The clause says so in as many words; the verdict stands.",
    "overturned": "The replies show that the target asked for it to stop. That is no banter.",
    "amended": "The clause was in force, but the site had not been trained on it yet.",
}


async def tell_appeals(cast: Cast) -> None:
    """One vendor appeals in bulk, two adjudicators decide, one case goes to arbitration; what another vendor appeals waits."""
    async with cast.poc(_VENDOR) as poc, cast.manager() as manager:
        disputed = await _appeal(poc, cast.programme, DISPUTED_CODE, _DISPUTED, _disputed)
        amended, withdrawn, escalated, *_ = await _appeal(poc, cast.programme, PLANTED_CODE, _FURTHER, _further)
        outcomes: dict[UUID, _Outcome] = {
            appeal: "overturned" if number % _KEPT_EVERY else "upheld" for number, appeal in enumerate(disputed)
        }
        outcomes[amended] = "amended"
        await poc.appeals.withdraw(cast.programme, withdrawn, "Raised for the wrong ticket.", revision=1)
        async with asyncio.TaskGroup() as together:
            for lead in LEADS:
                together.create_task(_adjudicate(cast, lead, outcomes))
        await _arbitrate(poc, manager, cast.programme, escalated)
        for appeal_id in (amended, escalated):
            decided = await poc.appeals.read(cast.programme, appeal_id)
            await poc.appeals.acknowledge(cast.programme, appeal_id, revision=decided.revision)
    async with cast.poc(_OTHER_VENDOR) as poc:
        await _appeal(poc, cast.programme, DISPUTED_CODE, _WAITING, _disputed)


async def _appeal(
    poc: Tallystick, programme: str, code: str, most: int, challenge: Callable[[Audit], NewAppeal]
) -> Sequence[UUID]:
    """Appeal the latest audits with an error that the client's auditors found, and did not lay at the policy's door."""
    found = poc.audits.list(programme, {"error_code": code, "audit_party": "client"})
    charged = [audit async for audit in found if audit.attributable_to is not Attribution.POLICY]
    result = await poc.appeals.submit_all(programme, map(challenge, charged[:most]))
    return [row.appeal_id for row in result.results if row.appeal_id is not None]


def _disputed(audit: Audit) -> NewAppeal:
    return NewAppeal(
        audit_id=audit.id,
        ground="context_missed",
        comment="The auditor saw the post alone. In the thread it is the fourth of its kind to the same person.",
        evidence=(f"thread:{audit.external_id}",),
        proposed=Proposal(verdict=Verdict.CORRECT),
    )


def _further(audit: Audit) -> NewAppeal:
    return NewAppeal(
        audit_id=audit.id,
        ground="policy_unclear",
        comment="The clause on live chat had changed the week before.",
        proposed=Proposal(attributable_to=Attribution.POLICY),
    )


async def _adjudicate(cast: Cast, lead: str, outcomes: Mapping[UUID, _Outcome]) -> None:
    """Claim and decide until nothing is left."""
    async with cast.client(Role.AUDITOR, lead) as adjudicator:
        while appeal := await adjudicator.appeals.claim(cast.programme):
            await _decide(adjudicator, appeal, outcomes.get(appeal.id, "upheld"))


async def _decide(adjudicator: Tallystick, appeal: Appeal, outcome: _Outcome) -> None:
    training = appeal.proposed.model_copy(update={"attributable_to": Attribution.TRAINING})
    decision = Decision(outcome=outcome, reason=_REASONS[outcome], judgement=training if outcome == "amended" else None)
    await adjudicator.appeals.decide(appeal.programme, appeal.id, decision, revision=appeal.revision)


async def _arbitrate(poc: Tallystick, manager: Tallystick, programme: str, appeal: UUID) -> None:
    """A decision that the vendor does not take is overturned by the quality manager, for good."""
    upheld = await poc.appeals.read(programme, appeal)
    await poc.appeals.escalate(
        programme, appeal, "The change of the clause is dated: see the release note.", revision=upheld.revision
    )
    if claimed := await manager.appeals.claim(programme, {"stage": AppealStage.ARBITRATION}):
        await _decide(manager, claimed, "overturned")
