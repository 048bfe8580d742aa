"""Audits and appeals against a model."""

import asyncio

from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis.stateful import run_state_machine_as_test

from appeals import moved_by_hand
from appeals_machine import Appeals, driven
from conftest import Caller


async def test_appeals_do_what_the_model_does(audit_app: FastAPI, caller: Caller) -> None:
    """States, promises, verdicts on what is raised, who is handed what, and the numbers in both views."""
    with moved_by_hand(audit_app) as clock:
        how = settings(max_examples=15, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck))
        await asyncio.to_thread(run_state_machine_as_test, driven(Appeals, audit_app, caller, clock), settings=how)
