"""Tokens that should not be accepted, each for one reason; and some that should, to show that the reason was the reason."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tallystick.identity import ISSUER, SERVICE_ISSUER
from tallystick.service.auth import ALL

Signer = Callable[[bytes], bytes]
DROPPED = object()
"""In the place of a claim's value: the claim is missing."""


def b64(data: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def encoded(content: Any) -> str:
    """A segment of a token."""
    return b64(content if isinstance(content, bytes) else json.dumps(content).encode())


class Forge:
    """Makes tokens with the local issuer's keys, or without them."""

    def __init__(self, identity: Path) -> None:
        self.issuer = json.loads((identity / "issuer.jwk").read_text())
        self.service = json.loads((identity / "service.jwk").read_text())
        self.public = jwt.PyJWK({part: value for part, value in self.issuer.items() if part != "d"}).key

    def header(self, **changes: Any) -> dict[str, Any]:
        """A good header, with changes."""
        return _changed({"alg": "EdDSA", "typ": "at+jwt", "kid": self.issuer["kid"]}, changes)

    def claims(self, **changes: Any) -> dict[str, Any]:
        """Good claims of a quality manager, with changes."""
        now = int(time.time())
        good = {
            "iss": ISSUER,
            "aud": "tallystick",
            "sub": "someone",
            "iat": now,
            "exp": now + 600,
            "jti": str(uuid4()),
            "roles": ["quality_manager"],
            "programmes": [ALL],
        }
        return _changed(good, changes)

    def token(self, header: Any = None, claims: Any = None, sign: Signer | None = None) -> str:
        """A token of these parts, signed with the issuer's own key where no other signer is given."""
        first = encoded(self.header() if header is None else header)
        second = encoded(self.claims() if claims is None else claims)
        signing_input = f"{first}.{second}"
        signature = (sign or ed25519(self.issuer))(signing_input.encode())
        return f"{signing_input}.{b64(signature)}"


def _changed(good: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in {**good, **changes}.items() if value is not DROPPED}


def ed25519(key: Mapping[str, Any]) -> Signer:
    """Signs with a private JWK."""
    private: Ed25519PrivateKey = jwt.PyJWK(dict(key), algorithm="EdDSA").key
    return private.sign


def hs256(secret: bytes) -> Signer:
    """Signs with a shared secret."""
    return lambda data: hmac.digest(secret, data, hashlib.sha256)


def bad_tokens(forge: Forge) -> dict[str, str]:
    """The corpus: each token by what is wrong with it."""
    now = int(time.time())
    rsa_key = rsa.generate_private_key(65537, 2048)
    ec_key = ec.generate_private_key(ec.SECP256R1())
    stranger = jwt.algorithms.OKPAlgorithm.to_jwk(Ed25519PrivateKey.generate(), as_dict=True)
    rs256 = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256)
    es256 = jwt.algorithms.ECAlgorithm(jwt.algorithms.ECAlgorithm.SHA256)
    raw = forge.public.public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    pem = forge.public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    public_jwk = {part: value for part, value in forge.issuer.items() if part != "d"}
    good = forge.token()
    first, second, third = good.split(".")

    def headed(**changes: Any) -> str:
        return forge.token(header=forge.header(**changes))

    def claiming(**changes: Any) -> str:
        return forge.token(claims=forge.claims(**changes))

    def signed(sign: Signer, **changes: Any) -> str:
        return forge.token(header=forge.header(**changes), sign=sign)

    unsigned = {f"alg {word}": signed(lambda _: b"", alg=word) for word in ("none", "None", "NONE", "nOnE", "")}
    shared_secret = {
        f"HS256 signed with the public key as {name}": signed(hs256(secret), alg="HS256")
        for name, secret in {
            "raw bytes": raw,
            "PEM": pem,
            "PEM without its last newline": pem.strip(),
            "base64": public_jwk["x"].encode(),
            "JWK": json.dumps(public_jwk).encode(),
            "nothing": b"",
        }.items()
    }
    algorithms = {
        "RS256 where EdDSA is pinned": signed(lambda data: rs256.sign(data, rsa_key), alg="RS256"),
        "ES256 where EdDSA is pinned": signed(lambda data: es256.sign(data, ec_key), alg="ES256"),
        "alg that is a list": headed(alg=["EdDSA"]),
        "alg missing": headed(alg=DROPPED),
        "alg in small letters": headed(alg="eddsa"),
    }
    headers = {
        "crit with a known claim": headed(crit=["exp"]),
        "crit without anything": headed(crit=[]),
        "crit b64": headed(crit=["b64"], b64=False),
        "typ of an ID token": headed(typ="JWT"),
        "typ of something else": headed(typ="logout+jwt"),
        "typ missing": headed(typ=DROPPED),
        "typ that is a number": headed(typ=1),
        "typ that is a list": headed(typ=["at+jwt"]),
        "kid unknown": headed(kid="unknown"),
        "kid missing": headed(kid=DROPPED),
        "kid that is a number": headed(kid=7),
        "kid that is a path": headed(kid="../../../../dev/null"),
        "kid that is a statement": headed(kid="' or 1=1 --"),
        "kid of another key": headed(kid=forge.service["kid"]),
        "jwk in the header": signed(ed25519(stranger), jwk={"kty": "OKP", "crv": "Ed25519", "x": stranger["x"]}),
        "jwk in the header, without kid": signed(
            ed25519(stranger), kid=DROPPED, jwk={"kty": "OKP", "crv": "Ed25519", "x": stranger["x"]}
        ),
        "jku in the header": signed(ed25519(stranger), jku="https://127.0.0.1:9/jwks.json", kid="mine"),
        "x5u in the header": signed(ed25519(stranger), x5u="https://127.0.0.1:9/chain.pem", kid="mine"),
        "signed by a stranger": signed(ed25519(stranger)),
    }
    required = {f"{claim} missing": claiming(**{claim: DROPPED}) for claim in ("iss", "aud", "exp", "sub", "jti", "roles")}
    claims = {
        "iss of nobody": claiming(iss="https://nobody.example"),
        "iss that is a list": claiming(iss=[ISSUER]),
        "iss that is an object": claiming(iss={"a": 1}),
        "aud of another": claiming(aud="another"),
        "aud among which is no tallystick": claiming(aud=["another", "tallystick2"]),
        "aud empty": claiming(aud=[]),
        "aud that is a number": claiming(aud=1),
        "expired": claiming(exp=now - 6, iat=now - 600),
        "exp that is no number": claiming(exp="tomorrow"),
        "exp that is nothing": claiming(exp=None),
        "exp that is infinite": claiming(exp=float("inf")),
        "exp that is no number at all": claiming(exp=float("nan")),
        "exp that is a list": claiming(exp=[now + 60]),
        "not yet valid": claiming(nbf=now + 60),
        "nbf that is no number": claiming(nbf="soon"),
        "issued in the future": claiming(iat=now + 60),
        "sub that is a number": claiming(sub=1),
        "sub that is empty": claiming(sub=""),
        "jti that is a list": claiming(jti=["a"]),
        "jti that is empty": claiming(jti=""),
        "jti of two words": claiming(jti="a b"),
        "jti that no file can hold": claiming(jti="\ud800"),
        "no role": claiming(roles=[]),
        "a role that is none": claiming(roles=["superuser"]),
        "roles that are a number": claiming(roles=1),
        "roles that are numbers": claiming(roles=[1]),
        "vendor role without vendor": claiming(roles=["vendor_poc"]),
        "vendor with client roles": claiming(vendor="acme"),
        "vendor with its own and client roles": claiming(vendor="acme", roles=["vendor_poc", "analyst"]),
        "client and vendor roles without vendor": claiming(roles=["vendor_system", "admin"]),
        "vendor that is all": claiming(vendor="*", roles=["vendor_poc"]),
        "vendor that is empty": claiming(vendor="", roles=["vendor_poc"]),
        "vendor that is a list": claiming(vendor=["acme"], roles=["vendor_poc"]),
        "vendor that is false": claiming(vendor=False),
        "vendor that no database can hold": claiming(vendor="ac\x00me", roles=["vendor_poc"]),
        "vendor that is half a character": claiming(vendor="\ud800", roles=["vendor_poc"]),
        "vendor of two words": claiming(vendor="acme borealis", roles=["vendor_poc"]),
        "service role from the local issuer": claiming(roles=["service"]),
    }
    crossed = {
        "service role with the issuer's key in the services' name": claiming(iss=SERVICE_ISSUER, roles=["service"]),
        "admin role with a service's key": forge.token(
            forge.header(kid=forge.service["kid"]), forge.claims(roles=["admin"]), ed25519(forge.service)
        ),
        "admin role with a service's key in the services' name": forge.token(
            forge.header(kid=forge.service["kid"]), forge.claims(iss=SERVICE_ISSUER, roles=["admin"]), ed25519(forge.service)
        ),
    }
    tampered = {
        "tampered claims": f"{first}.{encoded(forge.claims(roles=['admin']))}.{third}",
        "tampered header": f"{encoded(forge.header(typ='application/at+jwt'))}.{second}.{third}",
        "tampered signature": f"{first}.{second}.{'B' if third[0] == 'A' else 'A'}{third[1:]}",
        "signature cut off": f"{first}.{second}.",
        "signature cut short": good[:-4],
        "two parts": f"{first}.{second}",
        "four parts": f"{good}.{third}",
        "five parts, like an encrypted one": f"{first}.{second}.{third}.{second}.{third}",
        "a second token behind it": f"{good} {good}",
        "a comma and a second token": f"{good},{good}",
    }
    nested = b"[" * 5_000 + b"]" * 5_000
    garbage = {
        "empty": "",
        "dots": "..",
        "a word": "hello",
        "not base64": "!!!.???.###",
        "header that is no JSON": forge.token(header=b"\xff\xfe"),
        "header that is a list": forge.token(header=[]),
        "claims that are no JSON": forge.token(claims=b"{"),
        "claims that are a list": forge.token(claims=[1]),
        "claims that are null": forge.token(claims=b"null"),
        "claims deeper than any": forge.token(claims=b'{"iss":' + nested + b"}"),
        "header deeper than any": forge.token(header=b'{"kid":' + nested + b"}"),
        "a number longer than any": forge.token(claims=b'{"exp":' + b"9" * 10_000 + b"}"),
        "a number greater than any": claiming(exp=10**400),
        "huge, and signed": forge.token(claims=forge.claims(more="x" * 2_000_000)),
        "huge, and nothing": "a" * 2_000_000,
        "not ASCII": "é.é.é",
    }  # fmt: skip
    return {
        **unsigned, **shared_secret, **algorithms, **headers, **required, **claims, **crossed, **tampered, **garbage
    }  # fmt: skip


def good_tokens(forge: Forge) -> dict[str, str]:
    """Tokens that are accepted: what the corpus differs from by one thing."""
    now = int(time.time())
    return {
        "as it should be": forge.token(),
        "typ in full": forge.token(header=forge.header(typ="application/at+jwt")),
        "more in the header": forge.token(header=forge.header(jku="https://127.0.0.1:9/jwks.json")),
        "several audiences": forge.token(claims=forge.claims(aud=["another", "tallystick"])),
        "just expired, by clocks that differ": forge.token(claims=forge.claims(exp=now - 1)),
        "a role besides that is none": forge.token(claims=forge.claims(roles=["superuser", "admin"])),
        "roles in a line": forge.token(claims=forge.claims(roles="admin analyst")),
        "the service role among others": forge.token(claims=forge.claims(roles=["service", "admin"])),
        "a vendor's": forge.token(claims=forge.claims(vendor="acme", roles=["vendor_poc", "vendor_system"])),
        "a service's": forge.token(
            forge.header(kid=forge.service["kid"]), forge.claims(iss=SERVICE_ISSUER, roles=["service"]), ed25519(forge.service)
        ),
    }
