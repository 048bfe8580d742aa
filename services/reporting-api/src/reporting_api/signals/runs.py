"""Weeks in a row of which something holds: how they begin to count, and when they are over."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

CALM = 3
"""Weeks in a row of which it does not hold that end a run."""


@dataclass(frozen=True, slots=True)
class Run:
    """Weeks by index. What did not last has no place here."""

    since: int
    raised: int
    last: int
    ended: bool


def runs(holds: Sequence[bool | None], needed: int) -> Iterator[Run]:
    """The runs of at least `needed` weeks in a row, in order. Weeks that say nothing (None) neither count nor break one."""
    first: int | None = None
    raised: int | None = None
    last = count = calm = 0
    for week, each in enumerate(holds):
        if each is None:
            continue
        if each:
            first = week if first is None else first
            last, count, calm = week, count + 1, 0
            if raised is None and count >= needed:
                raised = week
            continue
        calm += 1
        if raised is None or calm == CALM:
            if first is not None and raised is not None:
                yield Run(first, raised, last, ended=True)
            first = raised = None
            count = calm = 0
    if first is not None and raised is not None:
        yield Run(first, raised, last, ended=False)
