"""How numbers are written for people."""

from collections.abc import Mapping
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from tallystick.schemas.metric import Difference, Interval, Measure, Number

_NOTHING = "-"
_COUNTS = {Measure.AUDITS, Measure.ERRORS, Measure.APPEALS, Measure.DECIDED_APPEALS, Measure.UNWEIGHTED_AUDITS}
_UNITS = (("days", 86_400, 1), ("hours", 3_600, 1), ("minutes", 60, 0), ("seconds", 1, 0))
"""The unit of times from so many seconds on, and its digits behind the point."""


def number(value: Number, measure: Measure | None = None) -> Text:
    """A number with its interval: `91.2 % (90.6 to 91.8)`; dim where the sample is too small to rely on."""
    if value.value is None:
        return Text(f"{_NOTHING} {value.reason or ''}".rstrip(), "dim")
    written = f"{_plain(value.value, measure, counted=value.denominator is None)}{_between(value.interval)}"
    return Text(written, "" if value.sufficient else "dim italic")


def facts(shown: Mapping[str, object]) -> Table:
    """What is known of one thing, a line each; what is empty is left out."""
    table = Table(show_header=False)
    table.add_column("field", style="dim")
    table.add_column("value", overflow="fold")
    for name, value in shown.items():
        if value:
            table.add_row(name, value if isinstance(value, Text) else Text(str(value)))
    return table


def share(value: float | None) -> str:
    """A share without an interval."""
    return _NOTHING if value is None else f"{value * 100:.1f} %"


def duration(value: Number) -> Text:
    """A time with its interval, in the unit that fits it: `2.3 days (1.9 to 2.8)`, `40 minutes (12 to 65)`."""
    if value.value is None:
        return Text(f"{_NOTHING} {value.reason or ''}".rstrip(), "dim")
    unit, seconds, digits = next((each for each in _UNITS if value.value >= each[1]), _UNITS[-1])
    shown = f"{value.value / seconds:.{digits}f} {unit}"
    between = (
        f" ({value.interval.low / seconds:.{digits}f} to {value.interval.high / seconds:.{digits}f})" if value.interval else ""
    )
    return Text(f"{shown}{between}", "" if value.sufficient else "dim italic")


def difference(value: Difference, measure: Measure | None = None) -> Text:
    """A difference with its interval, in percentage points where it is one of shares; bold where it is clear."""
    if value.value is None:
        return Text(_NOTHING, "dim")
    if measure in _COUNTS:
        return Text(f"{value.value:+,.0f}")
    if measure is Measure.HANDLING_TIME:
        return Text(f"{value.value:+.1f} s")
    written = f"{value.value * 100:+.1f} pp{_between(value.interval, signed=True)}"
    return Text(written, "bold" if value.clear else "")


def due(moment: datetime | None, *, overdue: bool) -> Text:
    """When something is due, in UTC; red where that has passed."""
    return Text("" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}", "bold red" if overdue else "")


def _plain(value: float, measure: Measure | None, *, counted: bool) -> str:
    if counted:
        return f"{value:,.0f}"
    if measure is Measure.HANDLING_TIME:
        return f"{value:.1f} s"
    return share(value)


def _between(interval: Interval | None, *, signed: bool = False) -> str:
    if interval is None:
        return ""
    sign = "+" if signed else ""
    return f" ({interval.low * 100:{sign}.1f} to {interval.high * 100:{sign}.1f})"
