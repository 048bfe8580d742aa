"""Every error of a service is a problem document, and none shows what it stumbled over."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from structlog.testing import capture_logs

from batches import problem
from conftest import Caller
from tallystick.identity import sign_service_token
from tallystick.schemas.principal import Role
from tallystick.schemas.problem import Problem as ProblemDocument
from tallystick.service.problems import all_problems, problem_errors

CANARY = "c4n4ry-9d21"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.mark.parametrize(
    ("method", "path", "request_of", "status", "kind"),
    [
        ("GET", "/v1/nothing", {}, 404, "not-found"),
        ("GET", "/v1/numbers/", {}, 404, "not-found"),
        ("GET", "/v1/things/", {}, 404, "not-found"),
        ("GET", f"/{CANARY}/%00/%ff", {}, 404, "not-found"),
        ("DELETE", "/v1/things/1", {}, 405, "method-not-allowed"),
        ("GET", "/v1/numbers", {}, 401, "unauthenticated"),
        ("POST", "/v1/things", {"content": b"{", "headers": {"Content-Type": "application/json"}}, 400, "malformed-request"),
        ("POST", "/v1/things", {"json": {"name": CANARY * 100}}, 413, "body-too-large"),
        ("POST", "/v1/things", {"content": CANARY, "headers": {"Content-Type": "text/plain"}}, 415, "unsupported-media-type"),
        ("POST", "/v1/things", {"content": b"{}", "headers": {"Content-Encoding": "br"}}, 415, "unsupported-media-type"),
        ("POST", "/v1/things", {"json": {"name": 1, "size": CANARY}}, 422, "invalid-request"),
        ("POST", "/v1/things", {"json": {}, "params": {"count": CANARY}}, 422, "invalid-request"),
        ("GET", f"/v1/things/{CANARY}", {}, 422, "invalid-request"),
        ("GET", f"/v1/things/3?version={CANARY}", {}, 422, "invalid-request"),
        ("PUT", "/v1/things/1", {}, 428, "precondition-required"),
        ("PUT", "/v1/things/1", {"headers": {"If-Match": '"2"'}}, 412, "precondition-failed"),
        ("GET", "/v1/failures/busy", {}, 429, "too-many-requests"),
        ("GET", "/v1/failures/bug", {}, 500, "internal-error"),
        ("GET", "/v1/failures/query", {}, 500, "internal-error"),
        ("GET", "/v1/failures/lost", {}, 503, "unavailable"),
        ("GET", "/v1/failures/refused", {}, 503, "unavailable"),
    ],
)
async def test_an_error_is_a_problem_document(
    probe: httpx.AsyncClient, method: str, path: str, request_of: dict[str, Any], status: int, kind: str
) -> None:
    """With a type that resolves, title, status, detail, instance and request id, and never with a value."""
    answer = await probe.request(method, path, **request_of)
    document = ProblemDocument.model_validate_json(answer.content)

    assert (answer.status_code, problem(answer)) == (status, kind)
    assert document.type == f"https://qa.example/problems/{kind}"
    assert document.instance.startswith("/")
    assert document.title
    assert document.detail
    assert UUID.fullmatch(document.request_id)
    assert CANARY not in str({**answer.json(), "instance": ""})


async def test_a_body_that_is_wrong_altogether_has_an_answer_that_ends(probe: httpx.AsyncClient) -> None:
    """A hundred mistakes are told, and how many there are: a small body cannot ask for a large answer."""
    body = "{" + ",".join(f'"{number}":1' for number in range(120)) + "}"
    answer = await probe.post("/v1/things", content=body, headers={"Content-Type": "application/json"})

    assert (answer.status_code, problem(answer)) == (422, "invalid-request")
    assert len(answer.json()["errors"]) == 100
    assert "122 mistakes" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("prefix", "instance"),
    [(None, "/reporting/nothing"), ("/reporting", "/reporting/nothing"), ("", "/nothing")],
)
async def test_a_problem_names_the_path_that_was_asked_for(
    service: Callable[..., FastAPI], prefix: str | None, instance: str
) -> None:
    """At the root of the gateway without the prefix that the service has elsewhere."""
    transport = httpx.ASGITransport(service(), root_path="/reporting")
    headers = {} if prefix is None else {"X-Forwarded-Prefix": prefix}
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as client:
        answer = await client.get("/reporting/nothing", headers=headers)

    assert answer.json()["instance"] == instance


@pytest.mark.parametrize(
    ("path", "header", "value"),
    [
        ("/v1/failures/busy", "retry-after", "5"),
        ("/v1/failures/lost", "retry-after", "1"),
        ("/v1/numbers", "www-authenticate", "Bearer"),
    ],
)
async def test_a_problem_says_what_to_do_in_its_headers(probe: httpx.AsyncClient, path: str, header: str, value: str) -> None:
    """When to come back, and how to prove who one is."""
    assert (await probe.get(path)).headers[header] == value


async def test_a_method_that_is_not_taken_is_told_those_that_are(probe: httpx.AsyncClient) -> None:
    """405 lists all methods of the address; HEAD and OPTIONS are not among them."""
    answers = [await probe.request(method, "/v1/things/1") for method in ("DELETE", "HEAD", "OPTIONS")]

    assert [(answer.status_code, answer.headers["allow"]) for answer in answers] == [(405, "GET, PUT")] * 3


async def test_parameters_that_a_route_does_not_know_are_refused(probe: httpx.AsyncClient) -> None:
    """All of them, on every route, by name; a name that is no plain word is not shown."""
    answer = await probe.get("/v1/numbers", params={"limit": 1, "Limit": 2, "odd": True, "even": False, f"<{CANARY}>": ""})
    alive = await probe.get("/livez", params={"limit": 1})

    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
        ("query:?", "unknown_parameter"),
        ("query:Limit", "unknown_parameter"),
        ("query:even", "unknown_parameter"),
    ]
    assert (answer.status_code, alive.status_code) == (422, 422)


async def test_faults_of_a_request_are_pointed_at(probe: httpx.AsyncClient) -> None:
    """By JSON pointer in the body, by name in the query; a name that is no plain word is a value, and not shown."""
    body = {"name": "x", "size": "y", CANARY + "\n": 1, "x" * 65: 2, "a~/b": 3, "colour": 4}
    answer = await probe.post("/v1/things", json=body, params={"count": 0})

    assert [(error["pointer"], error["code"]) for error in answer.json()["errors"]] == [
        ("query:count", "greater_than_equal"),
        ("/size", "int_type"),
        ("/?", "extra_forbidden"),
        ("/?", "extra_forbidden"),
        ("/?", "extra_forbidden"),
        ("/colour", "extra_forbidden"),
    ]


def test_places_are_json_pointers() -> None:
    """Items are counted from 0, and an error of the whole points to the whole."""
    errors = [{"loc": loc, "type": "t", "msg": "Value error, So."} for loc in [("body", "a", 0, "b"), ("body",), (), ("a", 1)]]

    assert [error.pointer for error in problem_errors(errors)] == ["/a/0/b", "", "", "/a/1"]
    assert {error.detail for error in problem_errors(errors)} == {"So."}


def test_every_problem_can_be_looked_up() -> None:
    """Each kind has a page: a title, a status and a text; no two share a name."""
    kinds = list(all_problems())

    assert len({kind.slug() for kind in kinds}) == len(kinds) > 15
    for kind in kinds:
        assert kind.title
        assert 400 <= kind.status < 600
        assert kind.__doc__


@pytest.mark.parametrize("given", ["request-1234", "a" * 64, "A.b_c-12"])
async def test_a_request_id_is_taken_over(probe: httpx.AsyncClient, given: str) -> None:
    """A caller's request id comes back, in good answers and in bad ones."""
    good = await probe.get("/livez", headers={"X-Request-Id": given})
    bad = await probe.get("/v1/failures/bug", headers={"X-Request-Id": given})

    assert [answer.headers["x-request-id"] for answer in (good, bad)] == [given, given]
    assert bad.json()["request_id"] == given


@pytest.mark.parametrize("given", ["short", "a" * 65, "with space", "<script>", ""])
async def test_a_request_id_that_is_none_is_replaced(probe: httpx.AsyncClient, given: str) -> None:
    """What could not stand in a log line is not taken over."""
    answer = await probe.get("/livez", headers={"X-Request-Id": given})

    assert UUID.fullmatch(answer.headers["x-request-id"])


async def test_a_request_leaves_one_line_without_its_payload(probe: httpx.AsyncClient) -> None:
    """Route template, status, time, ids: no path, no query, no body."""
    trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    with capture_logs() as logs:
        await probe.get("/v1/things/17", headers={"traceparent": trace, "X-Request-Id": "request-1"})
        await probe.post(f"/v1/things?count={CANARY}", json={"name": CANARY, "size": "x"})
        await probe.get(f"/{CANARY}")

    assert [entry["event"] for entry in logs] == ["request"] * 3
    assert [(entry["method"], entry["route"], entry["status"]) for entry in logs] == [
        ("GET", "/v1/things/{revision}", 200),
        ("POST", "/v1/things", 422),
        ("GET", "unmatched", 404),
    ]
    assert (logs[0]["request_id"], logs[0]["trace_id"]) == ("request-1", "4bf92f3577b34da6a3ce929d0e0e4736")
    assert CANARY not in str(logs)


async def test_the_log_names_the_principal(audit_app: FastAPI, caller: Caller) -> None:
    """Who asked, for which vendor; and why a token was not accepted, which the answer does not say."""
    with capture_logs() as logs:
        await caller(audit_app, Role.VENDOR_POC, vendor="acme", subject="poc-7").get("/v1/programmes")
        await caller(audit_app, Role.ADMIN).get("/v1/programmes", headers={"Authorization": "Bearer nonsense"})

    assert [(entry["principal"], entry["vendor"], entry["refusal"]) for entry in logs] == [
        ("poc-7", "acme", None),
        (None, None, "DecodeError"),
    ]


async def test_what_machines_ask_all_the_time_is_logged_for_debugging_alone(
    audit_app: FastAPI, caller: Caller, identity: Path
) -> None:
    """Services' reads of each other and probes, unless they go wrong; what people ask stands in the log."""
    person = caller(audit_app, Role.ADMIN)
    token = sign_service_token(json.loads((identity / "service.jwk").read_text()), "reporting-api")
    with capture_logs() as logs:
        for path in ("/v1/programmes", "/v1/programmes/none-such"):
            await person.get(path, headers={"Authorization": f"Bearer {token}"})
            await person.get(path)
        for path in ("/livez", "/readyz", "/metrics"):
            await person.get(path)

    assert [(entry["status"], entry["log_level"]) for entry in logs] == [
        (200, "debug"),
        (200, "info"),
        (404, "info"),
        (404, "info"),
        *[(200, "debug")] * 3,
    ]


_LOGGING = """
import logging, sys, structlog
from sqlalchemy.exc import DBAPIError
from tallystick.service.telemetry import configure_logging
configure_logging("info")
failures = [ValueError("CANARY"), DBAPIError("select 1", {"a": "CANARY"}, Exception("CANARY")), RuntimeError("said"),
            ExceptionGroup("CANARY", [KeyError("CANARY"), OSError("said")])]
def fail(error):
    local = "CANARY"
    try:
        raise KeyError(local)
    except KeyError as cause:
        raise error from cause
for error in failures:
    try:
        fail(error)
    except Exception as caught:
        structlog.get_logger().error("ours", exc_info=caught)
        logging.getLogger("uvicorn.error").error("theirs", exc_info=caught)
logging.getLogger("httpx").info("GET http://test/?CANARY")
"""


def test_the_log_is_json_and_keeps_what_errors_quote_to_itself() -> None:
    """One object a line, our own and the server's alike, with types and places of errors, and nothing that they quote."""
    run = subprocess.run([sys.executable, "-c", _LOGGING], capture_output=True, text=True, check=True, timeout=30)
    lines = [json.loads(line) for line in run.stderr.splitlines()]

    assert [line["event"] for line in lines] == ["ours", "theirs"] * 4
    assert {line["level"] for line in lines} == {"error"}
    assert all(line["timestamp"].endswith("Z") and line["exception"][0]["frames"] for line in lines)
    assert "CANARY" not in run.stderr
    assert lines[4]["exception"][0]["exc_value"] == "said"
    assert run.stdout == ""
