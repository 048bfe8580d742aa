"""The gate: what may be handed to a person now. It is asked where work is handed out, so that no cap is only reported afterwards.

A cap leaves what is light enough: content of policies without harm has no dose, and always fits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, FromClause, case, literal

from audit_api.exposure.ledger import Entry, Standing, latest, monday, read_standing
from tallystick.schemas.decision import Modality
from tallystick.schemas.programme import ExposureRules, Programme
from tallystick.schemas.sampling import NoItem
from tallystick.service.database import ReadSession
from tallystick.service.days import day_of, midnight

_ROUNDING = 1e-9


@dataclass(frozen=True)
class Gate:
    """What may be handed to a person now."""

    closed: NoItem | None
    """Why nothing may."""
    message: str | None
    """A sentence for the person: why nothing may, or why only lighter things."""
    again_at: datetime | None
    """When more may."""
    most: float | None
    """The dose that today and the week have room for; None without caps."""
    full: NoItem | None
    """Which cap that is."""
    full_until: datetime | None
    heavy: bool
    """Whether heavy content may."""
    heavy_from: float
    opted_out: tuple[str, ...]

    def protects(self, items: FromClause, rules: ExposureRules, seconds: int) -> list[ColumnElement[bool]]:
        """The conditions on items of work (`policy`, `harm`, `modality`) that keep what may not be handed out."""
        c = items.c
        conditions: list[ColumnElement[bool]] = []
        if self.opted_out:
            conditions.append(c.policy.not_in(self.opted_out))
        if not self.heavy:
            conditions.append(c.harm < self.heavy_from)
        if self.most is not None:
            weight = case(
                {each.value: getattr(rules.weights, each.value) for each in Modality}, value=c.modality, else_=literal(1)
            )
            conditions.append(c.harm * seconds / 60.0 * weight <= self.most + _ROUNDING)
            if (least := min(1, *rules.weights.model_dump().values())) > 0:
                conditions.append(c.harm <= (self.most + _ROUNDING) / (seconds / 60.0 * least))  # which an index can tell
        return conditions


async def gate(session: ReadSession, programme: Programme, auditor: str, now: datetime) -> Gate:
    """What may be handed to a person now, by their ledger, their breaks and what they have opted out of."""
    rules = programme.exposure
    entries = await latest(session, programme.slug, auditor, now)
    unbroken = _unbroken(entries, rules, now)
    again, reason, message = None, None, None
    standing = await read_standing(session, programme, auditor, now)
    if standing.break_until is not None:
        again, reason, message = standing.break_until, NoItem.ON_A_BREAK, "Enjoy your break: there is nothing that cannot wait."
    elif unbroken and now - unbroken[-1].began_at >= timedelta(minutes=rules.break_after_minutes):
        again = unbroken[0].ended_at + timedelta(minutes=rules.break_minutes)
        reason = NoItem.BREAK_IS_DUE
        message = f"You have worked without a pause for a good while: take {rules.break_minutes} minutes for yourself."
    heavy, heavy_at = _heavy(entries, unbroken, rules, now)
    most, full, full_until = _room(standing, programme, now)
    if reason is None and not heavy:
        again, message = heavy_at, "That was heavy: something lighter comes first."
    return Gate(
        closed=reason,
        message=message,
        again_at=again,
        most=most,
        full=full,
        full_until=full_until,
        heavy=heavy,
        heavy_from=rules.heavy_from,
        opted_out=standing.opted_out,
    )


async def break_due_at(session: ReadSession, programme: Programme, auditor: str, now: datetime) -> datetime | None:
    """When a person's next break is due if they go on as they do; None while they are not at work."""
    entries = _unbroken(await latest(session, programme.slug, auditor, now), programme.exposure, now)
    return entries[-1].began_at + timedelta(minutes=programme.exposure.break_after_minutes) if entries else None


def _unbroken(entries: Sequence[Entry], rules: ExposureRules, now: datetime) -> Sequence[Entry]:
    """The entries, newest first, with less than a break between one and the next, up to now."""
    pause, begin = timedelta(minutes=rules.break_minutes), now
    for index, entry in enumerate(entries):
        if begin - entry.ended_at >= pause:
            return entries[:index]
        begin = entry.began_at
    return entries


def _heavy(
    entries: Sequence[Entry], unbroken: Sequence[Entry], rules: ExposureRules, now: datetime
) -> tuple[bool, datetime | None]:
    """Whether heavy content may come, and otherwise when."""
    last = next((entry for entry in entries if entry.harm >= rules.heavy_from), None)
    if last is not None and now < (cooled := last.ended_at + timedelta(minutes=rules.cool_down_minutes)):
        return False, cooled
    row = unbroken[: rules.heavy_in_a_row]
    if len(row) == rules.heavy_in_a_row and all(entry.harm >= rules.heavy_from for entry in row):
        return False, row[0].ended_at + timedelta(minutes=rules.break_minutes)
    return True, None


def _room(spent: Standing, programme: Programme, now: datetime) -> tuple[float | None, NoItem | None, datetime | None]:
    """The dose that there is room for, by which cap, and until when that cap holds."""
    rules = programme.exposure
    today = day_of(now, programme.time_zone)
    rooms = []
    for cap, used, reason, end in (
        (rules.weekly_cap, spent.week, NoItem.WEEK_IS_FULL, monday(today) + timedelta(days=7)),
        (rules.daily_cap, spent.today, NoItem.DAY_IS_FULL, today + timedelta(days=1)),
    ):
        if cap is not None:
            rooms.append((max(cap - used, 0), reason, midnight(end, programme.time_zone)))
    return min(rooms, key=lambda room: room[0], default=(None, None, None))
