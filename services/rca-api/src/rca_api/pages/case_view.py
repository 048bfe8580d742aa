"""What the page of one case says: its evidence, its tree of whys and its steps, put into words, rows and addresses of charts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, get_args
from urllib.parse import urlencode

from rca_api.evidence.gathering import question
from rca_api.pages import say
from tallystick.schemas.case import Audience, CaseState, CaseStep
from tallystick.schemas.decomposition import Decomposition, RateMeasure, SegmentPart
from tallystick.schemas.evidence import CaseEvidenceKind
from tallystick.schemas.metric import MetricFilter
from tallystick.service.pages import words

CHARTS = "/reporting/v1/charts"
"""Where the gateway shows the charts."""
SEGMENTS_SHOWN = 10
SCOPES = tuple(MetricFilter.model_fields)
RATES = tuple((name, say.measure(name)) for name in get_args(RateMeasure))
"""The rates that a plan can promise to lower."""

_LAST = {CaseStep.OVERRIDE: 1, CaseStep.CANCEL: 2}


@dataclass(frozen=True, slots=True)
class Next:
    """A step that leads on from where a case stands, and what is missing for it."""

    step: CaseStep
    label: str
    text: str
    missing: tuple[str, ...]


def following(case: dict[str, Any], missing: dict[CaseStep, Sequence[str]]) -> tuple[Next, ...]:
    """The steps that are possible, in the order in which they suggest themselves: onwards, back, and out."""
    found = []
    for step, lacks in missing.items():
        label, text = say.STEPS[step]
        if step is CaseStep.ANALYSE and case["state"] not in {CaseState.OPEN, CaseState.REOPENED}:
            label = say.BACK
        found.append(Next(step, label, text, tuple(lacks)))
    return tuple(sorted(found, key=lambda each: (each.label == say.BACK, _LAST.get(each.step, 0))))


@dataclass(frozen=True, slots=True)
class Branch:
    """A why and those that hang from it."""

    why: dict[str, Any]
    below: tuple["Branch", ...]


def tree(whys: Iterable[dict[str, Any]]) -> tuple[Branch, ...]:
    """The whys of a case as a tree."""
    by_parent: dict[Any, list[dict[str, Any]]] = {}
    for why in whys:
        by_parent.setdefault(why["parent"], []).append(why)

    def grown(parent: Any) -> tuple[Branch, ...]:
        return tuple(Branch(why, grown(why["id"])) for why in by_parent.get(parent, ()))

    return grown(None)


def bones(whys: Iterable[dict[str, Any]], causes: Iterable[dict[str, Any]], names: dict[str, str]) -> dict[str, list[str]]:
    """The fishbone: what was said under each category; whys that were struck out and causes that were rejected are not."""
    found: dict[str, list[str]] = {category: [] for category in say.CATEGORIES}
    for why in whys:
        if why["category"] and not why["struck"]:
            found[why["category"]].append(why["text"])
    for cause in causes:
        if cause["state"] != "rejected":
            found[cause["category"]].append(f"{names.get(cause['code'], cause['code'])} ({say.CAUSE_STATES[cause['state']]})")
    return found


@dataclass(frozen=True, slots=True)
class Evidence:
    """What was gathered about a case, as one audience reads it."""

    change: Decomposition | None
    segments: tuple[SegmentPart, ...]
    ranked: str
    """What the segments are."""
    reason: str | None
    examples: tuple[dict[str, Any], ...]
    changes: tuple[dict[str, Any], ...]
    similar: tuple[dict[str, Any], ...]
    gathered_at: Any
    audience: Audience


def evidence(pieces: Sequence[dict[str, Any]], audience: Audience) -> Evidence | None:
    """The evidence of a case for an audience; None as long as there is none."""
    own = {each["kind"]: each for each in pieces if each["audience"] == audience}
    if not own:
        return None

    def items(kind: CaseEvidenceKind) -> tuple[dict[str, Any], ...]:
        piece = own.get(kind)
        return tuple(piece["content"]["items"]) if piece and piece["content"] else ()

    change, together = (_taken_apart(own.get(kind)) for kind in (CaseEvidenceKind.DECOMPOSITION, CaseEvidenceKind.SEGMENTS))
    leading = together or change
    segments: tuple[SegmentPart, ...] = ()
    ranked = ""
    if leading is not None and leading.leading:
        segments, ranked = leading.leading, "The segments that explain the change best, each beyond chance."
    elif leading is not None and leading.cuts:
        segments, ranked = leading.cuts[0].segments, "No segment explains the change beyond chance. These contribute most to it."
    return Evidence(
        change,
        segments[:SEGMENTS_SHOWN],
        ranked,
        next((piece["reason"] for piece in own.values() if piece["reason"]), None),
        items(CaseEvidenceKind.EXAMPLES),
        items(CaseEvidenceKind.CIRCUMSTANCES),
        items(CaseEvidenceKind.SIMILAR),
        max(piece["gathered_at"] for piece in own.values()),
        audience,
    )


def _taken_apart(piece: dict[str, Any] | None) -> Decomposition | None:
    return None if piece is None or piece["content"] is None else Decomposition.model_validate(piece["content"])


def change_says(change: Decomposition) -> str:
    """The change that the evidence takes apart, in a sentence."""
    if change.change is None:
        return change.reason or "There is nothing to compare."
    text = (
        f"{say.measure(change.measure)} went from {words.share(change.before.value)} ({words.of(change.before)})"
        f" to {words.share(change.after.value)} ({words.of(change.after)}): {words.points(change.change)} points"
    )
    if change.interval is not None:
        text += f" ({points(change.interval.low)} to {points(change.interval.high)})"
    return f"{text}." if change.clear else f"{text}. That may be chance."


def circumstances_say(change: Decomposition) -> list[str]:
    """What else was different."""
    found = change.circumstances
    told = []
    if found.volume_change is not None:
        told.append(
            f"Audits: {words.count(found.volume_after)} after {words.count(found.volume_before)} in the baseline,"
            f" {words.points(found.volume_change)}{words.THIN}% a day."
        )
    if found.new_moderators:
        told.append(
            f"{words.count(found.new_moderators)} new moderators among {words.count(found.moderators_after)}:"
            f" {words.share(found.new_moderators_rate.value)} of their audits"
            f" ({words.bounds(found.new_moderators_rate.interval)}),"
            f" {words.share(found.other_moderators_rate.value)} of those of others"
            f" ({words.bounds(found.other_moderators_rate.interval)})."
        )
    elif found.moderators_after:
        told.append("No moderator was new.")
    return told


def points(value: float) -> str:
    """A difference of shares in points, with its sign."""
    return words.points(value)


def last_day(end: date) -> date:
    """The last day of a period that ends before a day."""
    return end - timedelta(days=1)


def changed_parts(item: dict[str, Any]) -> str:
    """Which parts of the programme's document changed."""
    named = ", ".join(part.replace("_", " ") for part in item["parts"])
    versions = f"policy set {item['policy_set']}, error taxonomy {item['error_taxonomy']}"
    return f"{named} (now {versions})"


def decomposition_chart(case: Any, audience: Audience) -> str:
    """Where the chart of the evidence is served: of the same question that the evidence answers."""
    asked = {name: value for name, value in question(case, audience, CaseEvidenceKind.SEGMENTS).items() if value}
    return f"{CHARTS}/decomposition?{urlencode({'programme': case.programme, **asked}, doseq=True)}"


def effect_chart(programme: str, effect: Any) -> str:
    """Where the chart of a plan's effect is served."""
    windows = {
        f"{name}_{end}": getattr(window, attribute).isoformat()
        for name, window in (("baseline", effect.baseline), ("verification", effect.verification))
        for end, attribute in (("from", "from_"), ("to", "to"))
    }
    asked = {"measure": effect.measure, "wanted": effect.wanted, "minimum_sample": effect.minimum_sample, **windows}
    filters = {**effect.scope.given(), **({"control_vendor": effect.control_vendor} if effect.control_vendor else {})}
    return f"{CHARTS}/effect?{urlencode({'programme': programme, **asked, **filters}, doseq=True)}"


def lines(evidence: Iterable[dict[str, Any]]) -> str:
    """Evidence as the field of a form holds it: a reference a line."""
    return "\n".join(
        f"{each['kind']} {each['reference']}" + (f": {each['note']}" if each.get("note") else "") for each in evidence
    )


def percent(value: float | None) -> str:
    """A share as the field of a form holds it, in percent."""
    return "" if value is None else f"{round(value * 100, 4):g}"
