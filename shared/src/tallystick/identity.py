"""The local issuer: keys on disk, and the tokens signed with them.

A company's own identity provider takes this part in production; the embedded stack and the tests use it as their issuer.
"""

import json
import os
import secrets
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role

ISSUER = "tallystick-local"
SERVICE_ISSUER = "tallystick-services"
AUDIENCE = "tallystick"
TOKEN_TYPE = "at+jwt"  # noqa: S105 - the media type of RFC 9068, no secret
SERVICE_TOKEN_LIFE = timedelta(minutes=5)


def create_identity(directory: Path) -> None:
    """Make the keys of a new stack in `directory`, unless they are there already.

    Writes `issuer.jwk` and `service.jwk` (private Ed25519 keys), `jwks.json` (their public halves), `secret` (for cursors and
    cookies) and `revoked` (ids of revoked tokens, one a line). Each key names the issuer (`iss`) whose tokens alone it signs.
    """
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (directory / "jwks.json").exists():
        return
    keys = {"issuer": _new_key() | {"iss": ISSUER}, "service": _new_key() | {"iss": SERVICE_ISSUER}}
    for name, key in keys.items():
        _write(directory / f"{name}.jwk", json.dumps(key))
    _write(directory / "secret", secrets.token_urlsafe(48))
    _write(directory / "revoked", "")
    public = [{part: value for part, value in key.items() if part != "d"} for key in keys.values()]
    _write(directory / "jwks.json", json.dumps({"keys": public}, indent=2))


def sign_token(
    directory: Path,
    *,
    subject: str,
    roles: Iterable[Role],
    programmes: Iterable[str],
    vendor: str | None,
    ttl: timedelta,
) -> str:
    """Sign an access token with the local issuer's key; `programmes` of `["*"]` means all."""
    key = json.loads((directory / "issuer.jwk").read_text())
    claims = {"sub": subject, "roles": sorted(roles), "programmes": sorted(programmes)}
    if vendor is not None:
        claims["vendor"] = vendor
    return sign(key, ISSUER, claims, ttl)


def sign_service_token(key: dict[str, Any], service: str) -> str:
    """Sign the short-lived token with which one service calls another."""
    claims = {"sub": service, "roles": [Role.SERVICE], "programmes": ["*"]}
    return sign(key, SERVICE_ISSUER, claims, SERVICE_TOKEN_LIFE)


def sign(key: dict[str, Any], issuer: str, claims: dict[str, Any], ttl: timedelta) -> str:
    """Sign `claims` with a private JWK, as an RFC 9068 access token with a fresh `jti`."""
    now = int(time.time())
    complete = {"iss": issuer, "aud": AUDIENCE, "iat": now, "exp": now + int(ttl.total_seconds()), "jti": str(new_id())}
    return jwt.encode(
        complete | claims, jwt.PyJWK(key, algorithm="EdDSA").key, "EdDSA", headers={"typ": TOKEN_TYPE, "kid": key["kid"]}
    )


def revoke(directory: Path, token_id: str) -> None:
    """Put the `jti` of a token on the list that every service reads."""
    with (directory / "revoked").open("a") as revoked:
        revoked.write(f"{token_id}\n")


def _new_key() -> dict[str, Any]:
    jwk: dict[str, Any] = jwt.algorithms.OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True)
    return jwk | {"kid": secrets.token_hex(8), "alg": "EdDSA", "use": "sig"}


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
