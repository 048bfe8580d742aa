"""A calibration session of two vendors and the client: nobody is told more of it than is theirs, by no route, in no state."""

import json
from collections import defaultdict
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI

from batches import ids, pushed
from calibration import SESSIONS, Facilitator, Hand, session_document
from conftest import Caller
from factories import missed
from security.doors import DOORS
from tallystick.schemas.principal import Role

RATERS = (("canary-ann", None), ("canary-vic", "acme"), ("canary-bob", "borealis"))
SITES = {"acme": "lisbon", "borealis": "krakow"}


@pytest.fixture
def by(audit_app: FastAPI, caller: Caller) -> Callable[..., httpx.AsyncClient]:
    """A client for somebody of a vendor or of the client."""
    return lambda subject, vendor, role: caller(audit_app, role, vendor=vendor, subject=subject)


async def everything(client: httpx.AsyncClient, programme: str, session: str) -> str:
    """What every GET of audit-api tells about a session, and the feed."""
    told = ""
    for path in {door.path for door in DOORS if door.app == "audit" and door.method == "GET"}:
        for number in (1, 2) if "{number}" in path else (1,):
            address = path.format_map(defaultdict(lambda: session, programme=programme, number=str(number)))
            answer = await client.get(address, params={} if "{programme}" in path else {"programme": programme})
            told += f"\n{address} {answer.text} {json.dumps(dict(answer.headers))}"
    return told


async def test_nobody_is_told_what_others_say_before_review_and_no_vendor_of_another_ever(
    by: Callable[..., httpx.AsyncClient], programme: str
) -> None:
    """Values, comments, names, past ratings, and the audits that items were taken from."""
    manager = by("manager", None, Role.QUALITY_MANAGER)
    facilitator = Facilitator(manager, programme)
    rows = [missed(f"canary-of-{vendor}", vendor=vendor, site=site, content_ref=f"item:{site}") for vendor, site in SITES.items()]
    audits = ids(await pushed(manager, programme, rows))
    session = await facilitator.draft([{"audit_id": audit_id} for audit_id in audits], **session_document(*RATERS))
    hands = {
        name: Hand(by(name, vendor, Role.VENDOR_POC if vendor else Role.AUDITOR), programme, session) for name, vendor in RATERS
    }
    readers = {name: hand.client for name, hand in hands.items()} | {
        "canary-manager": manager,
        "canary-auditor": by("canary-auditor", None, Role.AUDITOR),
        "canary-poc-of-acme": by("canary-poc-of-acme", "acme", Role.VENDOR_POC),
        "canary-system-of-acme": by("canary-system-of-acme", "acme", Role.VENDOR_SYSTEM),
        "canary-poc-of-northwind": by("canary-poc-of-northwind", "northwind", Role.VENDOR_POC),
    }
    await facilitator.moved(session, "opening")
    for name, hand in hands.items():
        for comment in ("first", "second"):
            assert (await hand.rate(1, "remove", comment=f"said-by-{name}-{comment}")).status_code == 200
    scoring = {name: await everything(client, programme, session) for name, client in readers.items()}
    await facilitator.moved(session, "review")
    review = {name: await everything(client, programme, session) for name, client in readers.items()}
    for number in (1, 2):
        await facilitator.benchmark(session, number, "remove")
    await facilitator.moved(session, "conclusion")
    concluded = {name: await everything(client, programme, session) for name, client in readers.items()}

    for name, told in scoring.items():
        assert {rater for rater, _ in RATERS if f"said-by-{rater}" in told} <= {name}
    for name, told in (*scoring.items(), *review.items(), *concluded.items()):
        if "acme" in name or name == "canary-vic":
            assert not [word for word in ("canary-bob", "canary-of-borealis", "borealis", audits[1]) if str(word) in told], name
        if "northwind" in name:
            assert not [word for word in (*(rater for rater, _ in RATERS), "canary-of", f'"id":"{session}"') if word in told]
    assert "said-by-canary-bob-second" in review["canary-ann"]
    assert "said-by-canary-ann-first" in concluded["canary-vic"]
    assert SESSIONS in scoring["canary-vic"]
