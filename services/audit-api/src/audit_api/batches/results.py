"""The verdicts on the rows of a batch: told, counted, and kept where they are to be."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

import orjson

from tallystick.schemas.audit import RowError, RowVerdict
from tallystick.service.replies import json_of

_TOLD_ALONE = {RowVerdict.CREATED, RowVerdict.DUPLICATE}


@dataclass
class Result:
    """The verdict on one row: what `RowResult` says on the wire, in a form that many thousands of cost little.

    Without slots: the serializer is five times faster then.
    """

    row: int
    verdict: RowVerdict
    external_id: str | None
    audit_id: str | None
    errors: tuple[RowError, ...] = ()


class Results:
    """The verdicts on all rows of a batch, in their order. Each is written as it comes, which takes less room than it does."""

    def __init__(self) -> None:
        self._counted: Counter[RowVerdict] = Counter()
        self._told: list[bytes] = []
        self.kept: list[Result] = []
        """Those on rows that neither created an audit nor repeat one: audits are the record of these."""

    def add(self, some: Sequence[Result]) -> None:
        """Add the verdicts on the rows that come after all those before."""
        if not some:
            return
        some = sorted(some, key=attrgetter("row"))
        self._counted.update([result.verdict for result in some])
        self._told.append(json_of(some)[1:-1])
        self.kept += [result for result in some if result.verdict not in _TOLD_ALONE]

    @property
    def counts(self) -> dict[str, int]:
        """How many rows got each verdict."""
        return {verdict.value: self._counted[verdict] for verdict in RowVerdict}

    @property
    def told(self) -> orjson.Fragment:
        """All of them as JSON, a `RowResult` each."""
        return orjson.Fragment(b"[" + b",".join(self._told) + b"]")
