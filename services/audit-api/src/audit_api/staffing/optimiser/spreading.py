"""From amounts by person, trade and window to whole items by person, stratum and day. No rule is ever broken here."""

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping
from itertools import accumulate, pairwise

import numpy as np

from audit_api.staffing.optimiser.model import Floats, Ground, Ints, Model, Trade

Given = dict[tuple[int, int, int], int]
"""Items by person, stratum and day."""
_Slot = tuple[int, int]
"""A person and a day."""
_Held = dict[_Slot, defaultdict[int, int]]
"""Items by stratum in each slot."""


class Room:
    """The time and the dose that people still have."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.seconds, self.daily, self.weekly = ground.seconds.copy(), ground.daily_caps(), ground.weekly_caps()

    def copy(self) -> "Room":
        """The same, to be taken from apart."""
        other = Room(self.ground)
        other.seconds, other.daily, other.weekly = self.seconds.copy(), self.daily.copy(), self.weekly.copy()
        return other

    def fits(self, trade: Trade, people: Ints, days: range) -> Ints:
        """How many items of a trade alone fit into each day of these people."""
        time: Ints = self.seconds[people, days.start : days.stop] // trade.seconds
        if not trade.dose:
            return time
        weekly = self.weekly[people][:, self.ground.weeks[days.start : days.stop]]
        dose: Ints = np.minimum(self.daily[people, days.start : days.stop], weekly) // trade.dose
        return np.minimum(time, dose)

    def take(self, trade: Trade, person: int, day: int, items: int) -> None:
        """Items, given to a person for a day; a negative number gives them back."""
        self.seconds[person, day] -= items * trade.seconds
        self.daily[person, day] -= items * trade.dose
        self.weekly[person, self.ground.weeks[day]] -= items * trade.dose


def give_out(model: Model, values: Floats, room: Room) -> Given:
    """Whole items for people, strata and days, as near to a solution as rounding down and packing leave it."""
    slots = _into_days(model, values, room)
    given: Given = {}
    for place, trade in enumerate(model.ground.trades):
        of_trade = slots.get(place, {})
        for (person, stratum, day), items in _over_strata(model.ground, trade, of_trade).items():
            given[person, stratum, day] = items
            of_trade[person, day] -= items
        for (person, day), unused in of_trade.items():
            room.take(trade, person, day, -unused)
    return given


def _into_days(model: Model, values: Floats, room: Room) -> dict[int, dict[_Slot, int]]:
    """Items by trade, person and day: what falls due first comes first."""
    slots: dict[int, dict[_Slot, int]] = defaultdict(lambda: defaultdict(int))
    todo: dict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    whole = np.floor(values[: model.people] + 1e-6).astype(np.int64)
    for column in np.flatnonzero(whole).tolist():
        todo[int(model.person[column]), int(model.window[column])].append((int(model.trade[column]), int(whole[column])))
    due = _due_within(model, values)
    for (person, number), amounts in sorted(todo.items()):
        parts: dict[int, dict[int, int]] = defaultdict(dict)
        for trade, items in amounts:
            before = 0
            for day, share in due[trade, number]:
                upto = round(items * share)
                if upto > before:
                    parts[day][trade] = upto - before
                    before = upto
        for last in sorted(parts):
            for day in range(model.windows[number].start, last):
                _fill_day(model.ground, parts[last], (person, day), room, slots)
    return slots


def _due_within(model: Model, values: Floats) -> dict[tuple[int, int], list[tuple[int, float]]]:
    """By trade and window, the days after the last on which items may be done, with the share of items that is due by then."""
    sums: dict[tuple[int, int], dict[int, float]] = defaultdict(lambda: defaultdict(float))
    for (trade, number, due), items in zip(model.classes, values[model.people :].tolist(), strict=True):
        sums[trade, number][min(due, model.windows[number].stop)] += items
    shares = {}
    for key, by_day in sums.items():
        total = sum(by_day.values())
        days = sorted(by_day)
        upto = accumulate(by_day[day] for day in days)
        shares[key] = [(day, reached / total if total else 1.0) for day, reached in zip(days, upto, strict=True)]
        shares[key][-1] = (days[-1], 1.0)
    return shares


def _fill_day(ground: Ground, amounts: dict[int, int], slot: _Slot, room: Room, slots: dict[int, dict[_Slot, int]]) -> None:
    """Take from amounts by trade what a person's day has room for.

    It takes of the trade that harms most as much as leaves the rest of the day to the one that harms least, then of that one:
    so days fill up although the dose of each is capped, and hold few trades.
    """
    trades = ground.trades
    order = sorted(amounts, key=lambda place: (-trades[place].dose / trades[place].seconds, place))
    while order:
        place = order[0]
        items = min(amounts[place], _beside_the_lightest(trades[place], trades[order[-1]], slot, room))
        for other in (order[-1], *order) if not items else ():
            place, items = other, min(amounts[other], _fit(trades[other], slot, room))
            if items:
                break
        if not items:
            break
        room.take(trades[place], *slot, items)
        slots[place][slot] += items
        amounts[place] -= items
        order = [each for each in order if amounts[each]]
    for place in [each for each in amounts if not amounts[each]]:
        del amounts[place]


def _fit(trade: Trade, slot: _Slot, room: Room) -> int:
    """Items of a trade that fit into a day."""
    time = int(room.seconds[slot]) // trade.seconds
    if not trade.dose:
        return time
    dose = min(int(room.daily[slot]), int(room.weekly[slot[0], room.ground.weeks[slot[1]]]))
    return min(time, dose // trade.dose)


def _beside_the_lightest(heavy: Trade, light: Trade, slot: _Slot, room: Room) -> int:
    """Items of the heaviest trade after which the lightest may fill the rest of the day without passing the daily cap."""
    fit = _fit(heavy, slot, room)
    spare = int(room.daily[slot]) * light.seconds - int(room.seconds[slot]) * light.dose
    each = heavy.dose * light.seconds - heavy.seconds * light.dose  # by how much more than the lightest one item uses of the cap
    return min(fit, max(0, spare) // each) if each > 0 else fit


def _over_strata(ground: Ground, trade: Trade, slots: Mapping[_Slot, int]) -> Given:
    """Items of a trade's strata for its people's days: of what the slots allow, the most weight.

    Strata come in the order of their weight.
    Each takes slots that are free, and where none is open to it, makes room along an augmenting path.
    What a stratum has got it keeps.
    That is the greedy way through a transversal matroid, so no other way gives more weight.
    """
    free = {slot: items for slot, items in slots.items() if items}
    held: _Held = {slot: defaultdict(int) for slot in free}
    dead: set[_Slot] = set()
    work, open_days = ground.work, ground.open_days
    for stratum in sorted(trade.strata, key=lambda place: (-work[place].weight, open_days[place], -work[place].waiting, place)):
        left = work[stratum].waiting
        while left and free:
            path = _direct(ground, stratum, free, left) or _augmenting(ground, stratum, free, held, dead)
            if not path:
                break
            end = path[-1][0]
            items = min([left, free[end], *(held[slot][moved] for (slot, _), (_, moved) in pairwise(path))])
            for slot, taker in path:
                held[slot][taker] += items
            for (slot, _), (_, moved) in pairwise(path):
                held[slot][moved] -= items
            free[end] -= items
            if not free[end]:
                del free[end]
            left -= items
    return {(person, stratum, day): items for (person, day), of in held.items() for stratum, items in of.items() if items}


def _open_to(ground: Ground, stratum: int, slots: Iterable[_Slot]) -> list[_Slot]:
    due = ground.open_days[stratum]
    return [slot for slot in slots if slot[1] < due and stratum not in ground.closed[slot[0]]]


def _direct(ground: Ground, stratum: int, free: Mapping[_Slot, int], left: int) -> list[tuple[_Slot, int]]:
    """A free slot: one that fits exactly, else the one with the most room, so that people have few strata in a day."""
    slots = _open_to(ground, stratum, free)
    return [(max(slots, key=lambda slot: (free[slot] == left, free[slot], slot)), stratum)] if slots else []


def _augmenting(
    ground: Ground, stratum: int, free: Mapping[_Slot, int], held: _Held, dead: set[_Slot]
) -> list[tuple[_Slot, int]]:
    """Slots, each with the stratum that moves in; what moves out of one moves into the next, and the last one is free.

    Empty where there is no such way. What was reached then can never lead to a free slot again, and is dead.
    """
    came: dict[_Slot, tuple[_Slot | None, int]] = {}
    moved: set[int] = set()
    queue: deque[tuple[_Slot | None, int]] = deque([(None, stratum)])
    while queue:
        before, taker = queue.popleft()
        for slot in _open_to(ground, taker, held):
            if slot in came or slot in dead:
                continue
            came[slot] = (before, taker)
            if slot in free:
                path: list[tuple[_Slot, int]] = []
                at: _Slot | None = slot
                while at is not None:
                    path.append((at, came[at][1]))
                    at = came[at][0]
                return path[::-1]
            for other, items in held[slot].items():
                if items and other not in moved:
                    moved.add(other)
                    queue.append((slot, other))
    dead.update(came)
    return []


def fill(ground: Ground, given: Given, left: dict[int, int], room: Room, *, due: bool = True) -> int:
    """Give out what is left, wherever it fits: what is worth most for its time first, to those whose day is the emptiest.

    Returns:
        The items that were given out. They are added to `given` and taken from `left` and `room`.
    """
    trade_of = {stratum: trade for trade in ground.trades for stratum in trade.strata}
    before = sum(left.values())
    order = sorted(
        left, key=lambda place: (-ground.work[place].weight / ground.work[place].seconds, ground.open_days[place], place)
    )
    for stratum in order:
        trade = trade_of[stratum]
        people = np.array([person for person in trade.people if stratum not in ground.closed[person]], dtype=np.int64)
        days = range(int(ground.open_days[stratum]) if due else len(ground.weeks))
        while left[stratum] and len(people) and days:
            fits = room.fits(trade, people, days)
            who, day = (int(place) for place in np.unravel_index(int(fits.argmax()), fits.shape))
            items = min(left[stratum], int(fits[who, day]))
            if items <= 0:
                break
            person = int(people[who])
            room.take(trade, person, day, items)
            given[person, stratum, day] = given.get((person, stratum, day), 0) + items
            left[stratum] -= items
    return before - sum(left.values())


def bring_forward(ground: Ground, given: Given, room: Room) -> None:
    """Move what somebody does of a stratum on a day to their first day that has room for all of it.

    Nobody's load or harm changes, days do not come to hold more strata than they are given, and what is done early is not late.
    """
    trade_of = {stratum: trade for trade in ground.trades for stratum in trade.strata}
    for person, stratum, day in sorted(given, key=lambda each: (each[2], each)):
        trade, items = trade_of[stratum], given[person, stratum, day]
        room.take(trade, person, day, -items)
        first = next((earlier for earlier in range(day) if _fit(trade, (person, earlier), room) >= items), day)
        room.take(trade, person, first, items)
        del given[person, stratum, day]
        given[person, stratum, first] = given.get((person, stratum, first), 0) + items
