"""Keyset paging: a page deep in a list costs what the first costs.

The cursor is signed and bound to the address, the filters and the caller: used anywhere else it is an error. The next page is
in the `Link` header as a relative reference, so it holds behind any gateway.
"""

from collections.abc import Sequence
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from itsdangerous import BadData, URLSafeSerializer

from tallystick.service.auth import Principal, authenticate
from tallystick.service.problems import InvalidCursor

MAX_LIMIT = 1000


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
    salt = "\x1f".join((*binding, principal.issuer, principal.subject, principal.vendor or "", *sorted(principal.programmes)))
    secret: str = request.app.state.settings.secret.get_secret_value()
    return URLSafeSerializer(secret, salt=salt)


def load(serializer: URLSafeSerializer, cursor: str) -> Any:
    """What a cursor holds; a problem if it was not signed for this use."""
    try:
        return serializer.loads(cursor)
    except BadData:
        raise InvalidCursor("Start again at the first page, without a cursor.") from None
