"""Where keys come from: files and https alone, no redirects, not too often; and a company's own identity provider."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from joserfc import jwt as jose
from joserfc.jwk import ECKey, OctKey, RSAKey
from starlette.types import Receive, Scope, Send

from audit_api.app import create_app as create_audit_api
from audit_api.settings import AuditSettings
from certificates import certify, serving
from conftest import Caller
from factories import audit_row
from security.forge import Forge
from tallystick.identity import ISSUER
from tallystick.schemas.principal import Role
from tallystick.service import auth
from tallystick.service.auth import Authenticator, Refused
from tallystick.service.settings import Issuer


class Provider:
    """An identity provider as companies run one: OpenID Connect discovery, a set of keys, access tokens of RFC 9068."""

    def __init__(self) -> None:
        self.address = ""
        self.keys = [RSAKey.generate_key(2048, {"kid": "first", "use": "sig", "alg": "RS256"})]
        self.others: list[dict[str, Any]] = []
        """What else is in the set."""
        self.fetched: list[str] = []
        """The paths that were asked for."""
        self.moved: str | None = None
        """Where the set of keys is said to have moved."""
        self.claimed: str | None = None
        """Which issuer discovery names, where it is another than this."""
        self.raw: bytes | None = None
        """What is answered in the place of everything."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        del receive
        self.fetched.append(scope["path"])
        documents: dict[str, Any] = {
            "/.well-known/openid-configuration": {
                "issuer": self.claimed or self.address,
                "jwks_uri": f"{self.address}/keys",
                "token_endpoint": f"{self.address}/token",
                "id_token_signing_alg_values_supported": ["RS256"],
            },
            "/keys": {"keys": [*self.others, *(key.as_dict(private=False) for key in self.keys)]},
        }
        found = documents.get(scope["path"])
        status, headers, body = (200, [], json.dumps(found).encode()) if found else (404, [], b"{}")
        if self.raw is not None:
            body = self.raw
        if self.moved is not None and scope["path"] == "/keys":
            status, headers = 302, [(b"location", self.moved.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    def token(self, **changes: Any) -> str:
        """An access token for a person, from the newest key."""
        key = self.keys[-1]
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": "https://qa.example",
            "sub": "248289761001",
            "client_id": "dashboard",
            "iat": now,
            "exp": now + 300,
            "jti": str(uuid4()),
            "groups": ["quality_manager", "people-of-berlin"],
            "projects": "emea-video latam-live",
        }
        header = {"alg": "RS256", "typ": "at+jwt", "kid": key.kid}
        return jose.encode(header, claims | changes, key)

    def issuer(self, **changes: Any) -> Issuer:
        """What an operator configures to trust it."""
        claims = {"roles": "groups", "programmes": "projects"}
        settings = {"issuer": self.address, "audience": "https://qa.example", "algorithms": ["RS256"], "claims": claims}
        return Issuer.model_validate(settings | changes)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority of this test's own, and a certificate for the loopback address that it has signed."""
    return certify(tmp_path_factory.mktemp("certificates"))


@contextlib.asynccontextmanager
async def providing(provider: Provider, certificate: Path | None) -> AsyncIterator[None]:
    """Serve a provider, and let it know its own address."""
    async with serving(provider, certificate) as provider.address:
        yield


@pytest.fixture
async def provider(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Provider]:
    """A provider whose certificate this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "ca.pem"))
    provider = Provider()
    async with providing(provider, certificate):
        yield provider


def let_time_pass(authenticator: Authenticator) -> None:
    """Make the last reading of keys as old as it must be for another one."""
    for _, keys in authenticator._issuers.values():
        keys._read_at -= auth._REFETCH_FLOOR_S


async def refused(authenticator: Authenticator, token: str) -> bool:
    """Whether a token is refused."""
    try:
        await authenticator.principal(token)
    except Refused:
        return True
    return False


async def test_a_companys_provider_is_found_by_discovery(
    settings: Callable[..., dict[str, Any]], audit_app: FastAPI, provider: Provider
) -> None:
    """Its tokens are accepted, with its own names for claims, its algorithm and its audience; keys are fetched once."""
    assert audit_app.state  # its database is migrated
    issuers = [provider.issuer().model_dump(mode="json"), *settings("audit")["issuers"]]
    app = create_audit_api(AuditSettings(**settings("audit", deliver=False, issuers=issuers)))
    transport = httpx.ASGITransport(app, raise_app_exceptions=False)
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://test") as client:

        async def status(token: str, programme: str = "emea-video") -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return (await client.get("/v1/audits", params={"programme": programme}, headers=headers)).status_code

        accepted = [await status(provider.token()) for _ in range(3)]
        elsewhere = await status(provider.token(), "apac-live")
        no_group = await status(provider.token(groups=["people-of-berlin"]))
        other_audience = await status(provider.token(aud="tallystick"))
        id_token = jose.encode({"alg": "RS256", "typ": "JWT", "kid": "first"}, {"iss": provider.address}, provider.keys[0])

        assert accepted == [200] * 3
        assert elsewhere == 404
        assert [no_group, other_audience, await status(id_token)] == [401, 401, 401]
    assert provider.fetched == ["/.well-known/openid-configuration", "/keys"]


async def test_equal_subjects_of_two_issuers_are_two_callers(
    settings: Callable[..., dict[str, Any]], programme: str, caller: Caller, provider: Provider
) -> None:
    """Neither is answered with the other's earlier request, nor goes on in the other's list."""
    issuers = [provider.issuer().model_dump(mode="json"), *settings("audit")["issuers"]]
    app = create_audit_api(AuditSettings(**settings("audit", deliver=False, issuers=issuers)))
    async with app.router.lifespan_context(app):
        theirs = caller(app, Role.QUALITY_MANAGER, programmes=(programme,))
        ours = caller(app, Role.QUALITY_MANAGER, programmes=(programme,))
        ours.headers["Authorization"] = f"Bearer {provider.token(sub='someone', projects=programme)}"
        of = {"programme": programme, "limit": "1"}
        key = {"Idempotency-Key": "k-1"}
        posted = [
            await client.post("/v1/audits", params={"programme": programme}, json=audit_row(name), headers=key)
            for client, name in ((theirs, "A-1"), (ours, "A-2"), (ours, "A-2"))
        ]
        onward = (await theirs.get("/v1/audits", params=of)).links["next"]["url"]
        pages = [await client.get(f"/v1/audits{onward}") for client in (theirs, ours)]

    assert [(answer.status_code, "idempotent-replayed" in answer.headers) for answer in posted] == [
        (201, False),
        (201, False),
        (201, True),
    ]
    assert [page.status_code for page in pages] == [200, 400]


async def test_what_is_not_for_signing_does_not_spoil_a_set_of_keys(provider: Provider) -> None:
    """Sets of real providers hold keys for encryption, of kinds that are unknown here, and without names."""
    encryption = RSAKey.generate_key(2048, {"kid": "enc", "use": "enc", "alg": "RSA-OAEP"})
    unnamed = ECKey.generate_key("P-256").as_dict(private=False)
    unnamed.pop("kid", None)
    provider.others = [
        encryption.as_dict(private=False),
        {"kty": "AKP", "kid": "quantum", "alg": "ML-DSA-44", "pub": "AAAA"},
        {"kty": "OKP", "crv": "X25519", "kid": "agreement", "x": "AAAA"},
        {"kty": "oct", "kid": "shared", "alg": "HS256"},
        unnamed,
        {},
    ]
    authenticator = Authenticator([provider.issuer()], None)

    assert (await authenticator.principal(provider.token())).subject == "248289761001"
    signing = RSAKey.import_key({**encryption.as_dict(private=True), "use": "sig", "alg": "RS256"})
    assert await refused(authenticator, jose.encode({"alg": "RS256", "typ": "at+jwt", "kid": "enc"}, _claims(provider), signing))


def _claims(provider: Provider) -> dict[str, Any]:
    claims: dict[str, Any] = jose.decode(provider.token(), provider.keys[-1]).claims
    return claims


async def test_a_published_shared_secret_signs_nothing(provider: Provider) -> None:
    """A symmetric key in a public set is no key: everybody has it."""
    shared = OctKey.generate_key(256, {"kid": "shared", "alg": "HS256"})
    provider.others = [shared.as_dict(private=True)]
    authenticator = Authenticator([provider.issuer()], None)

    assert await refused(
        authenticator, jose.encode({"alg": "HS256", "typ": "at+jwt", "kid": "shared"}, _claims(provider), shared)
    )


async def test_a_new_key_is_found_and_unknown_ones_are_not_asked_for_again_and_again(
    provider: Provider,
) -> None:
    """The set is read again for an unknown key at most every 30 s, however many tokens name one; then rotation is noticed."""
    authenticator = Authenticator([provider.issuer(jwks=f"{provider.address}/keys")], None)
    await authenticator.principal(provider.token())
    provider.keys.append(RSAKey.generate_key(2048, {"kid": "second", "use": "sig", "alg": "RS256"}))
    strangers = [
        jose.encode({"alg": "RS256", "typ": "at+jwt", "kid": f"unknown-{number}"}, {"iss": provider.address}, provider.keys[0])
        for number in range(50)
    ]
    rotated = provider.token()

    assert all(await asyncio.gather(*(refused(authenticator, token) for token in [*strangers, rotated])))
    assert provider.fetched == ["/keys"]

    let_time_pass(authenticator)
    assert await authenticator.principal(rotated)
    assert all(await asyncio.gather(*(refused(authenticator, token) for token in strangers)))
    assert provider.fetched == ["/keys", "/keys"]


async def test_a_file_of_keys_is_read_again_no_more_often(identity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unknown keys make no load on a disk either."""
    reads: list[Path] = []
    read_bytes = Path.read_bytes

    def counted(path: Path) -> bytes:
        reads.append(path)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    forge = Forge(identity)
    authenticator = Authenticator([Issuer(issuer=ISSUER, jwks=identity / "jwks.json")], None)
    await authenticator.principal(forge.token())

    assert all([await refused(authenticator, forge.token(forge.header(kid=f"unknown-{number}"))) for number in range(100)])
    assert len(reads) == 1


async def test_keys_do_not_come_over_plain_http(certificate: Path) -> None:
    """Neither the set of keys nor discovery is asked for without TLS."""
    assert certificate
    provider = Provider()
    async with providing(provider, None):
        by_address = Authenticator([provider.issuer(jwks=f"{provider.address}/keys")], None)
        by_discovery = Authenticator([provider.issuer()], None)

        assert await refused(by_address, provider.token())
        assert await refused(by_discovery, provider.token())
    assert provider.fetched == []


async def test_discovery_cannot_lead_away_from_tls(provider: Provider) -> None:
    """Where the discovered document names a set of keys over http, it is not fetched."""
    plain = Provider()
    async with providing(plain, None):
        configuration = {"issuer": provider.address, "jwks_uri": f"{plain.address}/keys"}
        provider.raw = json.dumps(configuration).encode()

        assert await refused(Authenticator([provider.issuer()], None), provider.token())
    assert plain.fetched == []


async def test_redirects_are_not_followed(provider: Provider) -> None:
    """Not even to another address of the same provider."""
    provider.moved = f"{provider.address}/keys?again"

    assert await refused(Authenticator([provider.issuer()], None), provider.token())
    assert provider.fetched == ["/.well-known/openid-configuration", "/keys"]


async def test_discovery_must_name_the_issuer_that_was_asked(provider: Provider) -> None:
    """A document of another issuer is not trusted, and its keys are not fetched."""
    provider.claimed = "https://other.example"

    assert await refused(Authenticator([provider.issuer()], None), provider.token())
    assert provider.fetched == ["/.well-known/openid-configuration"]


async def test_a_certificate_that_is_not_trusted_ends_it(provider: Provider, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its authority among those that this machine trusts, a provider is a stranger."""
    monkeypatch.delenv("SSL_CERT_FILE")

    assert await refused(Authenticator([provider.issuer()], None), provider.token())
    assert provider.fetched == []


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b'"keys"', b'{"keys": 1}', b'{"keys": [1]}', b'{"keys": null}', b'{"keys": [{"kid": {}}]}',
            b'{"keys": [{"kid": "first", "kty": 1}]}', b"[" * 100_000]
)  # fmt: skip
async def test_a_set_of_keys_that_is_none_refuses_tokens_and_fails_nothing(provider: Provider, raw: bytes) -> None:
    """Whatever the provider answers, a token is refused, and nothing else happens."""
    provider.raw = raw
    authenticator = Authenticator([provider.issuer(jwks=f"{provider.address}/keys")], None)

    assert await refused(authenticator, provider.token())


async def test_a_set_of_keys_is_read_up_to_a_megabyte(provider: Provider) -> None:
    """A provider that answers more than that fills no memory, and is trusted no more."""
    provider.others = [{"kid": "other", "kty": "oct", "k": "x" * 999_000}]
    within = Authenticator([provider.issuer()], None)
    await within.principal(provider.token())
    provider.others[0]["k"] += "x" * 1000

    assert await refused(Authenticator([provider.issuer()], None), provider.token())


async def test_a_provider_that_is_away_refuses_new_keys_alone(provider: Provider) -> None:
    """Keys that are known go on to be good while the provider answers nonsense."""
    authenticator = Authenticator([provider.issuer(jwks=f"{provider.address}/keys")], None)
    await authenticator.principal(provider.token())
    provider.raw = b"out of order"
    let_time_pass(authenticator)
    unknown = jose.encode({"alg": "RS256", "typ": "at+jwt", "kid": "unknown"}, {"iss": provider.address}, provider.keys[0])

    assert await refused(authenticator, unknown)
    assert await authenticator.principal(provider.token())
