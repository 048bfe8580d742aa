"""How numbers are written for people."""

from rich.text import Text

from tallystick.schemas.metric import Difference, Interval, Measure, Number

_NOTHING = "-"
_COUNTS = {Measure.AUDITS, Measure.ERRORS, Measure.APPEALS, Measure.DECIDED_APPEALS}
_DAY_S = 86_400


def number(value: Number, measure: Measure | None = None) -> Text:
    """A number with its interval: `91.2 % (90.6 to 91.8)`; dim where the sample is too small to rely on."""
    if value.value is None:
        return Text(f"{_NOTHING} {value.reason or ''}".rstrip(), "dim")
    written = f"{_plain(value.value, measure, counted=value.denominator is None)}{_between(value.interval)}"
    return Text(written, "" if value.sufficient else "dim italic")


def share(value: float | None) -> str:
    """A share without an interval."""
    return _NOTHING if value is None else f"{value * 100:.1f} %"


def duration(value: Number) -> Text:
    """Seconds in days, with their interval: `2.3 days (1.9 to 2.8)`."""
    if value.value is None:
        return Text(f"{_NOTHING} {value.reason or ''}".rstrip(), "dim")
    between = f" ({value.interval.low / _DAY_S:.1f} to {value.interval.high / _DAY_S:.1f})" if value.interval else ""
    return Text(f"{value.value / _DAY_S:.1f} days{between}", "" if value.sufficient else "dim italic")


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
