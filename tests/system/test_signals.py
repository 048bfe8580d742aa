"""A fault in the numbers becomes a signal by itself, on the whole product."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from factories import audit_row, missed
from system.conftest import System
from tallystick.client import Tallystick
from tallystick.schemas.principal import Role
from tallystick.schemas.signal import Signal

pytestmark = pytest.mark.xdist_group("system")

WEEKS = 9


async def test_a_step_in_what_is_pushed_is_signalled_to_those_whom_it_concerns(
    system: System, gateway: Callable[..., httpx.AsyncClient], programme: str
) -> None:
    """Pushed at once over nine weeks, found when the facts stand still (half a minute, unless set), and followed on the feed."""
    now = datetime.now(UTC)
    monday = datetime(now.year, now.month, now.day, 12, tzinfo=UTC) - timedelta(days=now.weekday(), weeks=WEEKS)
    rows = []
    for week in range(WEEKS):
        times = {
            "decided_at": (monday + timedelta(weeks=week)).isoformat(),
            "audited_at": (monday + timedelta(weeks=week, hours=1)).isoformat(),
        }
        for number in range(60):
            wrong = number < (1 if week < WEEKS - 1 else 20)
            rows.append((missed if wrong else audit_row)(f"{week}-{number}", **times))
    where = {"programme": programme}
    pushed = await gateway(Role.ADMIN).post("/audit/v1/audit-batches", params=where, json=rows)
    assert pushed.status_code == 201, pushed.text
    found: list[Signal] = []
    async with Tallystick(system.url, system.token(Role.VENDOR_POC, vendor="acme")) as tallystick, asyncio.timeout(120):
        async for page in tallystick.changes(programme, source="reporting", wait=5):
            found += [Signal.model_validate(change["data"]) for change in page.changes]
            if found:
                break
    other = await gateway(Role.VENDOR_POC, vendor="borealis").get("/reporting/v1/signals", params=where)

    assert {signal.vendor for signal in found} == {"acme"}
    assert "control_chart" in {signal.detector for signal in found}
    assert other.json()["items"] == []
