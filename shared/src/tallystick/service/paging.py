"""Keyset paging: a page deep in a list costs what the first costs.

The cursor is signed and bound to the address, the filters and the caller: used anywhere else it is an error. The next page is
in the `Link` header as a relative reference, so it holds behind any gateway.
"""

import hmac
import os
from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from fastapi import Depends, Query, Request
from itsdangerous import BadData, URLSafeSerializer
from itsdangerous.encoding import base64_decode, base64_encode

from tallystick.service.auth import Principal, authenticate
from tallystick.service.problems import InvalidCursor

MAX_LIMIT = 1000
_NONCE_BYTES = 12


class Paging:
    """One request for a page: how many items, and the key of the last item of the page before."""

    def __init__(self, request: Request, principal: Principal, limit: int, cursor: str | None) -> None:
        self.limit = limit
        self._query = [(name, value) for name, value in request.query_params.multi_items() if name != "cursor"]
        filters = sorted(pair for pair in self._query if pair[0] != "limit")
        self._signer = signer(request, principal, request.url.path, *(part for pair in filters for part in pair))
        self.after: list[Any] | None = None if cursor is None else load(self._signer, cursor)

    def headers(self, last_key: Sequence[Any] | None) -> dict[str, str]:
        """The `Link` header of a page that is followed by another; `last_key` is None on the last page."""
        if last_key is None:
            return {}
        query = urlencode([*self._query, ("cursor", self._signer.dumps([str(part) for part in last_key]))])
        return {"Link": f'<?{query}>; rel="next"'}


async def _paging(
    request: Request,
    limit: Annotated[int, Query(ge=1, le=MAX_LIMIT, description="Items on a page.")] = 100,
    cursor: Annotated[str | None, Query(max_length=500, description="From the `Link` header of the page before.")] = None,
) -> Paging:
    return Paging(request, await authenticate(request), limit, cursor)


Paged = Annotated[Paging, Depends(_paging)]


def signer(request: Request, principal: Principal, *binding: str) -> URLSafeSerializer:
    """A signer of cursors that are good for this binding and this principal alone."""
    return URLSafeSerializer(_secret(request), salt=_bound(principal, *binding))


class Sealer:
    """Makes cursors that nobody else can read, where what they hold is not for the caller: encrypted and authenticated."""

    def __init__(self, secret: str, binding: str) -> None:
        self._cipher = AESGCM(hmac.digest(secret.encode(), f"cursor\x1f{binding}".encode(), "sha256"))

    def dumps(self, content: Any) -> str:
        """A cursor that holds this."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64_encode(nonce + self._cipher.encrypt(nonce, orjson.dumps(content), None)).decode()

    def loads(self, cursor: str) -> Any:
        """What a cursor holds. Raises `BadData` where it is none of this binding."""
        sealed = base64_decode(cursor)
        try:
            return orjson.loads(self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], None))
        except (InvalidTag, ValueError):
            raise BadData("not sealed here") from None


def sealer(request: Request, principal: Principal, *binding: str) -> Sealer:
    """As `signer`, for cursors whose content is not for the caller to read."""
    return Sealer(_secret(request), _bound(principal, *binding))


def _bound(principal: Principal, *binding: str) -> str:
    return "\x1f".join((*binding, principal.issuer, principal.subject, principal.vendor or "", *sorted(principal.programmes)))


def _secret(request: Request) -> str:
    secret: str = request.app.state.settings.secret.get_secret_value()
    return secret


def load(serializer: URLSafeSerializer | Sealer, cursor: str) -> Any:
    """What a cursor holds; a problem if it was not made for this use."""
    try:
        return serializer.loads(cursor)
    except BadData:
        raise InvalidCursor("Start again at the first page, without a cursor.") from None
