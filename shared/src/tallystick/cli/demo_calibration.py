"""The demonstration's calibration: client and vendors judge the same items blind, and one rater reads a clause otherwise."""

import random
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TypeVar
from uuid import UUID

from tallystick.cli.demo_cast import Cast
from tallystick.client import Tallystick
from tallystick.sample import DISPUTED_CODE
from tallystick.schemas.audit import Audit
from tallystick.schemas.calibration import Benchmark, CalibrationSession, Level, NewItem, NewSession, NumberedRating, Rater, Scale
from tallystick.schemas.principal import Role

DIVIDED_RATER = "eastgale-qa"
"""Who does not remove harassment that looks like banter."""
_RATERS = (
    Rater(subject="qa-01"),
    Rater(subject="qa-02"),
    Rater(subject="qa-03"),
    Rater(subject="northwind-qa", vendor="northwind"),
    Rater(subject=DIVIDED_RATER, vendor="eastgale"),
)
_ACTIONS = ("keep", "restrict", "remove")
_OVERTURNED, _UPHELD, _OTHERS = 12, 4, 6
"""How many items are of audits that were overturned and upheld on appeal, and of how many each of spam and of no violation."""
_SLIPS, _DIVIDED = 0.07, 0.7
"""How often a rater errs at all, and how often the divided one restricts what ought to be removed."""
_SEED = 7
_Found = TypeVar("_Found")


async def tell_calibration(cast: Cast) -> CalibrationSession:
    """Draft, rate blind, lay open, agree on benchmarks, conclude, and hide one item in everyday work."""
    slug = cast.programme
    async with cast.manager() as manager:
        audits = [
            *await _appealed(manager, slug, "overturned", _OVERTURNED),
            *await _appealed(manager, slug, "upheld", _UPHELD),
            *await _right(manager, slug, "spam", _OTHERS),
            *await _right(manager, slug, "no_violation", _OTHERS),
        ]
        truth = {number: audit.benchmark_action or audit.action for number, audit in enumerate(audits, 1)}
        repeated = (1, 2)
        truth |= {len(audits) + place: truth[number] for place, number in enumerate(repeated, 1)}
        drafted = await manager.calibration.draft(slug, _session())
        items = [NewItem(audit_id=audit.id) for audit in audits]
        await manager.calibration.add_items(slug, drafted.id, items)
        await manager.calibration.add_items(slug, drafted.id, [NewItem(repeat_of=number) for number in repeated])
        draft = await manager.calibration.read(slug, drafted.id)
        await manager.calibration.open(slug, draft.id, revision=draft.revision)
        for rater in _RATERS:
            await _rate(cast, draft.id, rater, truth)
        return await _conclude(manager, slug, draft.id, truth)


def _session() -> NewSession:
    return NewSession(
        title="Banter or harassment",
        question="Which action does the policy ask for, with the whole thread in view?",
        scale=Scale(level=Level.ORDINAL, categories=_ACTIONS, about="action"),
        raters=_RATERS,
        deadline=datetime.now(UTC) + timedelta(days=3),
    )


async def _appealed(manager: Tallystick, programme: str, state: str, count: int) -> Sequence[Audit]:
    """Audits with the disputed error, by what became of their appeals."""
    found = manager.appeals.list(programme, {"error_code": DISPUTED_CODE, "state": state}, page=count)
    return [await manager.audits.read(programme, appeal.audit_id) for appeal in await _first(found, count)]


async def _right(manager: Tallystick, programme: str, policy: str, count: int) -> Sequence[Audit]:
    """Audits that found nothing wrong."""
    return await _first(manager.audits.list(programme, {"policy": policy, "verdict": "correct"}, page=count), count)


async def _first(found: AsyncIterator[_Found], count: int) -> Sequence[_Found]:
    taken: list[_Found] = []
    async for each in found:
        taken.append(each)
        if len(taken) == count:
            break
    return taken


async def _rate(cast: Cast, session: UUID, rater: Rater, truth: Mapping[int, str]) -> None:
    """Most ratings are right, each rater slips at times, and everybody but the first leaves one item out."""
    chance = random.Random(f"{_SEED} {rater.subject}")  # noqa: S311 - a reproducible sample, no secret
    ratings = [NumberedRating(number=number, value=_choice(chance, rater, right)) for number, right in truth.items()]
    if rater != _RATERS[0]:
        ratings.pop(chance.randrange(len(ratings)))
    role = Role.AUDITOR if rater.vendor is None else Role.VENDOR_POC
    async with cast.client(role, rater.subject, rater.vendor) as client:
        await client.calibration.rate_all(cast.programme, session, ratings)


def _choice(chance: random.Random, rater: Rater, right: str) -> str:
    if rater.subject == DIVIDED_RATER and right == "remove" and chance.random() < _DIVIDED:
        return "restrict"
    return chance.choice([action for action in _ACTIONS if action != right]) if chance.random() < _SLIPS else right


async def _conclude(manager: Tallystick, programme: str, session: UUID, truth: Mapping[int, str]) -> CalibrationSession:
    scoring = await manager.calibration.read(programme, session)
    await manager.calibration.review(programme, session, revision=scoring.revision)
    async for item in manager.calibration.items(programme, session):
        split = len({rating.value for rating in item.ratings}) > 1
        said = "Somebody who asks for it to stop is not bantering, whatever the tone." if split else None
        benchmark = Benchmark(value=truth[item.number], by="consensus" if split else "facilitator", discussion=said)
        await manager.calibration.benchmark(programme, session, item.number, benchmark, revision=item.revision)
    reviewed = await manager.calibration.read(programme, session)
    concluded = await manager.calibration.conclude(
        programme,
        session,
        "Banter ends where the target objects: from there on it is harassment, and removed.",
        revision=reviewed.revision,
    )
    await manager.calibration.hide(programme, session, 1)
    return concluded
