"""The form about a sampling plan: what it brings, read as a plan, and a plan as it stands in the form."""

from collections.abc import Iterator, Mapping
from typing import Any

from tallystick.schemas.base import Wire
from tallystick.schemas.programme import Programme
from tallystick.schemas.sampling import (
    AcceptanceAllocation,
    FixedAllocation,
    NewSamplingPlan,
    NeymanAllocation,
    PowerAllocation,
    PrecisionAllocation,
    ProportionalAllocation,
)
from tallystick.service.pages.forms import Fields, Form, decimal, share, typed, written

_KINDS: dict[str, type[Wire]] = {
    "fixed": FixedAllocation,
    "proportional": ProportionalAllocation,
    "neyman": NeymanAllocation,
    "precision": PrecisionAllocation,
    "power": PowerAllocation,
    "acceptance": AcceptanceAllocation,
}
_NAMED = {"power": "allocation_power_power"}
"""The fields that are not named as what they are: what is wrong with any number of the kind `power` is wrong at `power`."""
_SUGGESTED = {"half_width": 0.05, "difference": 0.1, "aql": 1.0}
"""Numbers of allocations that have to be said."""
_READ = dict.fromkeys(("half_width", "confidence", "difference", "power", "expected_error_rate"), share) | {"aql": decimal}
"""How those that are no whole numbers are read."""
_AS_TYPED = (
    *("title", "period", "starts_on", "ends_on", "settle_hours"),
    *("minimum_per_stratum", "minimum_per_moderator", "due_days", "priority"),
)
_SCOPES = ("vendor", "site", "queue", "market", "language", "policy", "action")
"""What a plan can be narrowed to that the programme has words for."""


def read_plan(fields: Fields) -> NewSamplingPlan:
    """The plan that a form says. What was left empty has its default."""
    budget = {"audits": fields.get("budget_audits"), "hours": typed(decimal, fields.get("budget_hours"))}
    scope = {name: fields.all(name) for name in _SCOPES} | {"risk": fields.listed("risk")}
    return written(
        NewSamplingPlan,
        **{name: fields.get(name) for name in _AS_TYPED},
        scope=_given({**scope, "automated_decision": fields.get("automated_decision")}),
        strata=fields.all("strata"),
        allocation=_allocation(fields),
        budget=_given(budget),
        minutes_per_audit=typed(decimal, fields.get("minutes_per_audit")),
    )


def _allocation(fields: Fields) -> dict[str, Any]:
    """The numbers that the chosen kind has; those of other kinds may stand in the form as well."""
    kind = fields.get("kind")
    names = _KINDS[kind].model_fields.keys() - {"kind"} if kind in _KINDS else ()
    told = {name: fields.get(_NAMED.get(name, name)) for name in names}
    return _given({"kind": kind, **{name: typed(_READ[name], text) if name in _READ else text for name, text in told.items()}})


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value is not None}


def filled_in(plan: NewSamplingPlan | None) -> Fields:
    """What stands in the form about a plan, or, without one, about a new one: what it is unless something else is said."""
    numbers = _SUGGESTED.copy()
    for kind in _KINDS.values():
        numbers |= _defaults(kind)
    values = _defaults(NewSamplingPlan)
    if plan is not None:
        numbers |= dict(plan.allocation)
        values |= {name: getattr(plan, name) for name in NewSamplingPlan.model_fields}
    scope, budget = dict(values["scope"]), dict(values["budget"])
    risks = ", ".join(scope.pop("risk"))
    texts = (
        *_texts({name: values.get(name) for name in (*_AS_TYPED, "strata", "minutes_per_audit")}),
        *_texts({**scope, "risk": risks or None}),
        *((_NAMED.get(name, name), text) for name, text in _texts(numbers)),
        *((f"budget_{name}", text) for name, text in _texts(budget)),
    )
    return Fields(texts)


def _defaults(model: type[Wire]) -> dict[str, Any]:
    fields = model.model_fields.items()
    return {
        name: each.get_default(call_default_factory=True) for name, each in fields if name != "kind" and not each.is_required()
    }


def _texts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        for each in value if isinstance(value, tuple) else (value,):
            if each is not None:
                yield name, _text(name, each)


def _text(name: str, value: object) -> str:
    """As it would be typed."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float) and _READ.get(name) is share:
        return f"{value * 100:.12g}"
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def scopes(document: Programme, form: Form) -> list[tuple[str, str, list[tuple[str, str]]]]:
    """What a plan can be narrowed to: name, label, choices. What the form says and nobody knows any more is among them."""
    sites = sorted({site for each in document.vendors for site in each.sites})
    known: dict[str, dict[str, str]] = {
        "vendor": {each.slug: each.name for each in document.vendors},
        "site": {each: each for each in sites},
        "queue": {each: each for each in document.queues},
        "market": {each: each for each in document.markets},
        "language": {each: each for each in document.languages},
        "policy": {each.code: each.name for each in document.policy_set.policies},
        "action": {each: each for each in document.policy_set.actions},
    }
    return [(name, name.capitalize(), choices(known[name], form.values(name))) for name in _SCOPES]


def choices(known: Mapping[str, str], chosen: list[str]) -> list[tuple[str, str]]:
    """What can be chosen: words that are known, and those that are chosen although nobody knows them any more."""
    return [*known.items(), *((each, f"{each} (not known)") for each in chosen if each not in known)]
