"""Import profiles at work: a vendor's columns and values become ours."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tallystick.schemas.audit import NewAudit, RowError
from tallystick.schemas.programme import ImportProfile

_MOMENTS = ("decided_at", "claimed_at", "audited_at")
_MISSING = (None, "")


class Mapper:
    """Turns a row in the vendor's words into one in ours, for validation.

    Every fault of a row becomes an error of its own; faults of the shape are left to the validation that follows.
    """

    def __init__(self, profile: ImportProfile) -> None:
        self._source = {column: field for field, column in profile.columns.items()}
        self._ignored = set(profile.ignore)
        self._constants = profile.constants
        self._defaults = profile.defaults
        self._values = profile.values
        self._moment = _moment_reader(profile)

    def field_of(self, column: str) -> str | None:
        """Our field for the vendor's column; None for a column that is not taken over."""
        if column in self._ignored:
            return None
        return self._source.get(column, column)

    def column_is_known(self, column: str) -> bool:
        """Whether the column maps to a field, or is ignored on purpose."""
        return column in self._ignored or self._source.get(column, column) in NewAudit.model_fields

    def map(self, row: Mapping[str, Any]) -> tuple[dict[str, Any], list[RowError]]:
        """Our fields, and what could not be mapped."""
        ours: dict[str, Any] = dict(self._constants)
        errors: list[RowError] = []
        for column, value in row.items():
            field = self.field_of(column)
            if field is None:
                continue
            if isinstance(value, str | int | bool) and field in self._values:
                value = self._values[field].get(str(value), value)  # noqa: PLW2901 - the same value, in our words
            if value not in _MISSING:
                ours[field] = value
        for field, value in self._defaults.items():
            ours.setdefault(field, value)
        for field in _MOMENTS:
            if isinstance(ours.get(field), str):
                try:
                    ours[field] = self._moment(ours[field])
                except ValueError:
                    errors.append(RowError(pointer=f"/{field}", code="not_a_time", detail="Not a time in the profile's format."))
        return ours, errors


def _moment_reader(profile: ImportProfile) -> Callable[[str], datetime]:
    zone = ZoneInfo(profile.dates.time_zone)
    pattern = profile.dates.pattern

    def read(text: str) -> datetime:
        moment = datetime.fromisoformat(text) if pattern == "iso" else datetime.strptime(text, pattern)  # noqa: DTZ007
        return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)

    return read
