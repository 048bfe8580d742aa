"""Signing in and out of the pages: an access token becomes a cookie, which is good for reading alone.

A sign-in link carries the token behind `#`: browsers keep that part to themselves, so it is in no log and in no history of
requests. A script on the page moves it into the form, and sends it unless somebody is signed in: a link of another person's must
not make a browser theirs unnoticed.
"""

import re
import time
from contextlib import suppress
from typing import Annotated

from fastapi import APIRouter, Form, Query, Request, Response
from fastapi.responses import RedirectResponse

from tallystick.service.auth import SESSION_COOKIE, Authenticator, Refused, authenticate
from tallystick.service.forms import FromOurPage, over_https
from tallystick.service.pages.page import TAG, page
from tallystick.service.problems import Unauthenticated

router = APIRouter(tags=[TAG], include_in_schema=False)

_OUR_PATH = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]{0,2000}")
"""A path on this host: printable ASCII without a backslash, which browsers take for a slash, and not `//another.host`."""
_LARGEST_COOKIE = 3800
"""Browsers keep 4,096 bytes of a cookie, its name and attributes included."""

Next = Annotated[str, Query(alias="next")]


@router.get("/sign-in")
async def show_sign_in(request: Request, following: Next = "/") -> Response:
    """The form that takes a token, and who is signed in already."""
    if SESSION_COOKIE in request.cookies:
        with suppress(Unauthenticated):
            await authenticate(request)
    return page(request, "sign-in.html", following=our_path(following), refused=None)


@router.post("/sign-in", dependencies=[FromOurPage])
async def sign_in(
    request: Request, token: Annotated[str, Form()] = "", following: Annotated[str, Form(alias="next")] = "/"
) -> Response:
    """Keep an accepted token in a cookie for the rest of its life, and go on to the page that was asked for."""
    token = token.strip().rpartition("token=")[2]
    authenticator: Authenticator = request.app.state.authenticator
    try:
        expires_at = await authenticator.expires_at(token)
    except Refused as refusal:
        request.scope["refusal"] = str(refusal)
        return _refused(
            request, following, "This token is not accepted. It may have ended, or not be complete: ask for a new one."
        )
    if len(token) > _LARGEST_COOKIE:
        return _refused(request, following, "This token is too long for a cookie. Ask for one with fewer claims.")
    response = RedirectResponse(our_path(following), 303, {"Cache-Control": "no-store"})
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=max(int(expires_at - time.time()), 0),
        path="/",
        secure=over_https(request),
        httponly=True,
        samesite="lax",
    )
    return response


@router.post("/sign-out", dependencies=[FromOurPage])
async def sign_out(request: Request) -> Response:
    """Let the browser forget the token. The token itself stays good until it ends or is revoked."""
    response = RedirectResponse("/sign-in", 303, {"Cache-Control": "no-store"})
    response.delete_cookie(SESSION_COOKIE, path="/", secure=over_https(request), httponly=True, samesite="lax")
    return response


def our_path(address: str) -> str:
    """The address, if it is a path on this host that can follow a sign-in; the start page otherwise."""
    if _OUR_PATH.fullmatch(address) and not address.startswith(("/sign-in", "/sign-out")):
        return address
    return "/"


def _refused(request: Request, following: str, why: str) -> Response:
    response = page(request, "sign-in.html", status=401, following=our_path(following), refused=why)
    response.headers["WWW-Authenticate"] = "Bearer"
    return response
