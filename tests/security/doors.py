"""Every route of every service: how to knock, and whom it opens for.

A route that is not here fails the matrix. Write down how it is called about a `Target`, which roles it opens for, and what it
answers them with; the matrix does the rest.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from string import Formatter
from typing import Any
from uuid import uuid4

import httpx
import orjson
from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.routing import Mount, Route

from actions import EFFECT
from calibration import session_document
from security.world import (
    Actor,
    Target,
    World,
    a_session,
    an_action,
    an_objective,
    appeal_of,
    judgement,
    marked_plan,
    world_document,
)
from tallystick.schemas.principal import Role
from tallystick.service.forms import FORM_COOKIE, FormToken
from tallystick.service.routing import Shortcut

EVERYBODY = frozenset(Role)
CLIENT = frozenset({Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.ANALYST})
AUDIT_READERS = EVERYBODY - {Role.ANALYST}
BATCH_READERS = AUDIT_READERS - {Role.SERVICE}
DECISION_READERS = EVERYBODY - {Role.SERVICE}
RECORDERS = frozenset({Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.VENDOR_SYSTEM})
REVISERS = frozenset({Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR})
MANAGERS = frozenset({Role.ADMIN, Role.QUALITY_MANAGER})
COUNTERPARTS = MANAGERS | {Role.VENDOR_POC}
CASE_READERS = EVERYBODY - {Role.VENDOR_SYSTEM}
SPEAKERS = frozenset({Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.VENDOR_POC})
CALIBRATORS = frozenset({Role.SERVICE, Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.VENDOR_POC})
RATERS = CALIBRATORS - {Role.SERVICE}
RECEIPT_READERS = frozenset({Role.ADMIN, Role.QUALITY_MANAGER, Role.ANALYST, Role.VENDOR_POC, Role.VENDOR_SYSTEM})
POCS = frozenset({Role.VENDOR_POC})
ADJUDICATORS = frozenset({Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR})
NUMBER_READERS = frozenset({Role.ADMIN, Role.QUALITY_MANAGER, Role.ANALYST, Role.VENDOR_POC, Role.SERVICE})

PAGE_READERS = NUMBER_READERS | {Role.AUDITOR}

UPHELD = {"outcome": "upheld", "reason": "So it is"}
NOTE = {"note": "Because"}
STAFFED_WEEK = {"first_day": "2026-11-30", "last_day": "2026-12-04"}
ENDPOINT = {"name": "New", "url": "https://hooks.example/new", "events": ["appeal.decided"]}

CASE_PAGE = "/programmes/{programme}/cases/{case_id}"
STALE_FORM = {"revision": "99"}
"""A form about a revision that there is not: who may send it is told so, and shown the page; nothing is used up."""
CHANGE_FORM = {"title": "Anew", "priority": "low", **STALE_FORM}
STEP_FORM = {"step": "analyse", **STALE_FORM}
ACTION_FORM = {"title": "Do", "kind": "corrective", "owner": "someone"}
OWNER_FORM = {"owner": "somebody-else", **STALE_FORM}
START_FORM = {"step": "start", **STALE_FORM}
EXTENSION_FORM = {"to": "2030-01-01", "reason": "So", **STALE_FORM}
BACK_FORM = {"reason": "other", **STALE_FORM}
CLOSURE_FORM = {"conclusion": "Done", **STALE_FORM}
SESSION_FORM = {"title": "New", "person": "m-1", "subject": "m", "planned_for": "2190-01-01T09:00"}
OBJECTIVE_FORM = {"title": "New", "of": "moderator", "name": "m-1", "target": "90", "from": "2190-01-01", "to": "2190-02-01"}
PEOPLE = "/programmes/{programme}/people"
WORK = "/programmes/{programme}/work"
SAMPLING = "/programmes/{programme}/sampling"
AUDITORS = "/programmes/{programme}/auditors"
PLAN_FORM = {"title": "New", "starts_on": "2190-01-01", "kind": "fixed", "each": "5"}
_BROWSER = "a-browser"
RCA_ENDPOINT = ENDPOINT | {"events": ["action.escalated"]}
SOON = (datetime.now(UTC) + timedelta(days=30)).isoformat()
LATER = {"to": "2190-03-01", "reason": "Too few audits"}

Knock = Callable[[Target], dict[str, Any]]


def _of_programme(target: Target) -> dict[str, Any]:
    return {"params": {"programme": target.programme}}


def _vendor_alone(target: Target) -> dict[str, Any]:
    return {"params": {"vendor": target.vendor} if target.vendor else {}}


def _of_vendor(target: Target) -> dict[str, Any]:
    return {"params": {"programme": target.programme, **_vendor_alone(target)["params"]}}


def _decisions(target: Target) -> dict[str, Any]:
    row = target.decision()
    params = {"programme": target.programme, "source": f"s-{uuid4()}"}
    return {"params": params, "content": orjson.dumps(row), "headers": {"Content-Type": "application/x-ndjson"}}


def _planned(target: Target) -> dict[str, Any]:
    windows = {"baseline_from": "2026-08-01", "baseline_to": "2026-09-01"}
    windows |= {"verification_from": "2026-09-01", "verification_to": "2026-10-01"}
    return {"params": {**_of_vendor(target)["params"], **windows}}


def _receipt(target: Target) -> dict[str, Any]:
    return {"params": {"programme": target.programme, "vendor": target.vendor or "borealis"}}


def _new_plan(target: Target) -> dict[str, Any]:
    return marked_plan(target.programme, target.vendor) | {"scope": {}}


def _nothing(_target: Target) -> dict[str, Any]:
    return {}


def _ndjson(target: Target) -> dict[str, Any]:
    row = b'{"number": 1, "value": "keep"}'
    return _of_programme(target) | {"content": row, "headers": {"Content-Type": "application/x-ndjson"}}


def _moving(target: Target) -> dict[str, Any]:
    return _of_programme(target) | {"headers": {"If-Match": "*"}}


def _of_session(target: Target) -> dict[str, Any]:
    return {"params": {"programme": target.programme, "session": target.sessions["concluded"]}}


def _session_alone(target: Target) -> dict[str, Any]:
    return {"params": {"session": target.sessions["scoring"]}}


def _of_signal(target: Target) -> dict[str, Any]:
    return {"params": {"programme": target.programme, "signal": target.signal_id}}


def _benchmark(target: Target) -> dict[str, Any]:
    return _moving(target) | {"json": {"value": "keep", "by": "consensus"}}


def _conclusion(target: Target) -> dict[str, Any]:
    return _moving(target) | {"json": {"conclusion": "Done"}}


def _new_session(target: Target) -> dict[str, Any]:
    return session_document(("someone", None), ("someone-of-acme", target.vendor))


def _with(body: Callable[[Target], Any], if_match: str | None = None) -> Knock:
    def knock(target: Target) -> dict[str, Any]:
        headers = {"headers": {"If-Match": if_match}} if if_match else {}
        return _of_programme(target) | headers | {"json": body(target)}

    return knock


def _form(fields: Callable[[Target], dict[str, str]]) -> Knock:
    return lambda target: {"data": fields(target)}


def _session_form(target: Target) -> dict[str, str]:
    return SESSION_FORM | ({"vendor": target.vendor} if target.vendor else {})


def _person_form(target: Target) -> dict[str, str]:
    return {"auditor": target.auditor, "name": "Qa", **STALE_FORM}


@dataclass(frozen=True)
class Door:
    """A route: how to call it about a target, whom it opens for, and what it answers them with."""

    app: str
    method: str
    path: str
    opens_for: frozenset[Role]
    knock: Knock = _of_programme
    success: int = 200
    state: str = "scoring"
    """Of the calibration session that it is called about."""
    spends: bool = False
    """Whether the thing it was called about cannot be used so again."""
    appeal: str | None = None
    """The state in which the appeal has to be that it is called about; it spends it."""
    held: bool = False
    """Whether the coaching session that it is called about was held."""
    page: bool = False
    """Whether people look at it: a browser without a token is sent to the sign-in page."""
    form: bool = False
    """Whether a form of a page is sent to it: it answers people, and takes nothing that is not from our own pages."""

    def __str__(self) -> str:
        return f"{self.app}: {self.method} {self.path}"

    @property
    def named(self) -> frozenset[str]:
        """What its address names beside the programme, such as `case_id`."""
        return frozenset(name for _, name, _, _ in Formatter().parse(self.path) if name) - {"programme"}

    async def call(self, world: World, actor: Actor, target: Target, **more: Any) -> httpx.Response:
        """Knock as an actor, about a target."""
        names = vars(target) | {"session_id": target.sessions[self.state], "number": 2}
        if self.app == "rca":
            names |= {"endpoint_id": target.rca_endpoint_id, "delivery_id": target.rca_delivery_id}
        if self.held:
            names["coaching_id"] = target.held_coaching_id
        path = self.path.format(**names)
        asked = {**self.knock(target), **more}
        if self.form:
            asked["data"] = {**asked["data"], "form_token": _form_token(world.apps[self.app])}
            asked["headers"] = {"Sec-Fetch-Site": "same-origin", "Cookie": f"{FORM_COOKIE}={_BROWSER}"}
        return await world.client(self.app, actor).request(self.method, path, **asked)


def _form_token(app: FastAPI) -> str:
    """What a page would have given to a browser whose caller has no session cookie, but a token in the header."""
    scope = {"type": "http", "app": app, "headers": [(b"cookie", f"{FORM_COOKIE}={_BROWSER}".encode())]}
    return FormToken(Request(scope)).value


SESSION = "/v1/calibration-sessions/{session_id}"
ITEM = f"{SESSION}/items/{{number}}"
DOORS = (
    Door("audit", "GET", "/v1/programmes", EVERYBODY, _nothing),
    Door("audit", "GET", "/v1/programmes/{programme}", EVERYBODY, _nothing),
    Door("audit", "GET", "/v1/programmes/{programme}/versions", EVERYBODY, _nothing),
    Door(
        "audit",
        "PUT",
        "/v1/programmes/{programme}",
        frozenset({Role.ADMIN}),
        lambda target: {"json": world_document(target.programme), "headers": {"If-Match": "*"}},
    ),
    Door("audit", "POST", "/v1/audit-batches", RECORDERS, _with(lambda target: [target.row()]), 201),
    Door("audit", "GET", "/v1/audit-batches/{batch_id}", BATCH_READERS),
    Door("audit", "GET", "/v1/audit-batches/{batch_id}/rows", BATCH_READERS),
    Door("audit", "POST", "/v1/sampling-plans", MANAGERS, _with(_new_plan), 201),
    Door("audit", "GET", "/v1/sampling-plans", CLIENT),
    Door("audit", "POST", "/v1/sampling-plan-previews", MANAGERS, _with(_new_plan)),
    Door("audit", "GET", "/v1/sampling-plans/{plan_id}", CLIENT),
    Door("audit", "PUT", "/v1/sampling-plans/{plan_id}", MANAGERS, _with(_new_plan, "*")),
    Door("audit", "GET", "/v1/sampling-plans/{plan_id}/versions", CLIENT),
    Door("audit", "POST", "/v1/sampling-plans/{plan_id}/publication", MANAGERS, _moving, spends=True),
    Door("audit", "POST", "/v1/sampling-plans/{plan_id}/retirement", MANAGERS, _moving, spends=True),
    Door("audit", "GET", "/v1/draws", EVERYBODY),
    Door("audit", "GET", "/v1/draws/{draw_id}", EVERYBODY),
    Door("audit", "GET", "/v1/draws/{draw_id}/strata", EVERYBODY),
    Door("audit", "GET", "/v1/draws/{draw_id}/receipt", RECEIPT_READERS, _receipt),
    Door("audit", "POST", "/v1/draws/{draw_id}/drawing", MANAGERS),
    Door("audit", "POST", "/v1/decision-batches", MANAGERS | {Role.VENDOR_SYSTEM}, _decisions, 201),
    Door("audit", "GET", "/v1/decision-batches/{decision_batch_id}", DECISION_READERS),
    Door("audit", "GET", "/v1/decision-sources", DECISION_READERS, _of_vendor),
    Door("audit", "GET", "/v1/decision-sources/{source}", DECISION_READERS, _of_vendor),
    Door("audit", "GET", "/v1/lots", RECEIPT_READERS),
    Door("audit", "GET", "/v1/lots/curve", RECEIPT_READERS, lambda _target: {"params": {"lot_size": 500, "aql": 1.5}}),
    Door("audit", "GET", "/v1/exposure", REVISERS),
    Door("audit", "GET", "/v1/exposure/summary", MANAGERS),
    Door("audit", "GET", "/v1/exposure/opt-outs", REVISERS),
    Door("audit", "PUT", "/v1/exposure/opt-outs", REVISERS, _with(lambda _target: {"policies": []})),
    Door("audit", "PUT", "/v1/exposure/break", REVISERS, _with(lambda _target: {"minutes": 1})),
    Door("audit", "GET", "/v1/auditors", MANAGERS),
    Door("audit", "GET", "/v1/auditors/{auditor}", REVISERS),
    Door("audit", "PUT", "/v1/auditors/{auditor}", MANAGERS, _with(lambda _target: {"name": "Qa"}, "*")),
    Door("audit", "POST", "/v1/sample-item-claims", REVISERS, _with(lambda _target: {})),
    Door("audit", "GET", "/v1/sample-items", REVISERS),
    Door("audit", "GET", "/v1/sample-items/{item_id}", REVISERS),
    Door(
        "audit",
        "POST",
        "/v1/sample-items/{item_id}/audit",
        REVISERS,
        _with(lambda _target: {"judgement": judgement("So")}),
        spends=True,
    ),
    Door("audit", "POST", "/v1/sample-items/{item_id}/renewal", REVISERS, _moving),
    Door(
        "audit",
        "POST",
        "/v1/sample-items/{item_id}/hand-back",
        REVISERS,
        _with(lambda _target: {"reason": "other"}, "*"),
        spends=True,
    ),
    Door("audit", "POST", "/v1/staffing-plans", MANAGERS, _with(lambda _target: STAFFED_WEEK), 201),
    Door("audit", "GET", "/v1/staffing-plans", REVISERS),
    Door("audit", "GET", "/v1/staffing-plans/{staffing_id}", REVISERS),
    Door("audit", "POST", "/v1/audits", RECORDERS, _with(lambda target: target.row()), 201),
    Door("audit", "GET", "/v1/audits", AUDIT_READERS, _of_vendor),
    Door("audit", "GET", "/v1/audits/{audit_id}", AUDIT_READERS),
    Door("audit", "GET", "/v1/audits/{audit_id}/revisions", AUDIT_READERS),
    Door(
        "audit",
        "POST",
        "/v1/audits/{audit_id}/revisions",
        REVISERS,
        _with(lambda _: {"judgement": judgement("Again"), "reason": "Seen again"}, "*"),
        201,
    ),
    Door("audit", "POST", "/v1/audits/{audit_id}/erasure", MANAGERS, _with(lambda _: {"reason": "Asked for"}, "*"), spends=True),
    Door("audit", "POST", "/v1/calibration-sessions", MANAGERS, _with(_new_session), 201),
    Door("audit", "GET", "/v1/calibration-sessions", CALIBRATORS),
    Door("audit", "GET", f"{SESSION}", CALIBRATORS),
    Door("audit", "PUT", f"{SESSION}", MANAGERS, _with(_new_session, "*"), state="draft"),
    Door("audit", "POST", f"{SESSION}/items", MANAGERS, _with(lambda _: {"items": [{"content_ref": "x"}]}), 201, state="draft"),
    Door("audit", "GET", f"{SESSION}/items", CALIBRATORS),
    Door("audit", "POST", f"{SESSION}/opening", MANAGERS, _moving, state="draft", spends=True),
    Door("audit", "PUT", f"{ITEM}/rating", RATERS, _with(lambda _: {"value": "keep"})),
    Door("audit", "DELETE", f"{ITEM}/rating", RATERS, success=204),
    Door("audit", "GET", f"{ITEM}/past-ratings", CALIBRATORS),
    Door("audit", "POST", f"{SESSION}/rating-batches", RATERS, _ndjson),
    Door("audit", "GET", f"{SESSION}/progress", RATERS),
    Door("audit", "POST", f"{SESSION}/review", MANAGERS, _moving, spends=True),
    Door("audit", "PUT", f"{ITEM}/benchmark", MANAGERS, _benchmark, state="review"),
    Door(
        "audit",
        "POST",
        f"{SESSION}/conclusion",
        MANAGERS,
        _conclusion,
        state="review",
        spends=True,
    ),
    Door("audit", "PUT", f"{ITEM}/golden", MANAGERS, state="concluded"),
    Door("audit", "DELETE", f"{ITEM}/golden", MANAGERS, success=204, state="concluded"),
    Door("audit", "GET", "/v1/precedents", RATERS),
    Door("audit", "GET", "/v1/golden-results", MANAGERS),
    Door("audit", "POST", "/v1/appeals", POCS, _with(lambda target: appeal_of(target.audit_id)), 201, spends=True),
    Door("audit", "GET", "/v1/appeals", AUDIT_READERS, _of_vendor),
    Door("audit", "GET", "/v1/appeals/{appeal_id}", AUDIT_READERS),
    Door("audit", "GET", "/v1/appeals/{appeal_id}/history", AUDIT_READERS),
    Door("audit", "POST", "/v1/appeal-batches", POCS, _with(lambda target: [appeal_of(target.audit_id)]), 201),
    Door("audit", "POST", "/v1/appeal-claims", ADJUDICATORS, appeal="submitted"),
    Door("audit", "POST", "/v1/appeals/{appeal_id}/decision", ADJUDICATORS, _with(lambda _: UPHELD, "*"), appeal="in_review"),
    Door("audit", "POST", "/v1/appeals/{appeal_id}/release", ADJUDICATORS, _with(lambda _: NOTE, "*"), appeal="in_review"),
    Door("audit", "POST", "/v1/appeals/{appeal_id}/withdrawal", POCS, _with(lambda _: NOTE, "*"), appeal="submitted"),
    Door("audit", "POST", "/v1/appeals/{appeal_id}/escalation", POCS, _with(lambda _: NOTE, "*"), appeal="upheld"),
    Door("audit", "POST", "/v1/appeals/{appeal_id}/acknowledgement", POCS, _with(lambda _: None, "*"), appeal="upheld"),
    Door("audit", "POST", "/v1/webhook-endpoints", COUNTERPARTS, _with(lambda _: ENDPOINT), 201),
    Door("audit", "GET", "/v1/webhook-endpoints", COUNTERPARTS),
    Door("audit", "GET", "/v1/webhook-endpoints/{endpoint_id}", COUNTERPARTS),
    Door("audit", "PUT", "/v1/webhook-endpoints/{endpoint_id}", COUNTERPARTS, _with(lambda _: ENDPOINT, "*")),
    Door("audit", "DELETE", "/v1/webhook-endpoints/{endpoint_id}", COUNTERPARTS, _moving, 204, spends=True),
    Door(
        "audit",
        "POST",
        "/v1/webhook-endpoints/{endpoint_id}/secret",
        frozenset({Role.VENDOR_POC}),  # for a vendor's endpoint; the client's managers replace those of the client's own
        _moving,
    ),
    Door("audit", "POST", "/v1/webhook-endpoints/{endpoint_id}/test", COUNTERPARTS, success=202),
    Door("audit", "GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries", COUNTERPARTS),
    Door("audit", "POST", "/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/replay", COUNTERPARTS, success=202),
    Door("audit", "GET", "/v1/changes", AUDIT_READERS),
    Door("rca", "POST", "/v1/cases", MANAGERS, _with(lambda target: {"vendor": target.vendor, "title": "New"}), 201),
    Door("rca", "GET", "/v1/cases", CASE_READERS, _of_vendor),
    Door("rca", "GET", "/v1/cases/{case_id}", CASE_READERS),
    Door("rca", "PATCH", "/v1/cases/{case_id}", MANAGERS, _with(lambda _: {"priority": "high"}, "*")),
    Door("rca", "GET", "/v1/cases/{case_id}/steps", CASE_READERS),
    Door("rca", "POST", "/v1/cases/{case_id}/steps", MANAGERS, _with(lambda _: {"step": "analyse"}, "*"), spends=True),
    Door(
        "rca",
        "POST",
        "/v1/cases/{case_id}/closure",
        MANAGERS,
        _with(lambda _: {"conclusion": "Done", "override": "Enough"}, "*"),
        spends=True,
    ),
    Door("rca", "GET", "/v1/cases/{case_id}/evidence", CASE_READERS),
    Door("rca", "POST", "/v1/cases/{case_id}/evidence", MANAGERS, _moving, 202),
    Door("rca", "GET", "/v1/cases/{case_id}/links", CASE_READERS),
    Door("rca", "POST", "/v1/cases/{case_id}/links", MANAGERS, _with(lambda target: {"to": target.other_case_id}), 201),
    Door("rca", "DELETE", "/v1/cases/{case_id}/links/{link_id}", MANAGERS, success=204),
    Door("rca", "GET", "/v1/cases/{case_id}/whys", CASE_READERS),
    Door("rca", "POST", "/v1/cases/{case_id}/whys", SPEAKERS, _with(lambda _: {"text": "Because"}), 201),
    Door("rca", "PATCH", "/v1/cases/{case_id}/whys/{why_id}", SPEAKERS, _with(lambda _: {"struck": False}, "*")),
    Door("rca", "GET", "/v1/cases/{case_id}/causes", CASE_READERS),
    Door("rca", "POST", "/v1/cases/{case_id}/causes", SPEAKERS, _with(lambda _: {"code": "other"}), 201),
    Door("rca", "PATCH", "/v1/cases/{case_id}/causes/{cause_id}", SPEAKERS, _with(lambda _: {"share": 0.1}, "*")),
    Door(
        "rca",
        "POST",
        "/v1/cases/{case_id}/causes/{cause_id}/decision",
        MANAGERS,
        _with(lambda _: {"outcome": "rejected", "reason": "No"}, "*"),
        spends=True,
    ),
    Door("rca", "GET", "/v1/cases/{case_id}/messages", CASE_READERS),
    Door("rca", "POST", "/v1/cases/{case_id}/messages", SPEAKERS, _with(lambda _: {"text": "Hello"}), 201),
    Door("rca", "GET", "/v1/cases/{case_id}/plan", CASE_READERS),
    Door("rca", "GET", "/v1/cases/{case_id}/plan/versions", CASE_READERS),
    Door("rca", "PUT", "/v1/cases/{case_id}/plan", MANAGERS, _with(lambda _: EFFECT | {"scope": {}}, "*")),
    Door("rca", "POST", "/v1/cases/{case_id}/plan/extensions", MANAGERS, _with(lambda _: LATER, "*"), spends=True),
    Door("rca", "POST", "/v1/cases/{case_id}/actions", MANAGERS, _with(an_action), 201),
    Door("rca", "GET", "/v1/actions", CASE_READERS),
    Door("rca", "GET", "/v1/actions/{action_id}", CASE_READERS),
    Door("rca", "PATCH", "/v1/actions/{action_id}", MANAGERS, _with(lambda _: {"due_at": SOON}, "*")),
    Door("rca", "POST", "/v1/actions/{action_id}/steps", COUNTERPARTS, _with(lambda _: {"step": "start"}, "*"), spends=True),
    Door("rca", "GET", "/v1/notices", CASE_READERS),
    Door("rca", "GET", "/v1/notices/{notice_id}", CASE_READERS),
    Door("rca", "POST", "/v1/coaching-sessions", COUNTERPARTS, _with(a_session), 201),
    Door("rca", "GET", "/v1/coaching-sessions", CASE_READERS),
    Door("rca", "GET", "/v1/coaching-sessions/{coaching_id}", CASE_READERS),
    Door(
        "rca",
        "POST",
        "/v1/coaching-sessions/{coaching_id}/notes",
        CLIENT,  # where they are who coaches
        _with(lambda _: {"notes": "So"}, "*"),
        spends=True,
    ),
    Door(
        "rca",
        "POST",
        "/v1/coaching-sessions/{coaching_id}/answer",
        POCS,  # for a person of the vendor who does not sign in
        _with(lambda _: {"agreed": True}, "*"),
        spends=True,
        held=True,
    ),
    Door(
        "rca",
        "POST",
        "/v1/coaching-sessions/{coaching_id}/cancellation",
        CLIENT,
        _with(lambda _: {"reason": "Ill"}, "*"),
        spends=True,
    ),
    Door("rca", "POST", "/v1/objectives", MANAGERS, _with(an_objective), 201),
    Door("rca", "GET", "/v1/objectives", NUMBER_READERS),
    Door("rca", "GET", "/v1/objectives/{objective_id}", NUMBER_READERS),
    Door("rca", "POST", "/v1/objectives/{objective_id}/end", MANAGERS, _with(lambda _: None, "*"), spends=True),
    Door("rca", "POST", "/v1/webhook-endpoints", COUNTERPARTS, _with(lambda _: RCA_ENDPOINT), 201),
    Door("rca", "GET", "/v1/webhook-endpoints", COUNTERPARTS),
    Door("rca", "GET", "/v1/webhook-endpoints/{endpoint_id}", COUNTERPARTS),
    Door("rca", "PUT", "/v1/webhook-endpoints/{endpoint_id}", COUNTERPARTS, _with(lambda _: RCA_ENDPOINT, "*")),
    Door("rca", "DELETE", "/v1/webhook-endpoints/{endpoint_id}", COUNTERPARTS, _moving, 204, spends=True),
    Door("rca", "POST", "/v1/webhook-endpoints/{endpoint_id}/secret", POCS, _moving),
    Door("rca", "POST", "/v1/webhook-endpoints/{endpoint_id}/test", COUNTERPARTS, success=202),
    Door("rca", "GET", "/v1/webhook-endpoints/{endpoint_id}/deliveries", COUNTERPARTS),
    Door("rca", "POST", "/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/replay", COUNTERPARTS, success=202),
    Door("rca", "GET", "/v1/changes", CASE_READERS),
    Door("rca", "GET", "/programmes/{programme}/cases", CASE_READERS, _vendor_alone, page=True),
    Door("rca", "POST", "/programmes/{programme}/cases", MANAGERS, _form(lambda _: {"title": "New"}), 303, form=True),
    Door("rca", "GET", CASE_PAGE, CASE_READERS, _nothing, page=True),
    Door("rca", "POST", f"{CASE_PAGE}/actions", MANAGERS, _form(lambda _: ACTION_FORM), 303, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/actions/{{action_id}}/steps", SPEAKERS, _form(lambda _: START_FORM), 412, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/plan", MANAGERS, _form(lambda _: STALE_FORM), 422, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/plan/extensions", MANAGERS, _form(lambda _: EXTENSION_FORM), 412, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/actions/{{action_id}}/changes", MANAGERS, _form(lambda _: OWNER_FORM), 412, form=True),
    Door("rca", "GET", "/programmes/{programme}/actions", CASE_READERS, _nothing, page=True),
    Door(
        "rca",
        "POST",
        "/programmes/{programme}/actions/{action_id}/changes",
        MANAGERS,
        _form(lambda _: OWNER_FORM),
        412,
        form=True,
    ),
    Door(
        "rca", "POST", "/programmes/{programme}/actions/{action_id}/steps", SPEAKERS, _form(lambda _: START_FORM), 412, form=True
    ),
    Door(
        "rca",
        "POST",
        "/programmes/{programme}/actions/coaching/{coaching_id}/answer",
        CLIENT | POCS,
        _form(lambda _: {"agreed": "true", **STALE_FORM}),
        412,
        form=True,
    ),
    Door("rca", "POST", f"{CASE_PAGE}/changes", MANAGERS, _form(lambda _: CHANGE_FORM), 412, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/participants", MANAGERS, _form(lambda _: {"subject": "x", **STALE_FORM}), 412, form=True),
    Door(
        "rca",
        "POST",
        f"{CASE_PAGE}/participants/removal",
        MANAGERS,
        _form(lambda _: {"subject": "x", **STALE_FORM}),
        412,
        form=True,
    ),
    Door("rca", "POST", f"{CASE_PAGE}/links", MANAGERS, _form(lambda _: {"kind": "related"}), 422, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/links/{{link_id}}/removal", MANAGERS, _form(lambda _: {}), 303, form=True),
    Door("audit", "GET", "/programmes/{programme}/sampling", EVERYBODY, _nothing, page=True),
    Door("audit", "GET", "/programmes/{programme}/sampling/draws/{draw_id}", EVERYBODY, _nothing, page=True),
    Door("audit", "POST", f"{SAMPLING}/previews", MANAGERS, _form(lambda _: PLAN_FORM), form=True),
    Door("audit", "POST", f"{SAMPLING}/plans", MANAGERS, _form(lambda _: PLAN_FORM), 303, form=True),
    Door(
        "audit",
        "POST",
        f"{SAMPLING}/plans/{{plan_id}}/changes",
        MANAGERS,
        _form(lambda _: PLAN_FORM | STALE_FORM),
        412,
        form=True,
    ),
    Door("audit", "POST", f"{SAMPLING}/plans/{{plan_id}}/publication", MANAGERS, _form(lambda _: STALE_FORM), 412, form=True),
    Door("audit", "POST", f"{SAMPLING}/plans/{{plan_id}}/retirement", MANAGERS, _form(lambda _: STALE_FORM), 412, form=True),
    Door("audit", "GET", AUDITORS, MANAGERS, _nothing, page=True),
    Door("audit", "GET", f"{AUDITORS}/plans/{{staffing_id}}", MANAGERS, _nothing, page=True),
    Door("audit", "POST", f"{AUDITORS}/people", MANAGERS, _form(_person_form), 412, form=True),
    Door("audit", "POST", f"{AUDITORS}/plans", MANAGERS, _form(lambda _: STAFFED_WEEK), 303, form=True),
    Door("audit", "GET", WORK, REVISERS, _nothing, page=True),
    Door("audit", "POST", f"{WORK}/claim", REVISERS, _form(lambda _: {}), 303, form=True),
    Door("audit", "POST", f"{WORK}/{{item_id}}/audit", REVISERS, _form(lambda _: {"comment": "So"}), 422, form=True),
    Door("audit", "POST", f"{WORK}/{{item_id}}/renewal", REVISERS, _form(lambda _: STALE_FORM), 412, form=True),
    Door("audit", "POST", f"{WORK}/{{item_id}}/hand-back", REVISERS, _form(lambda _: BACK_FORM), 412, form=True),
    Door("audit", "POST", f"{WORK}/break", REVISERS, _form(lambda _: {"minutes": "5"}), 303, form=True),
    Door("audit", "POST", f"{WORK}/opt-outs", REVISERS, _form(lambda _: {}), 303, form=True),
    Door("rca", "GET", PEOPLE, CASE_READERS, _nothing, page=True),
    Door("rca", "POST", f"{PEOPLE}/coaching", COUNTERPARTS, _form(_session_form), 303, form=True),
    Door(
        "rca",
        "POST",
        f"{PEOPLE}/coaching/{{coaching_id}}/notes",
        CLIENT | POCS,
        _form(lambda _: {"notes": "So", **STALE_FORM}),
        412,
        form=True,
    ),
    Door(
        "rca",
        "POST",
        f"{PEOPLE}/coaching/{{coaching_id}}/answer",
        CLIENT | POCS,
        _form(lambda _: {"agreed": "true", **STALE_FORM}),
        412,
        form=True,
    ),
    Door(
        "rca",
        "POST",
        f"{PEOPLE}/coaching/{{coaching_id}}/cancellation",
        CLIENT | POCS,
        _form(lambda _: {"reason": "Ill", **STALE_FORM}),
        412,
        form=True,
    ),
    Door("rca", "POST", f"{PEOPLE}/objectives", MANAGERS, _form(lambda _: OBJECTIVE_FORM), 303, form=True),
    Door("rca", "POST", f"{PEOPLE}/objectives/{{objective_id}}/end", MANAGERS, _form(lambda _: STALE_FORM), 412, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/steps", MANAGERS, _form(lambda _: STEP_FORM), 412, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/closure", MANAGERS, _form(lambda _: CLOSURE_FORM), 412, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/evidence", MANAGERS, _form(lambda _: STALE_FORM), 412, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/messages", SPEAKERS, _form(lambda _: {"text": "Hello"}), 303, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/whys", SPEAKERS, _form(lambda _: {"text": "So"}), 303, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/whys/{{why_id}}", SPEAKERS, _form(lambda _: {"text": "So", **STALE_FORM}), 412, form=True),
    Door("rca", "POST", f"{CASE_PAGE}/causes", SPEAKERS, _form(lambda _: {"code": "workload"}), 303, form=True),
    Door(
        "rca", "POST", f"{CASE_PAGE}/causes/{{cause_id}}", SPEAKERS, _form(lambda _: {"share": "5", **STALE_FORM}), 412, form=True
    ),
    Door(
        "rca",
        "POST",
        f"{CASE_PAGE}/causes/{{cause_id}}/decision",
        MANAGERS,
        _form(lambda _: {"outcome": "accepted", **STALE_FORM}),
        412,
        form=True,
    ),
    Door("reporting", "GET", "/v1/metrics", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/metrics/definitions", NUMBER_READERS, _nothing),
    Door("reporting", "GET", "/v1/reports/quality-summary", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/reports/top-error-trends", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/reports/appeals", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/reports/calibration", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/reports/rca", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/reports/coverage", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/reports/weekly-summary", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/reports/calibration", NUMBER_READERS, _of_session),
    Door("reporting", "GET", "/v1/decomposition", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/effect", NUMBER_READERS, _planned),
    Door("reporting", "GET", "/v1/charts/decomposition", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/charts/effect", NUMBER_READERS, _planned),
    Door("reporting", "GET", "/v1/charts/accuracy-over-time", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/charts/error-pareto", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/charts/appeals-over-time", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/charts/coverage-over-time", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/charts/overturn-rate-over-time", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/charts/cases-by-age", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/charts/signal", NUMBER_READERS, _of_signal),
    Door("reporting", "GET", "/v1/signals", NUMBER_READERS, _of_vendor),
    Door("reporting", "GET", "/v1/signals/{signal_id}", NUMBER_READERS),
    Door("reporting", "GET", "/v1/changes", NUMBER_READERS),
    Door("reporting", "GET", "/", PAGE_READERS, _nothing, 303, page=True),
    Door("reporting", "GET", "/programmes/{programme}", NUMBER_READERS, _vendor_alone, page=True),
    Door("reporting", "GET", "/programmes/{programme}/calibration", NUMBER_READERS, _vendor_alone, page=True),
    Door("reporting", "GET", "/programmes/{programme}/calibration", NUMBER_READERS, _session_alone, page=True),
    Door("reporting", "GET", "/programmes/{programme}/appeals", NUMBER_READERS, _vendor_alone, page=True),
    Door("reporting", "GET", "/programmes/{programme}/coverage", NUMBER_READERS, _vendor_alone, page=True),
    Door("reporting", "GET", "/definitions", PAGE_READERS, _nothing, page=True),
    Door("reporting", "GET", "/v1/projections", EVERYBODY),
    Door("reporting", "GET", "/v1/projections", EVERYBODY, _nothing),
)

OPEN = frozenset(
    {
        *(("GET", path) for path in ("/livez", "/readyz", "/version", "/metrics", "/openapi.json")),
        *(("GET", "/sign-in"), ("POST", "/sign-in"), ("POST", "/sign-out")),
        *(("GET", path) for path in ("/problems", "/problems/{slug}", "/static/{name}")),
    }
)
"""Routes that need no token, because nothing of anybody's is behind them."""


def routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    """Method and path of every route of an app, those outside its OpenAPI document included."""
    yield from _routes(app.router)


def _routes(router: APIRouter) -> Iterator[tuple[str, str]]:
    for route in router.routes:
        if isinstance(route, Route):
            yield from ((method, route.path_format) for method in route.methods or () if method != "HEAD")
        elif isinstance(route, Mount):
            yield "MOUNT", route.path
        elif not isinstance(route, Shortcut):
            yield from _routes(route.original_router)  # type: ignore[attr-defined] # FastAPI's included routers


def unique_key() -> dict[str, str]:
    """An idempotency key that nobody has used."""
    return {"Idempotency-Key": str(uuid4())}
