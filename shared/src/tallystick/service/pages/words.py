"""Numbers and dates as people read them. Signs and units are set as typographers do: a true minus, a narrow space before %."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from tallystick.schemas.metric import Interval, Number, Period

THIN = "\N{NARROW NO-BREAK SPACE}"
_MINUS = "\N{MINUS SIGN}"
_DASH = "\N{EN DASH}"
_HOUR_S, _TWO_DAYS_S = 3600, 172_800


def share(value: float | None) -> str:
    """A share as a percentage: `93.6 %`. Close to 0 and to 100 % it shows the decimals that keep it from reading as such."""
    if value is None:
        return _DASH
    return f"{_percent(value)}{THIN}%"


def goal(value: float) -> str:
    """A target as a percentage, with no more decimals than it has: `95 %`."""
    return f"{round(value * 100, 6):g}{THIN}%"


def bounds(interval: Interval | None) -> str:
    """An interval of a share: `93.2-94.0 %`, with an en dash."""
    if interval is None:
        return _DASH
    return f"{_percent(interval.low)}{_DASH}{_percent(interval.high)}{THIN}%"


def duration(seconds: float | None) -> str:
    """A time in minutes, from two hours on in hours, from two days on in days: `25 minutes`, `31.5 hours`, `2.4 days`."""
    if seconds is None:
        return _DASH
    if seconds < 2 * _HOUR_S:
        return f"{seconds / 60:.0f} minutes"
    return f"{seconds / _HOUR_S:.1f} hours" if seconds < _TWO_DAYS_S else f"{seconds / _TWO_DAYS_S * 2:.1f} days"


def count(value: float | None) -> str:
    """A count with separated thousands."""
    return _DASH if value is None else f"{value:,.0f}"


def points(value: float) -> str:
    """A difference of shares in percentage points, with its sign: `+1.2`."""
    return _signed(value * 100, 1 if abs(value) >= 0.0005 or value == 0 else 2)  # noqa: PLR2004


def signed(value: float) -> str:
    """A difference of counts with its sign: `+1,204`."""
    return _signed(value, 0)


def of(number: Number) -> str:
    """What a share stands on: `11,233 of 12,000`."""
    numerator = number.numerator or 0
    top = f"{numerator:,.1f}" if isinstance(numerator, float) and not numerator.is_integer() else f"{numerator:,.0f}"
    return f"{top} of {count(number.denominator)}"


def day(value: date | str) -> str:
    """A day: `21 Sep 2026`."""
    value = date.fromisoformat(value) if isinstance(value, str) else value
    return f"{value.day}\N{NO-BREAK SPACE}{value:%b}\N{NO-BREAK SPACE}{value.year}"


def moment(value: datetime | None) -> str:
    """A moment in UTC: `21 Sep 2026, 14:02:09 UTC`."""
    return "never" if value is None else f"{day(value.date())}, {value:%H:%M:%S} UTC"


def local(moment: datetime, zone: str) -> datetime:
    """A moment by the clocks of a programme."""
    return moment.astimezone(ZoneInfo(zone))


def clock(moment: datetime, zone: str) -> str:
    """A moment by the programme's clocks: `21 Sep 2026, 14:02`."""
    there = local(moment, zone)
    return f"{day(there.date())}, {there:%H:%M}"


def iso(moment: datetime) -> str:
    """A moment for programs."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def period(value: Period) -> str:
    """A period from its first to its last day, both included, and its length."""
    last = value.to - timedelta(days=1)
    days = (value.to - value.from_).days
    if days == 1:
        return day(last)
    length = f"{days // 7} weeks" if days % 7 == 0 and days > 7 else f"{days} days"  # noqa: PLR2004
    return f"{day(value.from_)} to {day(last)} ({length})"


def segment(values: dict[str, str | None]) -> str:
    """The name of a part of the audits: `krakow · live`."""
    return " \N{MIDDLE DOT} ".join(value or "(not stated)" for value in values.values())


def _percent(value: float) -> str:
    percent = value * 100
    for digits in (1, 2, 3):
        shown = f"{percent:.{digits}f}"
        if 0 < percent < 100 and float(shown) in {0.0, 100.0}:  # noqa: PLR2004
            continue
        return shown
    return shown


def _signed(value: float, digits: int) -> str:
    shown = f"{abs(value):,.{digits}f}"
    if float(shown.replace(",", "")) == 0:
        return "±0"
    return f"{'+' if value > 0 else _MINUS}{shown}"


FILTERS: dict[str, Callable[..., str]] = {
    each.__name__: each
    for each in (share, goal, bounds, duration, count, points, signed, of, day, moment, clock, iso, period, segment)
}
"""What templates may call."""
