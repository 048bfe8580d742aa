"""Import profiles at work: a vendor's columns and values become ours."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tallystick.schemas.audit import NewAudit, RowError
from tallystick.schemas.programme import ImportProfile
from tallystick.service.problems import pointer

_MOMENTS = ("decided_at", "claimed_at", "audited_at")
_MISSING = (None, "")


class ProfileMapper:
    """Turns a row in the vendor's words into one in ours, for validation.

    Every fault of a row becomes an error of its own; faults of the shape are left to the validation that follows.
    """

    def __init__(self, profile: ImportProfile) -> None:
        self._fields: dict[str, list[str]] = defaultdict(list)
        for field in NewAudit.model_fields:
            if field not in profile.constants:
                self._fields[profile.columns.get(field, field)].append(field)
        self._ignored = set(profile.ignore)
        self._constants = profile.constants
        self._defaults = profile.defaults
        self._values = profile.values
        self._moment = _moment_reader(profile)

    def column_is_known(self, column: str) -> bool:
        """Whether the column maps to a field, or is ignored on purpose."""
        return column in self._ignored or column in self._fields

    def map(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], list[RowError]]:
        """Our fields, and what could not be mapped."""
        ours: dict[str, Any] = dict(self._constants)
        errors: list[RowError] = []
        for column, value in row.items():
            if column in self._ignored:
                continue
            if column not in self._fields:
                errors.append(RowError(pointer=pointer(column), code="unknown_column", detail="Nothing maps this column."))
                continue
            for field in self._fields[column]:
                ours_of = self._values.get(field)
                mapped = ours_of.get(_word(value), value) if ours_of and isinstance(value, str | int) else value
                if mapped not in _MISSING:
                    ours[field] = mapped
        for field, value in self._defaults.items():
            ours.setdefault(field, value)
        for field in _MOMENTS:
            if isinstance(ours.get(field), str):
                try:
                    ours[field] = self._moment(ours[field])
                except _NotATimeError as error:
                    errors.append(RowError(pointer=f"/{field}", code="not_a_time", detail=str(error)))
        return ours, errors


def _word(value: str | int) -> str:
    """How a profile names a value: as JSON writes it, without quotes."""
    return str(value).lower() if isinstance(value, bool) else str(value)


class _NotATimeError(Exception):
    """A text that names no moment."""


def _moment_reader(profile: ImportProfile) -> Callable[[str], datetime]:
    zone = ZoneInfo(profile.dates.time_zone)
    pattern = profile.dates.pattern

    def read(text: str) -> datetime:
        try:
            written = datetime.fromisoformat(text) if pattern == "iso" else datetime.strptime(text, pattern)  # noqa: DTZ007
            moment = (written if written.tzinfo else written.replace(tzinfo=zone)).astimezone(UTC)
        except (ValueError, OverflowError):
            raise _NotATimeError("Not a time in the profile's format.") from None
        if not written.tzinfo and moment.astimezone(zone).replace(tzinfo=None) != written:
            raise _NotATimeError("There is no such time in the profile's zone: its clocks went forward past it.")
        return moment

    return read
