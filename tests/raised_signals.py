"""Signals as reporting-api keeps them, put there by hand."""

from datetime import date, timedelta
from typing import Any

from fastapi import FastAPI
from sqlalchemy import insert, update

from rca_api.service import SERVICE
from reporting_api.signals.findings import signal_id
from reporting_api.tables import signals, streams
from tallystick.service.database import Database
from tallystick.service.feed import take_positions


class Signals:
    """Signals as reporting-api keeps them, put there by hand."""

    def __init__(self, app: FastAPI, programme: str) -> None:
        self._database: Database = app.state.database
        self._programme = programme

    async def raise_one(self, scope: dict[str, str], since: date, weeks: int = 1, **changes: Any) -> str:
        """A new signal about a scope, shown for so many weeks; answers its key."""
        detector, measure = changes.get("detector", "control_chart"), changes.get("measure", "error_rate")
        key = f"{detector}/{measure}/{'&'.join(f'{name}={value}' for name, value in scope.items())}/{since}"
        number = {"value": 0.2, "numerator": 8, "denominator": 40, "interval": None, "sufficient": True, "reason": None}
        signal = {
            "key": key,
            "vendor": scope.get("vendor"),
            "detector": detector,
            "rule": "one_beyond_limit",
            "measure": measure,
            "scope": {name: [value] for name, value in scope.items()},
            "state": "active",
            "direction": "up",
            "since": since,
            "raised_on": since + timedelta(weeks=1),
            "until": since + timedelta(weeks=weeks),
            "time_zone": "Europe/Berlin",
            "strength": 3.4,
            "observed": number,
            "expected": number,
            "summary": f"Errors went up at {', '.join(scope.values())}.",
        }
        await self._write(
            insert(signals).values(programme=self._programme, id=signal_id(self._programme, key), revision=1), **signal | changes
        )
        return key

    async def change(self, key: str, revision: int = 2, **values: Any) -> None:
        """Let a signal say something else."""
        this = update(signals).where(signals.c.programme == self._programme, signals.c.key == key)
        await self._write(this.values(revision=revision), **values)

    async def _write(self, statement: Any, **values: Any) -> None:
        async with self._database.writing(SERVICE) as session:
            position = await take_positions(session, streams, self._programme, 1)
            await session.execute(statement.values(position=position, **values))
