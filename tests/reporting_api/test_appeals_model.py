"""Whatever is done to audits and appeals: once the feed is read, the numbers are those of the model."""

import asyncio
from collections import Counter
from typing import Any

import httpx
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from hypothesis.stateful import rule, run_state_machine_as_test

from appeals import moved_by_hand
from appeals_machine import Appeals, driven
from appeals_model import RULES, Appeal
from conftest import Caller
from factories import programme_document
from reporting_api.projection.worker import Follower
from tallystick.client import Tallystick
from tallystick.schemas.programme import Programme
from tallystick.service.database import Database

DECIDED, CHANGED = {"upheld", "overturned", "amended"}, {"overturned", "amended"}
Counts = dict[tuple[str | None, ...], tuple[int, ...]]


class Reported(Appeals):
    """The same, with reporting behind it: read and asked at any time, and at the end."""

    follower: Follower
    reporting: httpx.AsyncClient

    @rule()
    def read_and_compare(self) -> None:
        """What has changed since is read, and everything is asked."""
        self.run(self._compare())

    def teardown(self) -> None:
        """At the end once more."""
        super().teardown()
        self.read_and_compare()

    async def _compare(self) -> None:
        document = Programme.model_validate(programme_document(self.programme, **RULES))
        await self.follower.follow(document, wait=0)
        for view in ("first_scored", "adjudicated"):
            assert await self._asked(["audits", "errors"], ["vendor", "auditor"], view=view) == self._audited(view)
        measures = ["appeals", "appeal_rate", "decided_appeals", "overturn_rate"]
        assert await self._asked(measures, ["vendor", "auditor"]) == self._appealed()
        by_severity = await self._asked(["appeals"], ["severity"])
        wrong = Counter(appeal.appealed["severity"] for appeal in self.model.appeals.values() if appeal.appealed["severity"])
        assert {key: count for key, (count,) in by_severity.items() if count} == {(key,): count for key, count in wrong.items()}
        report = (await self.reporting.get("/v1/reports/appeals", params={"programme": self.programme})).json()
        self._agree_with(report)

    async def _asked(self, measures: list[str], by: list[str], **more: str) -> Counts:
        asked = {"programme": self.programme, "measure": measures, "by": by, **more}
        rows = (await self.reporting.get("/v1/metrics", params=asked)).json()["rows"]
        return {tuple(row["dimensions"].values()): tuple(row["numbers"][name]["numerator"] for name in measures) for row in rows}

    def _audited(self, view: str) -> Counts:
        found = Counter[tuple[str | None, ...]]()
        errors = Counter[tuple[str | None, ...]]()
        for audit in self.model.audits.values():
            judged = audit.first if view == "first_scored" else audit.current
            found[audit.vendor, audit.auditor] += 1
            errors[audit.vendor, audit.auditor] += judged["verdict"] == "incorrect"
        return {key: (count, errors[key]) for key, count in found.items()}

    def _appealed(self) -> Counts:
        def counts(own: list[Appeal]) -> tuple[int, ...]:
            states = [appeal.state for appeal in own]
            appealed = {appeal.audit.id for appeal in own}
            return len(own), len(appealed), sum(each in DECIDED for each in states), sum(each in CHANGED for each in states)

        appeals = self.model.appeals.values()
        return {
            key: counts([appeal for appeal in appeals if (appeal.audit.vendor, appeal.audit.auditor) == key])
            for key in self._audited("adjudicated")
        }

    def _agree_with(self, report: dict[str, Any]) -> None:
        """Outcomes, escalations, promises kept, and what waits."""
        appeals = self.model.appeals.values()
        late = [appeal for appeal in appeals if appeal.is_open and appeal.due_at < self.model.now]
        due = [appeal for appeal in appeals if appeal.state in {*DECIDED, "expired"} or appeal in late]
        kept = [appeal for appeal in appeals if appeal.state in DECIDED and appeal.on_time]
        on_time, waiting = report["times"][0]["on_time"], report["open"]

        for group in report["vendors"]:
            own = Counter(
                "open" if appeal.is_open else appeal.state
                for appeal in appeals
                if appeal.audit.vendor == group["dimensions"]["vendor"]
            )
            assert Counter({name: each["value"] for name, each in group["outcomes"].items()}) == own
        assert report["escalations"]["rate"]["numerator"] == sum(appeal.stage == "arbitration" for appeal in appeals)
        assert (on_time["numerator"], on_time["denominator"]) == (len(kept), len(due))
        assert (waiting["open"]["value"], waiting["overdue"]["value"]) == (sum(each.is_open for each in appeals), len(late))


async def test_numbers_are_those_of_the_model(
    audit_app: FastAPI,
    reporting_app: FastAPI,
    reporting_database: Database,
    reporting: httpx.AsyncClient,
    feed: Tallystick,
    caller: Caller,
) -> None:
    """First scored and adjudicated, by vendor and auditor; appeals by outcome, by the error appealed, and against their terms."""
    with moved_by_hand(audit_app) as clock, moved_by_hand(reporting_app):
        reporting_app.state.clock = clock
        machine = driven(Reported, audit_app, caller, clock, follower=Follower(reporting_database, feed, 3), reporting=reporting)
        how = settings(max_examples=5, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
        await asyncio.to_thread(run_state_machine_as_test, machine, settings=how)
