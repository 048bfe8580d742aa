"""Reading the lines of a batch of decisions as they arrive: each is counted, or has faults that are named.

Nearly all lines are of one kind: what they are counted by they say in words with which a line was counted before, and the rest is
plain. Such a line is taken at a glance, which takes nothing that validation would not take, and takes it for the same.
"""

import re
from collections.abc import Callable
from datetime import date, timedelta
from itertools import product
from operator import itemgetter
from zoneinfo import ZoneInfo

import orjson
from pydantic import ValidationError

from audit_api.audits.judging import Rules
from audit_api.batches.reading import faults_of
from audit_api.decisions.tables import DIMENSIONS
from audit_api.decisions.tally import Cell, Tally, Words
from tallystick.draw import FIELDS, SEPARATOR, texts
from tallystick.schemas.audit import RenderHint, RowError
from tallystick.schemas.decision import Decision, Modality, RejectedDecision
from tallystick.service.problems import BodyTooLarge

MOST_ROWS = 1_000_000
MOST_SHOWN = 1000
LONGEST_LINE = 16_384
_BOM = b"\xef\xbb\xbf"
_UNSAID: dict[str, object] = {
    "automated_detection": False,
    "automated_decision": False,
    "risk": None,
    "modality": "text",
    "render_hints": [],
}
_words = itemgetter(*DIMENSIONS)
_rest = itemgetter("decision_id", "content_ref", "modality", "render_hints")
_MODALITIES = frozenset(Modality)
_HINTS = {hints: ",".join(sorted(set(hints))) for length in range(4) for hints in product(RenderHint, repeat=length)}
_FLAGS = {False: "false", True: "true"}
_LONGEST_NAMES = 200
_MINUTE = timedelta(minutes=1)
_TO_MINUTE = len("2026-09-01T08:30")
_SECONDS = frozenset(f":{second:02}Z" for second in range(60))
_FRACTION = re.compile(r"(:[0-5]\d)\.(\d{1,6})Z", re.ASCII)
_WHOLE_MINUTES_FROM = 1973
"""No time zone has been off UTC by a fraction of a minute since."""
_MOST_MINUTES = 50_000
_TOO_LONG = RowError(pointer="", code="line_too_long", detail=f"A line has at most {LONGEST_LINE} bytes.")
_ELSEWHERE = RowError(
    pointer="/decided_at", code="counted_from_elsewhere", detail="Somebody else sends the decisions of this vendor on this day."
)


class Lines:
    """Cuts what arrives into lines. One that is too long comes as None, and is never in memory as a whole."""

    def __init__(self, take: Callable[[bytes | None], None]) -> None:
        self._take = take
        self._begun = False
        self._open = b""
        self._skipping = False

    def feed(self, piece: bytes) -> None:
        """Some more of the body."""
        data = self._open + piece
        if not self._begun:
            if len(data) < len(_BOM) and _BOM.startswith(data):
                self._open = data
                return
            data, self._begun = data.removeprefix(_BOM), True
        *lines, self._open = data.split(b"\n")
        for line in lines:
            if self._skipping:
                self._skipping = False
            else:
                self._line(line)
        if len(self._open) > LONGEST_LINE:
            if not self._skipping:
                self._take(None)
            self._open, self._skipping = b"", True

    def end(self) -> None:
        """The last line, which need not end with a line feed."""
        if not self._skipping:
            self._line(self._open if self._begun else self._open.removeprefix(_BOM))
        self._open = b""

    def _line(self, line: bytes) -> None:
        if len(line) > LONGEST_LINE:
            self._take(None)
        elif line and not line.isspace():
            self._take(line)


class Reader:
    """Takes the lines of a batch into a tally.

    Args:
        rules: of the programme, for the caller.
        zone: in which the programme has its days.
        tally: what they come to.
        first_row: how many lines of the source come before.
        next_row: how many lines of it were taken before: up to there, they are repeated.
    """

    def __init__(self, rules: Rules, zone: ZoneInfo, tally: Tally, first_row: int, next_row: int) -> None:
        self._rules, self._zone, self._tally = rules, zone, tally
        self._minutes: dict[str, tuple[date, dict[Words, Cell]]] = {}
        self._known: set[tuple[int, object]] = set()
        """Words that lines were counted with, each with its place; and at last vendors with their sites."""
        self._first_row, self._next_row = first_row, next_row
        self.row = first_row
        self.repeated = self.rejected = 0
        self.shown: list[RejectedDecision] = []
        self._lines = Lines(self._take)

    @property
    def rows(self) -> int:
        """How many lines there were."""
        return self.row - self._first_row

    def feed(self, piece: bytes) -> None:
        """Some more of the body."""
        self._lines.feed(piece)

    def end(self) -> None:
        """The end of the body."""
        self._lines.end()

    def _take(self, line: bytes | None) -> None:
        self.row += 1
        if self.row - self._first_row > MOST_ROWS:
            raise BodyTooLarge(f"At most {MOST_ROWS} lines are taken at once.")
        if self.row <= self._next_row:
            self.repeated += 1
        elif line is None:
            self._reject((_TOO_LONG,))
        elif not self._glance(line):
            self._look(line)

    def _reject(self, errors: tuple[RowError, ...]) -> None:
        self.rejected += 1
        if len(self.shown) < MOST_SHOWN:
            self.shown.append(RejectedDecision(row=self.row, errors=errors))

    def _glance(self, line: bytes) -> bool:
        """Count a line that is plain throughout; answers whether it is."""
        try:
            row = _UNSAID | orjson.loads(line)
            moment: str = row["decided_at"]
            words = _words(row)
            day, cells = self._minutes[moment[:_TO_MINUTE]]
            decision_id, content_ref, modality, hints = _rest(row)
            named = decision_id + content_ref
            plain = (
                len(row) == len(FIELDS)
                and decision_id
                and content_ref
                and len(named) <= _LONGEST_NAMES
                and named.isprintable()
                and modality in _MODALITIES
                and type(hints) is list
                and type(words[8]) is type(words[9]) is bool
            )
            if not plain:
                return False
            if moment[_TO_MINUTE:] not in _SECONDS:
                moment = moment[:_TO_MINUTE] + _with_fraction(moment[_TO_MINUTE:])
            vendor, site, queue, market, language, moderator, policy, action, detection, decision, risk = words
            told = (
                decision_id, vendor, site, queue, market, language, moderator, moment, action, policy, content_ref,
                _FLAGS[detection], _FLAGS[decision], risk or "", modality, _HINTS[tuple(hints)],
            )  # fmt: skip
            cell = cells.get(words)
            if cell is None:
                if not self._known.issuperset(enumerate((*words, (vendor, site)))):
                    return False
                cell = self._tally.cell(told, words, day)
        except (ValueError, TypeError, KeyError, AttributeError):  # no JSON, no object, or something else than is expected in it
            return False
        if cell.frame.elsewhere:
            self._reject((_ELSEWHERE,))
        else:
            self._tally.add(cell, vendor, decision_id, SEPARATOR.join(told))
        return True

    def _look(self, line: bytes) -> None:
        """Count a line, or say what is wrong with it."""
        try:
            decision = Decision.model_validate_json(line)
        except ValidationError as error:
            self._reject(faults_of(error))
            return
        if errors := self._rules.check_decision(decision):
            self._reject(errors)
            return
        row, words = texts(decision), _words(decision.__dict__)
        day = decision.decided_at.astimezone(self._zone).date()
        cell = self._tally.cell(row, words, day)
        if cell.frame.elsewhere:
            self._reject((_ELSEWHERE,))
            return
        self._tally.add(cell, decision.vendor, decision.decision_id, SEPARATOR.join(row))
        self._remember(decision, words, day)

    def _remember(self, decision: Decision, words: Words, day: date) -> None:
        """From now on, take what was decided in the same minute and is told in the same words at a glance."""
        self._known.update(enumerate((*words, (decision.vendor, decision.site))))
        minute = decision.decided_at.replace(second=0, microsecond=0)
        if minute.year >= _WHOLE_MINUTES_FROM and minute + _MINUTE < self._rules.latest:
            if len(self._minutes) >= _MOST_MINUTES:
                self._minutes.clear()
            self._minutes[minute.strftime("%Y-%m-%dT%H:%M")] = day, self._tally.on(day)


def _with_fraction(second: str) -> str:
    """What follows the minute of a moment with a fraction of a second, in canonical form."""
    found = _FRACTION.fullmatch(second)
    if found is None:
        raise ValueError(second)
    fraction = found[2].ljust(6, "0")
    return f"{found[1]}Z" if fraction == "000000" else f"{found[1]}.{fraction}Z"
