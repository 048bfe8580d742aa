"""Before review a rater learns nothing of others' ratings, wherever it looks.

The proof compares: everything that a caller can read or be told is the same, byte for byte, before others have rated and after.
It holds with the filters of the application alone, with row-level security alone, and fails with neither. All that reporting
knows comes from the feed.
"""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from sqlalchemy import false, true

from audit_api.calibration import items, precedents, ratings, sessions
from batches import pushed
from calibration import SESSIONS, Facilitator, Hand, session_document
from factories import missed, programme_document
from security.doors import ITEM, OPEN, SESSION, routes
from security.world import Actor, World, appeal_of
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role

SECRET = {"value": "restrict", "policy": "a-secret-clause", "comment": "a secret comment"}
NOTHING: dict[str, Any] = {}
_AFTER = re.compile(r"\bafter=[\w-]+")
SEARCHES = ({"q": "secret"}, {"q": "threats"}, {"policy": "a-secret-clause"}, {"error_code": "FN-HARASS"})

LOOKS: dict[str, tuple[dict[str, Any], ...]] = {
    "/v1/programmes": (NOTHING,),
    "/v1/programmes/{programme}": (NOTHING,),
    "/v1/programmes/{programme}/versions": (NOTHING,),
    "/v1/audit-batches/{batch_id}": (NOTHING,),
    "/v1/audit-batches/{batch_id}/rows": (NOTHING, {"limit": 1}),
    "/v1/decision-batches/{decision_batch_id}": (NOTHING,),
    "/v1/decision-sources": (NOTHING, {"limit": 1}),
    "/v1/decision-sources/{source}": (NOTHING,),
    "/v1/sampling-plans": (NOTHING,),
    "/v1/sampling-plans/{plan_id}": (NOTHING,),
    "/v1/sampling-plans/{plan_id}/versions": (NOTHING,),
    "/v1/draws": (NOTHING,),
    "/v1/draws/{draw_id}": (NOTHING,),
    "/v1/draws/{draw_id}/strata": (NOTHING,),
    "/v1/draws/{draw_id}/receipt": (NOTHING,),
    "/v1/lots": (NOTHING,),
    "/v1/lots/curve": (NOTHING, {"lot_size": 500, "aql": 1.0}),
    "/v1/exposure": (NOTHING,),
    "/v1/exposure/summary": (NOTHING,),
    "/v1/exposure/opt-outs": (NOTHING,),
    "/v1/auditors": (NOTHING,),
    "/v1/auditors/{auditor}": (NOTHING,),
    "/v1/sample-items": (NOTHING,),
    "/v1/sample-items/{item_id}": (NOTHING,),
    "/v1/staffing-plans": (NOTHING,),
    "/v1/staffing-plans/{staffing_id}": (NOTHING,),
    "/v1/audits": (NOTHING, {"limit": 1}, {"policy": "harassment"}),
    "/v1/audits/{audit_id}": (NOTHING,),
    "/v1/audits/{audit_id}/revisions": (NOTHING,),
    "/v1/calibration-sessions": (NOTHING, {"limit": 1}, {"state": "scoring"}, {"state": "review"}),
    SESSION: (NOTHING,),
    f"{SESSION}/items": (NOTHING, {"limit": 1}),
    f"{ITEM}/past-ratings": (NOTHING,),
    f"{SESSION}/progress": (NOTHING,),
    "/v1/precedents": (NOTHING, {"limit": 1}, *SEARCHES),
    "/v1/golden-results": (NOTHING, {"limit": 1}),
    "/v1/appeals": (NOTHING, {"limit": 1}),
    "/v1/appeals/{appeal_id}": (NOTHING,),
    "/v1/appeals/{appeal_id}/history": (NOTHING,),
    "/v1/webhook-endpoints": (NOTHING,),
    "/v1/webhook-endpoints/{endpoint_id}": (NOTHING,),
    "/v1/webhook-endpoints/{endpoint_id}/deliveries": (NOTHING, {"limit": 1}),
    "/v1/changes": (NOTHING, {"limit": 1}),
}
"""What is asked of every route that reads, page by page. A route that is not here fails the test; those that people look at
show nothing of calibration."""


@dataclass(frozen=True)
class Attempt:
    """A change that is refused, and that might tell why in too many words."""

    headers: dict[str, str]
    body: Any = None


STALE, ANY = {"If-Match": '"0"'}, {"If-Match": "*"}
NDJSON = {"Content-Type": "application/x-ndjson"}
ATTEMPTS: dict[tuple[str, str], Attempt] = {
    ("POST", SESSIONS): Attempt({}, session_document(("x", "northwind"))),
    ("PUT", SESSION): Attempt(ANY, session_document(("x", None))),
    ("POST", f"{SESSION}/items"): Attempt({}, {"items": [{"content_ref": "x"}]}),
    ("POST", f"{SESSION}/opening"): Attempt(ANY),
    ("PUT", f"{ITEM}/rating"): Attempt({}, {"value": "off-scale"}),
    ("DELETE", f"{ITEM}/rating"): Attempt({}, {"number": 9}),
    ("POST", f"{SESSION}/rating-batches"): Attempt(NDJSON, b'{"number": 1, "value": "x"}\n{"number": 9, "value": "keep"}'),
    ("POST", f"{SESSION}/review"): Attempt(STALE),
    ("PUT", f"{ITEM}/benchmark"): Attempt(ANY, {"value": "keep", "by": "consensus"}),
    ("POST", f"{SESSION}/conclusion"): Attempt(ANY, {"conclusion": "x"}),
    ("PUT", f"{ITEM}/golden"): Attempt({}),
    ("DELETE", f"{ITEM}/golden"): Attempt({}),
}
"""How every route of calibration that changes something is called so that it refuses."""


def test_every_route_is_looked_at(world: World) -> None:
    """A new route of audit-api that reads, or one of calibration that writes, has to find its place above."""
    found = {route for route in routes(world.apps["audit"]) if route not in OPEN}
    calibrating = {path for _, path in found if "calibration" in path}

    assert {path for method, path in found if method == "GET" and path.startswith("/v1/")} == set(LOOKS)
    assert {(method, path) for method, path in found if method != "GET" and path in calibrating} == set(ATTEMPTS)


@dataclass
class Room:
    """A session in scoring in one of the worlds, in which all who look on have rated already."""

    world: World
    programme: str
    batch: str
    audit: str
    appeal: str
    endpoint: str
    session: str = ""

    def actor(self, subject: str, vendor: str | None = None, role: Role | None = None) -> Actor:
        """Somebody of this programme."""
        return Actor(role or (Role.VENDOR_POC if vendor else Role.AUDITOR), (self.programme,), vendor, subject)

    def hand(self, subject: str, vendor: str | None = None, role: Role | None = None) -> Hand:
        """Somebody who rates."""
        return Hand(self.world.client("audit", self.actor(subject, vendor, role)), self.programme, self.session)

    @property
    def facilitator(self) -> Facilitator:
        """Who facilitates, and rates too."""
        return Facilitator(self.world.client("audit", self.actor("fred", role=Role.QUALITY_MANAGER)), self.programme)

    def onlookers(self) -> list[Actor]:
        """Raters of the client and of a vendor, the facilitator who rates too, and others who might come by."""
        return [
            self.actor("ann"),
            self.actor("vic", "acme"),
            self.actor("fred", role=Role.QUALITY_MANAGER),
            self.actor("zoe"),
            self.actor("sys", "acme", Role.VENDOR_SYSTEM),
            self.actor("reporting", role=Role.SERVICE),
        ]

    async def others_rate(self) -> None:
        """On their own items, on those of the onlookers; they think again, and take back."""
        for who in (("max", None), ("mia", "acme"), ("bo", "borealis")):
            hand = self.hand(*who)
            for number in (1, 2, 3):
                assert (await hand.rate(number, "remove", comment="a secret comment")).status_code == 200
            assert (await hand.rate_all([{"number": 1, **SECRET}, {"number": 2, **SECRET}])).status_code == 200
            assert (await hand.withdraw(2)).status_code == 204

    async def all_that_is_told(self, actor: Actor) -> dict[str, list[str]]:
        """Whatever an actor reads by every route, page by page, and is told by every refusal."""
        told = await self.all_that_is_shown(actor)
        for (method, path), attempt in ATTEMPTS.items():
            body = {"content": attempt.body} if isinstance(attempt.body, bytes) else {"json": attempt.body}
            number = 9 if method == "DELETE" and path.endswith("rating") else 1
            answer = await self._ask(actor, method, path, number, headers=attempt.headers, **body)
            assert "application/problem" in answer.headers["content-type"] or '"rejected":2' in answer.text, answer.text
            told[f"{method} {path}"] = [_plain(answer)]
        return told

    async def all_that_is_shown(self, actor: Actor) -> dict[str, list[str]]:
        """Whatever an actor reads by every route, page by page."""
        asked = [(path, query) for path, queries in LOOKS.items() for query in queries]
        return {f"GET {path} {query}": await self._pages(actor, path, query) for path, query in asked}

    async def _pages(self, actor: Actor, path: str, query: dict[str, Any]) -> list[str]:
        answer = await self._ask(actor, "GET", path, 1, params={"programme": self.programme, **query})
        pages = [_plain(answer)]
        while True:
            if "next" in answer.links:
                more = dict(answer.url.join(answer.links["next"]["url"]).params)
            elif path == "/v1/changes" and answer.is_success and answer.json()["changes"]:
                more = {"programme": self.programme, **query, "after": answer.json()["cursor"]}
            else:
                return pages
            answer = await self._ask(actor, "GET", path, 1, params=more)
            pages.append(_plain(answer))

    async def _ask(self, actor: Actor, method: str, path: str, number: int, **how: Any) -> httpx.Response:
        named = {
            "programme": self.programme,
            "batch_id": self.batch,
            "audit_id": self.audit,
            "appeal_id": self.appeal,
            "endpoint_id": self.endpoint,
            "number": number,
        }
        place = path.format_map(defaultdict(lambda: self.session, named))
        how = {"params": {"programme": self.programme}, **how}
        return await self.world.client("audit", actor).request(method, place, **how)


def _plain(answer: httpx.Response) -> str:
    document = answer.json()
    for name in ("request_id", "cursor"):  # a feed's cursor is sealed anew for each answer
        document.pop(name, None)
    headers = {name: answer.headers.get(name) for name in ("etag", "link", "location", "retry-after")}
    return _AFTER.sub("", f"{answer.status_code} {headers} {document}")


async def room(world: World) -> Room:
    """A programme with a session in it, rated by those who look on."""
    programme = f"blind-{new_id().hex[-12:]}"
    admin = world.client("audit", Actor(Role.ADMIN, ("*",)))
    (await admin.put(f"/v1/programmes/{programme}", json=programme_document(programme))).raise_for_status()
    batch = await pushed(admin, programme, [missed("A-1"), missed("A-2")])
    audit_id = batch["results"][0]["audit_id"]
    vic = world.client("audit", Actor(Role.VENDOR_POC, (programme,), "acme", "vic"))
    of = {"programme": programme}
    appeal = await vic.post("/v1/appeals", params=of, json=appeal_of(audit_id))
    hook = {"name": "Calibration", "url": "https://hooks.example/acme", "events": ["appeal.decided"]}
    endpoint = await vic.post("/v1/webhook-endpoints", params=of, json=hook)
    there = Room(world, programme, batch["id"], audit_id, appeal.json()["id"], endpoint.json()["endpoint"]["id"])
    raters = [("ann", None), ("fred", None), ("max", None), ("vic", "acme"), ("mia", "acme"), ("bo", "borealis")]
    shown: list[dict[str, Any]] = [{"audit_id": there.audit}, {"content_ref": "x"}, {"repeat_of": 2}]
    there.session = await there.facilitator.draft(shown, **session_document(*raters, title="Threats"))
    await there.facilitator.moved(there.session, "opening")
    for hand in (there.hand("ann"), there.hand("vic", "acme"), there.hand("fred", role=Role.QUALITY_MANAGER)):
        for value in ("keep", "remove"):
            assert (await hand.rate(1, value)).status_code == 200
    return there


async def differences(there: Room) -> dict[str, list[str]]:
    """By onlooker, what it is told otherwise once others have rated."""
    before = {actor: await there.all_that_is_told(actor) for actor in there.onlookers()}
    await there.others_rate()
    found: dict[str, list[str]] = {}
    for actor, earlier in before.items():
        later = await there.all_that_is_told(actor)
        found[actor.subject] = [asked for asked, pages in later.items() if pages != earlier[asked]]
    return found


COUNTS_ALONE = {"fred": [f"GET {SESSION}/progress {NOTHING}"]}
"""Who facilitates sees how many items each has rated, and rates as blindly as all."""


def assert_blind(found: dict[str, list[str]]) -> None:
    """Nobody is told anything otherwise, but the facilitator how many items others have rated."""
    assert {subject: asked for subject, asked in found.items() if asked} == COUNTS_ALONE


async def test_before_review_nothing_tells_of_others_ratings(world: World) -> None:
    """Not a word, number, version, position or cursor of any answer changes when others rate; in review all of it is there."""
    there = await room(world)
    assert_blind(await differences(there))

    await there.facilitator.moved(there.session, "review")
    shown: dict[str, set[str]] = {}
    for actor in there.onlookers():
        seen = "".join(page for pages in (await there.all_that_is_shown(actor)).values() for page in pages)
        shown[actor.subject] = {name for name in ("max", "mia", "bo") if f"'rater': '{name}'" in seen}
    assert shown["ann"] == shown["fred"] == shown["zoe"] == shown["reporting"] == {"max", "mia", "bo"}
    assert shown["vic"] == {"max", "mia"}
    assert shown["sys"] == set()


async def test_without_row_level_security_the_filters_keep_raters_blind(open_world: World) -> None:
    """From a database without walls nothing more is told."""
    assert_blind(await differences(await room(open_world)))


@pytest.fixture
def without_filters(monkeypatch: pytest.MonkeyPatch) -> None:
    """No statement of calibration looks for state, side or hand."""
    for module in (items, precedents, ratings, sessions):
        for name, replacement in (
            ("revealed", true),
            ("of_own_side", lambda *_: true()),
            ("blind", lambda *_: false()),
            ("of_anothers_audit", lambda *_: false()),
            ("visible", lambda statement, *_: statement),
        ):
            if hasattr(module, name):
                monkeypatch.setattr(module, name, replacement)


@pytest.mark.usefixtures("without_filters")
async def test_without_the_filters_row_level_security_keeps_raters_blind(world: World) -> None:
    """The database shows a rating to nobody but its rater, whatever is asked of it."""
    assert_blind(await differences(await room(world)))


@pytest.mark.usefixtures("without_filters")
async def test_without_either_others_ratings_are_told(open_world: World) -> None:
    """What the tests above stand on: with both halves away, each of those who look on is told more."""
    there = await room(open_world)
    before = await there.all_that_is_told(there.actor("ann"))
    await there.others_rate()

    assert await there.all_that_is_told(there.actor("ann")) != before
