"""Forms of pages: what a browser sends with its cookies is taken from our own pages alone.

The API never accepts the session cookie for a write. A page that writes depends on `FromOurPage`, which asks for two things that
another site cannot bring about: that the browser names our own origin as the sender, and the token that the page's form carried,
signed for this browser (by a cookie of its own) and for the session it is signed in with. Such a form, and nothing else, is
taken as sent by whom the session cookie names. Name `FromOurPage` among the dependencies of a route or its router: these come
before the principal is asked for.
"""

import hashlib
import secrets
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Form, Request, Response
from itsdangerous import BadData, URLSafeTimedSerializer

from tallystick.service.auth import FROM_OUR_PAGE, SESSION_COOKIE
from tallystick.service.problems import Problem

FORM_COOKIE = "tallystick_form"
TYPED = "tallystick.typed"
"""In the scope of a request: what somebody typed into a form of ours, by the names of the fields."""
_UNSAID = frozenset({"form_token", "token", "next", "form", "key", "revision"})
"""What nobody typed, or nobody shall read."""
_LIFE_S = 12 * 60 * 60


class ForeignForm(Problem):
    """A form was sent that does not come from a page of ours, or from one that was opened long ago or under another sign-in.

    Open the page again and send its form once more. Programs use the API with an `Authorization` header instead of forms.
    """

    status, title = 403, "The form does not come from this page"


class FormToken:
    """The token that a page's forms carry in their field `form_token`, good for the browser that asked for the page."""

    def __init__(self, request: Request) -> None:
        self._browser = request.cookies.get(FORM_COOKIE) or secrets.token_urlsafe(18)
        self._secure = over_https(request)
        self.value: str = _serializer(request, self._browser).dumps("")

    def remember(self, response: Response) -> None:
        """Let the browser keep what its token is bound to."""
        response.set_cookie(FORM_COOKIE, self._browser, path="/", secure=self._secure, httponly=True, samesite="lax")


def over_https(request: Request) -> bool:
    """Whether people reach the product over TLS, so that cookies must never travel without."""
    public_url: str = request.app.state.settings.public_url
    return public_url.startswith("https://")


async def from_our_page(request: Request, form_token: Annotated[str, Form(max_length=1000)] = "") -> None:
    """Refuse a form that was not sent from a page of ours, opened by the same browser under the same sign-in.

    What was typed into a form of ours is kept, so that a page that refuses it can show it.
    """
    if not _same_origin(request):
        raise ForeignForm("The form was sent from another site.")
    fields = (await request.form()).multi_items()
    request.scope[TYPED] = [(name, value) for name, value in fields if isinstance(value, str) and value and name not in _UNSAID]
    try:
        _serializer(request, request.cookies.get(FORM_COOKIE, "")).loads(form_token, max_age=_LIFE_S)
    except BadData:
        raise ForeignForm("Open the page again and send its form once more.") from None
    request.scope[FROM_OUR_PAGE] = True


FromOurPage = Depends(from_our_page)


def _same_origin(request: Request) -> bool:
    """Browsers say who sends: by `Sec-Fetch-Site` where the address is trustworthy, by `Origin` with every POST."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site == "same-origin"
    origin = urlsplit(request.headers.get("origin", ""))
    own = {urlsplit(request.app.state.settings.public_url).netloc, request.headers.get("host", "")}
    return origin.netloc != "" and origin.netloc in own


def _serializer(request: Request, browser: str) -> URLSafeTimedSerializer:
    session = hashlib.sha256(request.cookies.get(SESSION_COOKIE, "").encode()).hexdigest()
    secret: str = request.app.state.settings.secret.get_secret_value()
    return URLSafeTimedSerializer(secret, salt=f"form\x1f{browser}\x1f{session}")
