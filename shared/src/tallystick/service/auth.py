"""Identity: Tallystick is an OAuth 2 resource server. Tokens of configured issuers become principals; routes name who may call.

    async def list_audits(principal: AuditsRead, …)

where `AuditsRead = Annotated[Principal, allowed(Role.AUDITOR, …)]`: the permission stands in the signature.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
import orjson
from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from fastapi.security.base import SecurityBase

from tallystick.schemas.principal import VENDOR_ROLES, Role
from tallystick.service.problems import Forbidden, NotFound, Unauthenticated, Unavailable
from tallystick.service.settings import Issuer

SESSION_COOKIE = "tallystick_session"
FROM_OUR_PAGE = "tallystick.from_our_page"
"""In the scope of a request whose form came from a page of ours: who sent it is whom the page was shown to."""
ALL = "*"
_REFETCH_FLOOR_S = 30.0
_REVOCATION_CHECK_S = 1.0
_CACHED_TOKENS = 10_000
_LONGEST_TOKEN = 16_384
_LONGEST_KEYS = 1_000_000
_LEEWAY_S = 5
_UNREADABLE = (
    jwt.PyJWTError,
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    OverflowError,
    RecursionError,
    httpx.HTTPError,
    OSError,
)
"""What reading a token, or the keys of its issuer, may raise: either may be anything."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Who is calling: for which programmes (`*` for all), in which roles, and for which vendor (None: the client).

    `issuer` is who vouches for it; empty for what the services do by themselves.
    """

    subject: str
    roles: frozenset[Role]
    programmes: frozenset[str]
    vendor: str | None
    token_id: str
    issuer: str = ""

    def may_enter(self, programme: str) -> bool:
        """Whether the programme is among the caller's."""
        return programme in self.programmes or ALL in self.programmes

    def holds(self, *roles: Role) -> bool:
        """Whether the caller plays one of these roles."""
        return not self.roles.isdisjoint(roles)


class Refused(Exception):  # noqa: N818 - read as a sentence where it is raised
    """Why a token was not accepted: for the log, never for the caller."""


class Keys:
    """The public keys of one issuer, read from a file or over https, and read again for an unknown key at most every 30 s."""

    def __init__(self, issuer: Issuer) -> None:
        self._issuer = issuer
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = -_REFETCH_FLOOR_S
        self._lock = asyncio.Lock()

    async def find(self, key_id: str) -> jwt.PyJWK:
        """The key of this id; raises `Refused` where the issuer has none."""
        if key_id not in self._keys:
            async with self._lock:
                if key_id not in self._keys and time.monotonic() - self._read_at >= _REFETCH_FLOOR_S:
                    self._read_at = time.monotonic()
                    self._keys = dict(_usable((await self._read())["keys"], self._issuer.issuer))
        try:
            return self._keys[key_id]
        except KeyError:
            raise Refused("unknown key") from None

    async def _read(self) -> dict[str, Any]:
        source = self._issuer.jwks
        if isinstance(source, Path):
            return _json_object(source.read_bytes())
        async with httpx.AsyncClient(follow_redirects=False, timeout=5) as client:
            if source is None:
                address = f"{self._issuer.issuer.rstrip('/')}/.well-known/openid-configuration"
                discovered = await _read_json(client, address)
                if discovered.get("issuer") != self._issuer.issuer:
                    raise Refused("discovery names another issuer")
                source = discovered["jwks_uri"]
            return await _read_json(client, str(source))


def _usable(published: list[dict[str, Any]], issuer: str) -> Iterator[tuple[str, jwt.PyJWK]]:
    """The keys of a set that this issuer signs with, by their ids.

    Sets hold other keys too: for encryption, of kinds that are unknown here, or of another issuer that the key names (`iss`).
    """
    for key in published:
        if "kid" in key and key.get("use", "sig") == "sig" and key.get("iss", issuer) == issuer:
            with suppress(jwt.PyJWTError, KeyError, TypeError, ValueError):
                yield key["kid"], jwt.PyJWK(key)


class Authenticator:
    """Turns access tokens into principals. Verified tokens are remembered until they expire; revocation is always looked up."""

    def __init__(self, issuers: list[Issuer], revoked: Path | None) -> None:
        self._issuers = {issuer.issuer: (issuer, Keys(issuer)) for issuer in issuers}
        self._verified: OrderedDict[str, tuple[Principal, float]] = OrderedDict()
        self._revoked_file = revoked
        self._revoked: frozenset[str] = frozenset()
        self._revoked_version: tuple[int, int] | None = None
        self._revoked_read_at = -_REVOCATION_CHECK_S

    async def principal(self, token: str) -> Principal:
        """The principal of a token; raises `Refused` when the token is not accepted."""
        remembered = self._verified.get(token)
        if remembered is None:
            remembered = await self._verify(token)
            self._verified[token] = remembered
            if len(self._verified) > _CACHED_TOKENS:
                self._verified.popitem(last=False)
        principal, expires_at = remembered
        if time.time() >= expires_at + _LEEWAY_S:
            self._verified.pop(token, None)
            raise Refused("expired")
        if principal.token_id in self._revoked_ids():
            raise Refused("revoked")
        return principal

    async def expires_at(self, token: str) -> float:
        """When a token ends, in seconds of the epoch; raises `Refused` when the token is not accepted."""
        await self.principal(token)
        return self._verified[token][1]

    async def _verify(self, token: str) -> tuple[Principal, float]:
        if len(token) > _LONGEST_TOKEN:
            raise Refused("too long")
        try:
            header = jwt.get_unverified_header(token)
            issuer_name = jwt.decode(token, options={"verify_signature": False})["iss"]
            issuer, keys = self._issuers[issuer_name]
            if header.get("alg") not in issuer.algorithms or "crit" in header:
                raise Refused("algorithm or critical header")
            if str(header.get("typ", "")).lower().removeprefix("application/") not in issuer.token_types:
                raise Refused("type")
            claims = jwt.decode(
                token,
                (await keys.find(header["kid"])).key,
                algorithms=list(issuer.algorithms),
                audience=issuer.audience,
                issuer=issuer.issuer,
                leeway=_LEEWAY_S,
                options={"require": ["iss", "aud", "exp", "sub", "jti"]},
            )
            expires_at = float(claims["exp"])
        except _UNREADABLE as error:
            raise Refused(type(error).__name__) from error
        return _principal(claims, issuer), expires_at

    def _revoked_ids(self) -> frozenset[str]:
        now = time.monotonic()
        if self._revoked_file is not None and now - self._revoked_read_at >= _REVOCATION_CHECK_S:
            try:
                status = self._revoked_file.stat()
                if (status.st_mtime_ns, status.st_size) != self._revoked_version:
                    self._revoked = frozenset(self._revoked_file.read_text().split())
                    self._revoked_version = (status.st_mtime_ns, status.st_size)
            except OSError:  # whether a token still holds is not known, so none does
                raise Unavailable("The list of revoked tokens cannot be read.", headers={"Retry-After": "5"}) from None
            self._revoked_read_at = now
        return self._revoked


def _principal(claims: dict[str, Any], issuer: Issuer) -> Principal:
    names = issuer.claims
    roles = frozenset(Role(role) for role in _words(claims.get(names.roles)) if role in set(Role)) & issuer.roles
    vendor = claims.get(names.vendor)
    if not roles:
        raise Refused("no role")
    if vendor is not None and (not isinstance(vendor, str) or not _is_word(vendor) or vendor == ALL):
        raise Refused("vendor")
    if (vendor is None) != roles.isdisjoint(VENDOR_ROLES) or (vendor is not None and not roles <= VENDOR_ROLES):
        raise Refused("a vendor's roles go with a vendor, and with no other roles")
    subject = str(claims["sub"])
    if not subject or not subject.isprintable():  # what the services call themselves by is not: nobody's token can name it
        raise Refused("subject")
    token_id = str(claims["jti"])
    if not _is_word(token_id):  # nobody could revoke it
        raise Refused("token id")
    programmes = frozenset(word for word in _words(claims.get(names.programmes)) if _is_word(word) and "," not in word)
    if ALL in programmes:
        programmes = frozenset({ALL})
    return Principal(subject, roles, programmes, vendor, token_id, issuer.issuer)


def _is_word(text: str) -> bool:
    """Whether a text is one word that can be read, and written down in a line of its own: the database takes no other."""
    return text.isprintable() and len(text.split()) == 1


def _words(claim: object) -> list[str]:
    if isinstance(claim, str):
        return claim.split()
    if isinstance(claim, list) and all(isinstance(word, str) for word in claim):
        return claim
    return []


def _json_object(data: bytes) -> dict[str, Any]:
    parsed = orjson.loads(data)
    if not isinstance(parsed, dict):
        raise Refused("not a JSON object")
    return parsed


async def _read_json(client: httpx.AsyncClient, address: str) -> dict[str, Any]:
    """What is published at an address, as it is and not packed, and read no further than a set of keys may go."""
    content = bytearray()
    async with client.stream("GET", _https(address), headers={"Accept-Encoding": "identity"}) as answer:
        answer.raise_for_status()
        async for piece in answer.aiter_raw():
            content += piece
            if len(content) > _LONGEST_KEYS:
                raise Refused("keys too long")
    return _json_object(bytes(content))


def _https(address: str) -> str:
    if not address.startswith("https://"):
        raise Refused("keys come over https or from a file")
    return address


async def authenticate(request: Request) -> Principal:
    """The principal of a request, from its bearer token or, for reading and for forms of our pages, from the session cookie."""
    principal: Principal | None = request.scope.get("principal")
    if principal is None:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if not scheme and (request.method in {"GET", "HEAD"} or request.scope.get(FROM_OUR_PAGE, False)):
            token = request.cookies.get(SESSION_COOKIE, "")
        elif scheme.lower() != "bearer":
            token = ""
        try:
            principal = await request.app.state.authenticator.principal(token)
        except Refused as refusal:
            request.scope["refusal"] = str(refusal)
            raise Unauthenticated(
                "Send an access token that this service accepts.", headers={"WWW-Authenticate": "Bearer"}
            ) from None
        request.scope["principal"] = principal
    return principal


class _Allowed(SecurityBase):
    """A dependency that answers with the principal if it plays one of the roles, and with a problem if not."""

    def __init__(self, *roles: Role) -> None:
        self.roles = frozenset(roles)
        self.model = HTTPBearer(bearerFormat="JWT").model
        self.scheme_name = "bearer"

    async def __call__(self, request: Request) -> Principal:
        principal = await authenticate(request)
        if not principal.holds(*self.roles):
            raise Forbidden(f"This needs one of the roles {', '.join(sorted(self.roles))}.")
        return principal


def allowed(*roles: Role) -> Any:
    """The annotation of a principal that plays one of these roles."""
    return Depends(_Allowed(*roles))


def enter(principal: Principal, programme: str) -> str:
    """The programme, if it is among the caller's; what is not answers as if it did not exist."""
    if not principal.may_enter(programme):
        raise NotFound("There is no such programme.")
    return programme
