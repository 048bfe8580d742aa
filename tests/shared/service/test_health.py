"""What operators and load balancers ask: alive, ready, which version, which numbers."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from batches import problem
from tallystick.service.app import StaleSchemaError
from tallystick.service.migrate import head_revision
from tallystick_embedded.postgres import Cluster

NOWHERE = "postgresql://audit_runtime@/audit?host=/nowhere/at/all"


def _client(app: FastAPI) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app, raise_app_exceptions=False), base_url="http://test")


async def _answers(app: FastAPI) -> tuple[httpx.Response, httpx.Response]:
    async with _client(app) as client:
        answers = await client.get("/livez"), await client.get("/readyz")
    await app.state.database.engine.dispose()
    return answers


async def test_a_service_on_its_schema_is_ready(audit_app: FastAPI) -> None:
    """Alive and ready, and it says which version it is; no token is needed for that."""
    async with _client(audit_app) as client:
        ready, version = await client.get("/readyz"), await client.get("/version")

    assert (ready.status_code, ready.json()) == (200, {"status": "ready"})
    assert version.json() == {"service": "audit-api", "version": "0.1.0", "schema": head_revision("audit_api")}


async def test_a_service_without_its_database_is_alive_and_not_ready(service: Callable[..., FastAPI]) -> None:
    """The process need not be restarted because the database is away: it is told apart."""
    live, ready = await _answers(service(database_url=NOWHERE))

    assert live.status_code == 200
    assert (ready.status_code, problem(ready)) == (503, "unavailable")
    assert ready.headers["retry-after"] == "1"


async def test_a_service_on_another_schema_is_not_ready_and_does_not_start(
    service: Callable[..., FastAPI], empty_database: Callable[[str], Any], cluster: Cluster
) -> None:
    """A database that nobody has migrated is refused at the start, with what to do about it."""
    app = service(database_url=cluster.url(await empty_database("audit"), "audit_runtime"))
    live, ready = await _answers(app)
    with pytest.raises(StaleSchemaError, match=r"the database is at None: run `audit-api migrate` first"):
        async with app.router.lifespan_context(app):
            pass
    await app.state.database.engine.dispose()

    assert live.status_code == 200
    assert (ready.status_code, problem(ready)) == (503, "unavailable")


async def test_a_service_without_its_database_does_not_start(service: Callable[..., FastAPI]) -> None:
    """Nobody can say which schema it is."""
    app = service(database_url=NOWHERE)
    with pytest.raises(OSError, match="No such file"):
        async with app.router.lifespan_context(app):
            pass


async def test_a_service_that_drains_is_not_ready(service: Callable[..., FastAPI], audit_app: FastAPI) -> None:  # noqa: ARG001 - it migrates
    """Readiness turns off first, so that no new work is sent."""
    app = service()
    app.state.draining.set()
    live, ready = await _answers(app)

    assert (live.status_code, ready.status_code) == (200, 503)
    assert ready.headers["retry-after"] == "5"


async def test_metrics_count_by_route_and_never_by_address(probe: httpx.AsyncClient) -> None:
    """Labels are templates of routes and known methods: their number does not grow with what is asked for."""
    for number in range(5):
        await probe.get(f"/v1/things/{number}")
        await probe.get(f"/nowhere/{number}")
        await probe.request(f"METHOD{number}", "/livez")
        await probe.get("/v1/failures/bug")
    text = (await probe.get("/metrics")).text
    samples = {
        (sample.labels["method"], sample.labels["route"], sample.labels["status"]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == "tallystick_http_requests_total"
    }

    assert samples == {
        ("GET", "/v1/things/{revision}", "200"): 5,
        ("GET", "unmatched", "404"): 5,
        ("other", "/livez", "405"): 5,
        ("GET", "/v1/failures/{kind}", "500"): 5,
    }
    assert "tallystick_http_request_seconds_bucket" in text
    assert "tallystick_http_requests_under_way 1.0" in text
