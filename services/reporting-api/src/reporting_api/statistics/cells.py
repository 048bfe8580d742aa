"""The segments of a population, and what its smallest parts amount to in each of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reporting_api.statistics.segments import cuts

Floats = npt.NDArray[np.float64]
Codes = tuple[tuple[int, int], ...]
"""A segment: the code of each of some dimensions, by their index."""


@dataclass(frozen=True, slots=True)
class Segments:
    """All segments of a population: the whole, each code of a dimension, and each pair of them that occurs."""

    codes: Sequence[Codes]
    width: npt.NDArray[np.int64]
    """How many dimensions each names."""
    starts: npt.NDArray[np.int64]
    """The first segment of each cut, which is a set of dimensions; they stand one after the other."""
    sizes: npt.NDArray[np.int64]
    """How many segments each cut has."""
    groups: Sequence[tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]]

    def sums(self, leaves: Floats) -> Floats:
        """What leaves (the last axis but one) amount to in each segment."""
        return np.concatenate([np.add.reduceat(leaves[..., order, :], starts, axis=-2) for order, starts in self.groups], axis=-2)


def segments_of(leaves: npt.NDArray[np.int64]) -> Segments:
    """The segments of a population with these leaves."""
    codes: list[Codes] = []
    width: list[int] = []
    sizes: list[int] = []
    groups = []
    for dimensions in ((), *cuts(leaves.shape[1])):
        columns = leaves[:, dimensions]
        order = np.lexsort(columns.T[::-1]) if dimensions else np.arange(len(leaves))
        ordered = columns[order]
        starts = np.flatnonzero(np.r_[True, (ordered[1:] != ordered[:-1]).any(axis=1)])
        groups.append((order, starts))
        codes += [tuple(zip(dimensions, map(int, ordered[start]), strict=True)) for start in starts]
        width += [len(dimensions)] * len(starts)
        sizes.append(len(starts))
    return Segments(codes, np.array(width), np.cumsum([0, *sizes[:-1]]), np.array(sizes), groups)
