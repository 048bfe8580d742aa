"""Proportions of ratings, which come in clusters: those of one item go together."""

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.integer] | npt.NDArray[np.float64]


def effective_size(hits: Counts, sizes: Counts) -> float:
    """How many trials that do not go together would tell as much of a proportion as these clusters do.

    The number of trials over the design effect, which is the variance of the proportion among clusters over p (1 - p) / n; never
    more than there are. Put in the place of the number of trials, it makes intervals of proportions allow for clusters.
    Where all trials came out alike the clusters are counted. Source: Rao and Scott 1992, Biometrics 48:577-585.

    Args:
        hits: in each cluster; fractions count too.
        sizes: trials in each cluster.
    """
    drawn = sizes > 0
    hits, sizes = hits[drawn], sizes[drawn]
    clusters, trials = len(sizes), float(sizes.sum())
    if trials == clusters:
        return trials
    share = float(hits.sum()) / trials
    if clusters < 2 or share in {0.0, 1.0}:  # noqa: PLR2004 - one cluster has no spread
        return float(clusters)
    variance = clusters / (clusters - 1) * float(((hits - share * sizes) ** 2).sum()) / trials**2
    effect = variance * trials / (share * (1 - share))
    return trials / max(effect, 1.0)
