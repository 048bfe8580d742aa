"""The secrets of endpoints and what is signed with them: Standard Webhooks 1.0, symmetric (`whsec_…`, `v1`)."""

import base64
import hashlib
import hmac
import os
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_PREFIX = "whsec_"
_SECRET_BYTES = 32
_NONCE_BYTES = 12


def new_secret() -> str:
    """A secret of 256 bits, as receivers configure it."""
    return _PREFIX + base64.b64encode(os.urandom(_SECRET_BYTES)).decode()


class Vault:
    """Seals secrets for the database: with a key that is derived from `TALLYSTICK_SECRET`, each for its endpoint alone."""

    def __init__(self, service_secret: str) -> None:
        derived = HKDF(SHA256(), 32, salt=None, info=b"tallystick webhook secrets").derive(service_secret.encode())
        self._cipher = AESGCM(derived)

    def seal(self, secret: str, endpoint_id: UUID) -> str:
        """A secret as it is kept."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, secret.encode(), endpoint_id.bytes)).decode()

    def unseal(self, sealed: str, endpoint_id: UUID) -> str | None:
        """The secret again; None where it was sealed under another `TALLYSTICK_SECRET` or for another endpoint."""
        kept = base64.b64decode(sealed)
        try:
            return self._cipher.decrypt(kept[:_NONCE_BYTES], kept[_NONCE_BYTES:], endpoint_id.bytes).decode()
        except InvalidTag:
            return None


def signed_headers(secrets: Sequence[str], message_id: UUID, moment: datetime, body: bytes) -> dict[str, str]:
    """The headers that let a receiver know who sent these bytes and when, signed with each of the secrets."""
    timestamp = int(moment.timestamp())
    signed = b"%b.%d.%b" % (str(message_id).encode(), timestamp, body)
    signatures = (hmac.new(base64.b64decode(secret.removeprefix(_PREFIX)), signed, hashlib.sha256).digest() for secret in secrets)
    return {
        "webhook-id": str(message_id),
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(signature).decode()}" for signature in signatures),
    }
