"""Shares of ratings as numbers, and beside targets."""

from dataclasses import dataclass

from reporting_api.metrics.numbers import interval
from reporting_api.reports.quality_summary import judged
from reporting_api.statistics.clusters import Counts, effective_size
from reporting_api.statistics.intervals import newcombe, wilson
from tallystick.schemas.calibration_report import Standing
from tallystick.schemas.metric import Difference, Number

OF_ITEMS = "wilson"
OF_CLUSTERS = "wilson with the effective sample size of Rao and Scott"


@dataclass(frozen=True, slots=True)
class Share:
    """Hits among ratings or pairs of them, item by item."""

    hits: Counts
    sizes: Counts

    def number(self, minimum_sample: int, reason: str) -> Number:
        """As a number, whose interval allows for what belongs to one item going together; without any, the reason is given."""
        return _number(int(self.hits.sum()), int(self.sizes.sum()), effective_size(self.hits, self.sizes), minimum_sample, reason)

    def less(self, other: "Share", reason: str) -> Difference:
        """By how much it is greater than another, with Newcombe's interval of the effective sizes.

        Both are taken to be independent. Where they are of the same items, the interval is too wide rather than too narrow.
        """
        size, other_size = float(self.sizes.sum()), float(other.sizes.sum())
        if not size or not other_size:
            return Difference(value=None, interval=None, clear=None, reason=reason)
        share, other_share = float(self.hits.sum()) / size, float(other.hits.sum()) / other_size
        n, m = effective_size(self.hits, self.sizes), effective_size(other.hits, other.sizes)
        bounds = newcombe(share * n, n, other_share * m, m)
        return Difference(
            value=share - other_share,
            interval=None if bounds is None else interval(bounds, "newcombe with effective sample sizes"),
            clear=None if bounds is None else bounds[0] > 0 or bounds[1] < 0,
        )


def share(hits: int, size: int, minimum_sample: int, reason: str) -> Number:
    """Hits among trials that do not go together; without any, the reason is given."""
    return _number(hits, size, size, minimum_sample, reason)


def _number(hits: int, size: int, effective: float, minimum_sample: int, reason: str) -> Number:
    bounds = wilson(hits / size * effective, effective) if size else None
    return Number(
        value=hits / size if size else None,
        numerator=hits,
        denominator=size,
        interval=None if bounds is None else interval(bounds, OF_ITEMS if effective == size else OF_CLUSTERS),
        sufficient=size >= minimum_sample,
        reason=None if size else reason,
    )


def against(target: float | None, number: Number) -> Standing:
    """A number beside its target, where there is one."""
    return "no_target" if target is None else judged(target, number)
