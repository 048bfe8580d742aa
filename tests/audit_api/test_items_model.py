"""Whatever people do with items, and whatever time does: nobody is handed what they may not have, and no work is lost."""

import asyncio

import asyncpg
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from appeals import moved_by_hand
from conftest import Caller
from items_machine import PEOPLE, Working
from tallystick.schemas.principal import Role


async def test_items_are_handed_out_by_the_rules_whatever_happens(
    audit_app: FastAPI, caller: Caller, store: asyncpg.Connection
) -> None:
    """What comes to whom, what is audited and what ledgers say is what a plain model of the rules says."""
    clients = {name: caller(audit_app, Role.AUDITOR, subject=name) for name in PEOPLE}
    own = {"loop": asyncio.get_running_loop(), "app": audit_app, "store": store, "admin": caller(audit_app, Role.ADMIN)}
    with moved_by_hand(audit_app) as clock:
        machine = type("Machine", (Working,), own | {"clock": clock, "clients": clients})
        how = settings(max_examples=14, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=how)
