"""Days by the clocks of a programme: which one a moment is of, and when one begins."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo


def day_of(moment: datetime, zone: str) -> date:
    """The day that a moment is of in a time zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


def midnight(day: date, zone: str) -> datetime:
    """The moment at which a day begins in a time zone, in UTC: days on which clocks change are longer or shorter than others."""
    return datetime.combine(day, time.min, ZoneInfo(zone)).astimezone(UTC)
