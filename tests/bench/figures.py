"""What was measured: one line of the table each."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Self

HEADINGS = ("What", "Tallystick", "Reference", "Ratio (least to most)", "Wanted", "Holds")


@dataclass(frozen=True)
class Figure:
    """A line of the table, in the words in which it is shown."""

    what: str
    product: str
    reference: str
    ratio: str
    wanted: str
    holds: str

    @classmethod
    def at_least(cls, what: str, product: Sequence[float], reference: Sequence[float], bound: float | None) -> Self:
        """Seconds round by round. The ratio is the product's speed in that of the reference, wanted to be at least `bound`."""
        ratios = [theirs / ours for ours, theirs in zip(product, reference, strict=True)]
        wanted = "" if bound is None else f"≥ {bound:g}"
        return cls(what, *_medians(product, reference), _spread(ratios), wanted, _holds(bound, median(ratios)))

    @classmethod
    def at_most(cls, what: str, product: Sequence[float], reference: Sequence[float], bound: float | None) -> Self:
        """Seconds round by round. The ratio is how many times as long the product takes, wanted to be at most `bound`."""
        ratios = [ours / theirs for ours, theirs in zip(product, reference, strict=True)]
        wanted = "" if bound is None else f"≤ {bound:g}"
        return cls(what, *_medians(product, reference), _spread(ratios), wanted, _holds(median(ratios), bound))

    @classmethod
    def below(cls, what: str, value: float, limit: float | None, unit: str) -> Self:
        """One number, wanted to stay below a limit that the product has set itself."""
        wanted = "" if limit is None else f"< {limit:g} {unit}"
        return cls(what, f"{value:.4g} {unit}", "", "", wanted, _holds(value, limit))

    @property
    def cells(self) -> tuple[str, ...]:
        """The line's cells, under HEADINGS."""
        return (self.what, self.product, self.reference, self.ratio, self.wanted, self.holds)


def quantile(samples: Iterable[float], share: float) -> float:
    """The smallest sample that is at least as great as this share of all samples."""
    ordered = sorted(samples)
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def markdown(figures: Iterable[Figure]) -> str:
    """The table in Markdown."""
    rows = [HEADINGS, ("---", "---:", "---:", "---:", "---:", "---"), *(figure.cells for figure in figures)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _medians(product: Sequence[float], reference: Sequence[float]) -> tuple[str, str]:
    return _seconds(median(product)), _seconds(median(reference))


def _seconds(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.3g} ms"


def _spread(ratios: Sequence[float]) -> str:
    return f"{median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})"


def _holds(smaller: float | None, greater: float | None) -> str:
    if smaller is None or greater is None:
        return ""
    return "yes" if smaller <= greater else "no"
