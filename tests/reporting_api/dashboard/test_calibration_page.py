"""The page of calibration: the numbers of the report in words, for those who may see them."""

import html
import re
from collections.abc import Callable

import httpx
import pytest

from calibration_feed import Session
from dashboard_browser import sign_in
from reporting_feed import Stream
from tallystick.schemas.calibration import SessionState
from tallystick.schemas.principal import Role
from tallystick.service.database import Database

Sign = Callable[..., str]


@pytest.fixture
async def sessions(reporting_database: Database) -> tuple[Stream, Session, Session]:
    """A concluded session of five raters, in which kim of borealis always disagrees, and one in scoring."""
    stream = Stream(targets={"agreement": 0.8, "minimum_sample": 30})
    truth = ("keep", "restrict", "remove") * 14
    ratings = [
        {"qa-1": right, "qa-2": right, "ann": right, "bob": right if place % 3 else "keep", "kim": "keep"}
        for place, right in enumerate(truth)
    ]
    concluded = Session(stream, ratings).benchmark(*truth)
    for number in range(1, len(truth) + 1):
        concluded.set(number, policy=("harassment", "hate")[number % 2])
    concluded.set(42, repeat_of=3)
    concluded.show(SessionState.CONCLUDED)
    concluded.golden(1, "qa-9", "remove")
    scoring = Session(stream, ratings, day=7).benchmark(*truth).show(SessionState.SCORING)
    await stream.project(reporting_database)
    return stream, concluded, scoring


def text_of(answer: httpx.Response) -> str:
    """What a person reads, without what scripts and markup are made of."""
    assert answer.status_code == 200, answer.text
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text)))


async def test_the_trend_leads_to_sessions_and_back(
    browser: httpx.AsyncClient, sign: Sign, sessions: tuple[Stream, Session, Session]
) -> None:
    """Concluded ones with their agreement, those under way, who is next; filters go along, the session stays behind."""
    stream, concluded, scoring = sessions
    home = f"/programmes/{stream.programme}/calibration"
    await sign_in(browser, sign())
    trend = await browser.get(f"{home}?policy=hate")
    one = await browser.get(f"{home}?policy=hate&session={concluded.id}")

    assert f'href="{home}?policy=hate&amp;session={concluded.id}"' in trend.text
    assert f'href="{home}?policy=hate&amp;session={scoring.id}"' in trend.text
    assert "kim judged 7 of 21 items as the benchmark does" in text_of(trend)
    for said in ("By every coefficient", "Client and vendors", "borealis 33.3", "Policy clauses that divide raters"):
        assert said in text_of(trend), said
    assert "No golden item" not in text_of(trend)
    assert f'href="{home}?policy=hate"' in one.text
    assert f'href="/programmes/{stream.programme}/appeals?policy=hate"' in one.text
    assert f'<input type="hidden" name="session" value="{concluded.id}">' in one.text
    assert (await browser.get(f"{home}?site=lisbon")).status_code == 422


async def test_a_session_shows_its_report(
    browser: httpx.AsyncClient, sign: Sign, sessions: tuple[Stream, Session, Session]
) -> None:
    """Every part of it, what has no value with its reason."""
    stream, concluded, _ = sessions
    await sign_in(browser, sign())
    text = text_of(await browser.get(f"/programmes/{stream.programme}/calibration?session={concluded.id}"))

    for said in (
        "AC1 (to go by)",
        "Cohen's kappa is of two raters: see the pairs.",
        "The categories of this scale have no order.",
        "below the target of 80%",
        "place 1",
        "Raters two by two",
        "Agree with the client",
        "What was chosen, by the benchmark",
        "Pairs that differ",
        "Same choice when shown again",
        "qa-9",
    ):
        assert said in text, said


async def test_before_review_the_page_says_why_it_shows_nothing(
    browser: httpx.AsyncClient, sign: Sign, sessions: tuple[Stream, Session, Session]
) -> None:
    stream, _, scoring = sessions
    await sign_in(browser, sign())
    answer = await browser.get(f"/programmes/{stream.programme}/calibration?session={scoring.id}")

    assert "Ratings are laid open when the session moves to review." in text_of(answer)
    assert "qa-1" not in answer.text
    assert "item:" not in answer.text


async def test_a_vendors_page_names_no_other_vendor(
    browser: httpx.AsyncClient, sign: Sign, sessions: tuple[Stream, Session, Session]
) -> None:
    """Nor a golden item, and it says over whose ratings the numbers are."""
    stream, concluded, _ = sessions
    await sign_in(browser, sign(Role.VENDOR_POC, vendor="acme"))
    for query in ("", f"?session={concluded.id}"):
        answer = await browser.get(f"/programmes/{stream.programme}/calibration{query}")

        assert "sessions may have others, who are not counted here" in text_of(answer)
        assert "kim" not in answer.text
        assert "borealis" not in answer.text.lower()
        assert "qa-9" not in answer.text


async def test_without_sessions_the_page_says_so(browser: httpx.AsyncClient, sign: Sign, stream: Stream) -> None:
    await sign_in(browser, sign())
    answer = await browser.get(f"/programmes/{stream.programme}/calibration")

    assert "No session has been concluded that fits the question." in text_of(answer)
