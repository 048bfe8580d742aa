"""The client, the command and exposure at audit-api, together on a socket."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI

from items import item_row, put_items
from tallystick.client import ProblemError, Tallystick
from tallystick.identity import sign_token
from tallystick.schemas.principal import Role
from tallystick.schemas.sampling import HandBack, HandBackReason, ItemState, NoItem
from tallystick.schemas.staffing import NewAuditor

Connect = Callable[..., Tallystick]


@pytest.fixture
def connect(audit_address: str, identity: Path) -> Connect:
    """Make a client of somebody: `connect("ada", Role.AUDITOR)`."""

    def make(subject: str, role: Role) -> Tallystick:
        ttl = timedelta(minutes=10)
        token = sign_token(identity, subject=subject, roles=[role], programmes=["*"], vendor=None, ttl=ttl)
        return Tallystick(token=token, audit=audit_address, patience_s=5)

    return make


async def test_a_person_reads_their_own_ledger_and_managers_no_more_than_means(
    connect: Connect, audit_app: FastAPI, programme: str
) -> None:
    """What somebody is handed is in their own ledger, and in nobody else's."""
    await put_items(audit_app, [item_row(programme, harm=2.0)])
    async with connect("ada", Role.AUDITOR) as ada, connect("max", Role.QUALITY_MANAGER) as manager:
        await manager.auditors.put(programme, "ada", NewAuditor(name="Ada"))
        claimed = await ada.items.claim(programme)
        own, of_manager = await ada.exposure.read(programme), await manager.exposure.read(programme)
        summary = await manager.exposure.summary(programme, weeks=1)
        held = [each async for each in manager.items.list(programme, [ItemState.CLAIMED], claimed_by=["ada"])]
        others = [each async for each in manager.items.list(programme, claimed_by=["bo"])]
        with pytest.raises(ProblemError) as refused:
            await ada.exposure.summary(programme)

    assert claimed.item is not None
    assert own.today > 0
    assert [each.items for each in own.days] == [1]
    assert (of_manager.today, of_manager.days) == (0, ())
    assert (summary.items, summary.hidden) == ((), False)
    assert ([each.id for each in held], others) == ([claimed.item.id], [])
    assert refused.value.problem.status == 403


async def test_who_opts_out_or_takes_a_break_is_handed_nothing_of_it(
    connect: Connect, audit_app: FastAPI, programme: str
) -> None:
    """Until they opt in again, or the break is over; a shorter break makes none shorter."""
    await put_items(audit_app, [item_row(programme)])
    async with connect("ada", Role.AUDITOR) as ada, connect("max", Role.QUALITY_MANAGER) as manager:
        await manager.auditors.put(programme, "ada", NewAuditor(name="Ada"))
        out = await ada.exposure.opt_out(programme, ["harassment"])
        without = await ada.items.claim(programme)
        with pytest.raises(ProblemError) as refused:
            await ada.exposure.opt_out(programme, ["no_such"])
        still = await ada.exposure.opted_out(programme)
        back = await ada.exposure.opt_out(programme, [])
        again = await ada.items.claim(programme)
        assert again.item is not None
        wellbeing = HandBack(reason=HandBackReason.WELLBEING)
        await ada.items.hand_back(programme, again.item.id, wellbeing, revision=again.item.revision)
        pause = await ada.exposure.take_break(programme, 60)
        shorter = await ada.exposure.take_break(programme, 1)
        paused = await ada.items.claim(programme)

    assert (out, still, back) == (("harassment",), ("harassment",), ())
    assert (without.item, refused.value.slug) == (None, "opt-out-refused")
    assert (paused.reason, paused.again_at) == (NoItem.ON_A_BREAK, pause.break_until)
    assert shorter.break_until == pause.break_until
