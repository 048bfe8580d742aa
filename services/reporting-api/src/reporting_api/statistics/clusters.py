"""Proportions of ratings, which come in clusters: those of one item go together."""

import numpy as np
import numpy.typing as npt

from reporting_api.statistics.intervals import quantile, t_quantile

Counts = npt.NDArray[np.integer] | npt.NDArray[np.float64]


def effective_size(hits: Counts, sizes: Counts) -> float:
    """How many trials that do not go together would tell as much of a proportion as these clusters do.

    The number of trials over the design effect, which is the variance of the proportion among clusters over p (1 - p) / n, times
    (z/t)² with one degree of freedom less than clusters, as that variance is an estimate; never more than there are. Put in the
    place of the number of trials, it makes intervals of proportions allow for clusters.
    Where all trials came out alike the clusters are counted.
    Sources: Rao and Scott 1992, Biometrics 48:577-585; Korn and Graubard 1998, Survey Methodology 24:193.

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
    return trials / max(effect * (t_quantile(clusters - 1) / quantile()) ** 2, 1.0)
