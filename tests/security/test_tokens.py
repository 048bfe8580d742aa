"""A corpus of bad tokens: every service refuses each of them, and nobody learns why."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from audit_api.app import create_app as create_audit_api
from audit_api.settings import AuditSettings
from rca_api.app import create_app as create_rca_api
from rca_api.settings import RcaSettings
from reporting_api.app import create_app as create_reporting_api
from reporting_api.settings import ReportingSettings
from security.forge import Forge, bad_tokens, good_tokens
from tallystick.identity import create_identity, revoke
from tallystick.schemas.principal import Role

PLACES = {"audit": "/v1/programmes", "rca": "/v1/cases?programme=nowhere", "reporting": "/v1/projections"}


@pytest.fixture(scope="module")
def forge(identity: Path) -> Forge:
    """The maker of tokens."""
    return Forge(identity)


@pytest.fixture(scope="module")
def bad(forge: Forge) -> dict[str, str]:
    """The corpus."""
    return bad_tokens(forge)


@pytest.fixture(scope="module", params=sorted(PLACES))
def place(request: pytest.FixtureRequest, settings: Callable[..., dict[str, Any]]) -> tuple[FastAPI, str]:
    """Each service, and an address there. Refusals need no database, so it has none."""
    name: str = request.param
    makers: dict[str, Callable[[], FastAPI]] = {
        "audit": lambda: create_audit_api(AuditSettings(**settings("audit", deliver=False))),
        "rca": lambda: create_rca_api(RcaSettings(**settings("rca"))),
        "reporting": lambda: create_reporting_api(ReportingSettings(**settings("reporting"), project=False)),
    }
    return makers[name](), PLACES[name]


async def asked(app: FastAPI, address: str, authorization: str | bytes | None) -> httpx.Response:
    """The answer to a request with this header."""
    headers = {} if authorization is None else {"Authorization": authorization}
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        return await client.get(address, headers=[(name.encode(), _bytes(value)) for name, value in headers.items()])


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value


def seen(answer: httpx.Response) -> tuple[int, str | None, str, dict[str, Any]]:
    """What a caller can tell from an answer, without the id of the request."""
    document = answer.json()
    assert document.pop("request_id")
    return answer.status_code, answer.headers.get("www-authenticate"), answer.headers["content-type"], document


async def test_no_bad_token_is_accepted_and_all_answer_alike(place: tuple[FastAPI, str], bad: dict[str, str]) -> None:
    """401, the same body as without any token, and how to authenticate: whatever is wrong."""
    expected = seen(await asked(*place, None))
    differing = {name for name, token in bad.items() if seen(await asked(*place, f"Bearer {token}")) != expected}

    assert expected[:3] == (401, "Bearer", "application/problem+json")
    assert differing == set()


@pytest.mark.parametrize(
    "header",
    [
        "Bearer",
        "Bearer ",
        "Basic c29tZW9uZTpzZWNyZXQ=",
        "Token {good}",
        "{good}",
        "Digest {good}",
        b"Bearer \xff\xfe",
        "Bearer\t{good}",
    ],
)
async def test_nothing_but_a_bearer_token_is_read(place: tuple[FastAPI, str], forge: Forge, header: str | bytes) -> None:
    """Other schemes answer as if nothing had been sent, even around a good token."""
    expected = seen(await asked(*place, None))
    sent = header if isinstance(header, bytes) else header.format(good=forge.token())

    assert seen(await asked(*place, sent)) == expected


async def test_a_token_elsewhere_is_no_token(place: tuple[FastAPI, str], forge: Forge) -> None:
    """Not in the address, and not in headers by which gateways name a user."""
    app, address = place
    expected = seen(await asked(app, address, None))
    joint = "&" if "?" in address else "?"
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        in_address = await client.get(f"{address}{joint}access_token={forge.token()}")
        names = ("X-Forwarded-User", "X-Access-Token", "X-Auth-Request-Access-Token", "X-Remote-User", "Proxy-Authorization")
        in_headers = await client.get(address, headers={name: f"Bearer {forge.token()}" for name in names})

    assert seen(in_address) == expected
    assert seen(in_headers) == expected


async def test_a_good_token_is_accepted(audit_app: FastAPI, forge: Forge) -> None:
    """What the corpus differs from by one thing opens the door."""
    statuses = {
        name: (await asked(audit_app, "/v1/programmes", f"Bearer {token}")).status_code
        for name, token in good_tokens(forge).items()
    }

    assert statuses == dict.fromkeys(statuses, 200)


async def test_the_service_role_is_the_services_own(audit_app: FastAPI, forge: Forge) -> None:
    """Where a local token asks for the service role besides another, it gets the other alone."""
    token = forge.token(claims=forge.claims(roles=["service", "analyst"]))
    answer = await asked(audit_app, "/v1/changes?programme=nowhere", f"Bearer {token}")

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("programmes", "entered"),
    [
        (["*", "x"], 200),
        (["a,b"], 404),
        ([], 404),
        ("a b", 200),
        ({"a": 1}, 404),
        (["a\x00", "\ud800", "b"], 200),
        (["b\x00"], 404),
    ],
)
async def test_programmes_are_those_that_the_claim_names(audit_app: FastAPI, forge: Forge, programmes: Any, entered: int) -> None:
    """A star among others is all; a name with a comma or without letters is none, for the database gets the names in one text."""
    token = forge.token(claims=forge.claims(programmes=programmes))
    answer = await asked(audit_app, "/v1/audits?programme=b", f"Bearer {token}")

    assert answer.status_code == entered


async def test_a_revoked_token_is_refused_like_any_bad_one(
    settings: Callable[..., dict[str, Any]], audit_app: FastAPI, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Even one that was accepted a moment ago; other tokens of the same person go on."""
    assert audit_app.state  # its database is migrated
    create_identity(tmp_path)
    own = {
        "issuers": [{"issuer": "tallystick-local", "jwks": str(tmp_path / "jwks.json")}],
        "revoked": tmp_path / "revoked",
    }
    app = create_audit_api(AuditSettings(**settings("audit", deliver=False, **own)))
    monkeypatch.setattr("tallystick.service.auth._REVOCATION_CHECK_S", 0.0)
    forge = Forge(tmp_path)
    claims = forge.claims()
    token, other = forge.token(claims=claims), forge.token()
    async with app.router.lifespan_context(app):
        before = await asked(app, "/v1/programmes", f"Bearer {token}")
        revoke(tmp_path, claims["jti"])
        after = await asked(app, "/v1/programmes", f"Bearer {token}")
        nobody = await asked(app, "/v1/programmes", None)
        still = await asked(app, "/v1/programmes", f"Bearer {other}")

    assert (before.status_code, after.status_code, still.status_code) == (200, 401, 200)
    assert seen(after) == seen(nobody)


async def test_an_accepted_token_ends_when_it_says(audit_app: FastAPI, forge: Forge, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was verified once is remembered until it expires, and not a moment longer."""
    claims = forge.claims()
    header = f"Bearer {forge.token(claims=claims)}"
    first = await asked(audit_app, "/v1/programmes", header)
    monkeypatch.setattr("tallystick.service.auth.time.time", lambda: claims["exp"] + 5.0)
    later = await asked(audit_app, "/v1/programmes", header)

    assert (first.status_code, later.status_code) == (200, 401)


async def test_refusals_say_why_in_the_log_alone(audit_app: FastAPI, forge: Forge) -> None:
    """The request's scope keeps the reason for the log line; the answer has none of it, nor any part of the token."""
    token = forge.token(claims=forge.claims(aud="another-audience"))
    answer = await asked(audit_app, "/v1/programmes", f"Bearer {token}")

    assert not any(word in answer.text.lower() for word in ("audience", "signature", "expired", "issuer", token[:20].lower()))
    assert json.loads(answer.text)["detail"] == "Send an access token that this service accepts."


def test_the_roles_are_all_of_them() -> None:
    """A new role needs its place in the corpus: may a vendor hold it, may the local issuer give it?"""
    assert {role.value for role in Role} == {
        "admin", "quality_manager", "auditor", "analyst", "vendor_poc", "vendor_system", "service",
    }  # fmt: skip
