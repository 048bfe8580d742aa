"""Signing in: a token becomes a cookie that reads and cannot write, and only our own page can bring that about."""

from collections.abc import Callable
from datetime import timedelta
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from conftest import started
from dashboard_browser import form_token, said, sign_in, visitor
from reporting_api.app import create_app
from reporting_api.dashboard.sign_in import our_path
from reporting_api.settings import ReportingSettings
from tallystick.schemas.principal import Role
from tallystick.service.auth import SESSION_COOKIE


def session_cookie(response: httpx.Response) -> Any:
    cookies = SimpleCookie()
    for header in response.headers.get_list("set-cookie"):
        cookies.load(header)
    return cookies[SESSION_COOKIE]


async def test_the_cookie_lives_as_long_as_the_token_and_scripts_cannot_read_it(
    browser: httpx.AsyncClient, sign: Callable[..., str]
) -> None:
    """HttpOnly, SameSite=Lax, the whole host, for the rest of the token's life; without TLS it cannot be Secure."""
    token = sign(ttl=timedelta(hours=3))

    answer = await sign_in(browser, token)

    cookie = session_cookie(answer)
    assert answer.status_code == 303
    assert cookie.value == token
    assert cookie["httponly"]
    assert cookie["samesite"] == "lax"
    assert cookie["path"] == "/"
    assert not cookie["secure"]
    assert 3 * 3600 - 60 < int(cookie["max-age"]) <= 3 * 3600


async def test_behind_tls_the_cookies_never_travel_without(
    settings: Callable[..., dict[str, Any]], sign: Callable[..., str]
) -> None:
    """Secure, where people reach the product over https."""
    of_service = ReportingSettings(**settings("reporting"), project=False, public_url="https://tallystick.example")
    async with started(create_app(of_service), of_service, "reporting_api") as app, visitor(app) as browser:
        browser.base_url = httpx.URL("https://tallystick.example")

        answer = await sign_in(browser, sign())

    assert session_cookie(answer)["secure"]


async def test_signed_in_one_sees_the_page_that_was_asked_for(browser: httpx.AsyncClient, sign: Callable[..., str]) -> None:
    """The way leads back to the page that sent one to the sign-in, filters included."""
    sent = await browser.get("/programmes/demo?site=krakow&from=2026-09-01")

    assert sent.status_code == 303
    assert sent.headers["location"] == "/sign-in?next=%2Fprogrammes%2Fdemo%3Fsite%3Dkrakow%26from%3D2026-09-01"

    answer = await sign_in(browser, sign(), "/programmes/demo?site=krakow&from=2026-09-01")

    assert answer.headers["location"] == "/programmes/demo?site=krakow&from=2026-09-01"


@pytest.mark.parametrize(
    "address",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example/",
        "evil",
        "",
        "/a\nb",
        "/\t/evil.example",
        "/sign-out",
        "/sign-in?next=/x",
        "javascript:x",
    ],
)
def test_the_way_back_leads_to_no_other_host(address: str) -> None:
    """What is not a plain path on this host becomes the start page."""
    assert our_path(address) == "/"


def test_the_way_back_keeps_a_plain_path() -> None:
    """A path of ours stays what it is."""
    assert our_path("/programmes/demo?site=krakow") == "/programmes/demo?site=krakow"


@pytest.mark.parametrize("token", ["", "nonsense", "a.b.c"])
async def test_a_token_that_is_not_accepted_signs_nobody_in(browser: httpx.AsyncClient, token: str) -> None:
    """The form comes back and says so, without the token."""
    answer = await sign_in(browser, token)

    assert answer.status_code == 401
    assert SESSION_COOKIE not in answer.cookies
    assert "not accepted" in answer.text
    assert "nonsense" not in answer.text


async def test_who_is_signed_in_is_told_before_they_are_somebody_else(
    browser: httpx.AsyncClient, sign: Callable[..., str]
) -> None:
    """By name and vendor; whose sign-in has ended is nobody."""
    nobody = await browser.get("/sign-in")
    await sign_in(browser, sign(Role.VENDOR_POC, vendor="acme"))
    somebody = await browser.get("/sign-in")
    browser.cookies.set(SESSION_COOKIE, sign(ttl=timedelta(seconds=-60)), domain="", path="/")
    ended = await browser.get("/sign-in")

    assert "You are signed in as a person of acme ." in said(somebody)
    assert 'data-sign-in="ask"' in somebody.text
    for page in (nobody, ended):
        assert "You are signed in" not in page.text
        assert 'data-sign-in="send"' in page.text


async def test_a_token_that_has_ended_signs_nobody_in(browser: httpx.AsyncClient, sign: Callable[..., str]) -> None:
    """Expired is expired."""
    answer = await sign_in(browser, sign(ttl=timedelta(seconds=-60)))

    assert answer.status_code == 401


async def test_a_whole_link_can_be_pasted(browser: httpx.AsyncClient, sign: Callable[..., str]) -> None:
    """People paste what they have: the link is as good as the token in it."""
    answer = await sign_in(browser, f" http://test/sign-in#token={sign()} ")

    assert answer.status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "http://test"},
    ],
)
async def test_another_site_cannot_send_our_forms(
    browser: httpx.AsyncClient, sign: Callable[..., str], headers: dict[str, str]
) -> None:
    """Even with a good form token, which it could only have stolen."""
    token = form_token(await browser.get("/sign-in"))

    answer = await browser.post("/sign-in", data={"token": sign(), "form_token": token}, headers=headers)

    assert answer.status_code == 403
    assert SESSION_COOKIE not in answer.cookies


@pytest.mark.parametrize(
    ("origin", "status"),
    [("http://test", 303), ("http://127.0.0.1:8080", 303), ("http://evil.example", 403), ("null", 403), ("", 403)],
)
async def test_a_browser_that_does_not_say_which_site_is_judged_by_the_origin(
    browser: httpx.AsyncClient, sign: Callable[..., str], origin: str, status: int
) -> None:
    """Ours is the host that was asked and the public address; nothing said is nothing proved."""
    token = form_token(await browser.get("/sign-in"))
    del browser.headers["Sec-Fetch-Site"]

    answer = await browser.post("/sign-in", data={"token": sign(), "form_token": token}, headers={"Origin": origin})

    assert answer.status_code == status


async def test_a_form_token_is_good_for_the_browser_that_got_it(
    browser: httpx.AsyncClient, reporting_app: Any, sign: Callable[..., str]
) -> None:
    """One that was issued to somebody else, changed, or left out is refused."""
    async with visitor(reporting_app) as other:
        foreign = form_token(await other.get("/sign-in"))
    own = form_token(await browser.get("/sign-in"))

    statuses = [
        (await browser.post("/sign-in", data={"token": sign(), "form_token": token})).status_code
        for token in (foreign, own[:-5] + ("A" if own[-5] != "A" else "B") + own[-4:], "", own)
    ]

    assert statuses == [403, 403, 403, 303]


async def test_a_form_of_more_fields_than_any_page_has_is_not_taken_apart(browser: httpx.AsyncClient) -> None:
    """Anybody can send one, and empty fields take more time than anything else of their size."""
    form = {"Content-Type": "application/x-www-form-urlencoded; charset=utf-8"}
    few, many = [await browser.post("/sign-in", content=b"&" * number, headers=form) for number in (1000, 1001)]

    assert (few.status_code, many.status_code) == (403, 413)


async def test_signing_out_takes_a_form_of_the_session(browser: httpx.AsyncClient, sign: Callable[..., str]) -> None:
    """A form from before the sign-in is not enough; after it, the cookie is gone and pages ask for a sign-in again."""
    before = form_token(await browser.get("/sign-in"))
    await sign_in(browser, sign())
    page = await browser.get("/")

    refused = await browser.post("/sign-out", data={"form_token": before})
    answer = await browser.post("/sign-out", data={"form_token": form_token(page)})

    assert refused.status_code == 403
    assert answer.headers["location"] == "/sign-in"
    assert (await browser.get("/")).headers["location"] == "/sign-in?next=%2F"


async def test_signing_out_is_no_link(browser: httpx.AsyncClient) -> None:
    """An image on another page must not sign anybody out."""
    assert (await browser.get("/sign-out")).status_code == 405


async def test_the_cookie_reads_the_api_and_never_writes(audit_app: Any, sign: Callable[..., str]) -> None:
    """The API takes the cookie with GET alone."""
    async with visitor(audit_app) as to_audits:
        to_audits.cookies.set(SESSION_COOKIE, sign(Role.ADMIN))

        read = await to_audits.get("/v1/programmes")
        written = await to_audits.post("/v1/audits", params={"programme": "demo"}, json={})

    assert read.status_code == 200
    assert written.status_code == 401


async def test_a_cookie_that_is_not_accepted_any_more_leads_to_the_sign_in(browser: httpx.AsyncClient) -> None:
    """Like none at all."""
    browser.cookies.set(SESSION_COOKIE, "a.b.c")

    assert (await browser.get("/")).headers["location"] == "/sign-in?next=%2F"
