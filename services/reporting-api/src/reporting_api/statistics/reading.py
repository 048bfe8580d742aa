"""Agreement in plain words: how good it is, how sure that is, and why kappa may look bad where raters agree."""

from dataclasses import dataclass
from statistics import NormalDist

from reporting_api.statistics.estimates import Estimate, Reason
from reporting_api.statistics.ratings import Tally

SURE = 0.95
"""How probable a band must be to be claimed."""
_ALMOST = 1 - 1e-9
"""What no probability is said to exceed."""
DOMINANT = 0.8
"""The share of ratings from which on one category is said to dominate."""


@dataclass(frozen=True, slots=True)
class Scale:
    """Names of bands of agreement, from the best; each reaches down to its bound, the last one to -1."""

    name: str
    bands: tuple[tuple[str, float], ...]


ALTMAN = Scale("Altman", (("very good", 0.8), ("good", 0.6), ("moderate", 0.4), ("fair", 0.2), ("poor", -1.0)))
"""Source: Altman, Practical Statistics for Medical Research, 1991, p. 404."""
LANDIS_KOCH = Scale(
    "Landis and Koch",
    (("almost perfect", 0.8), ("substantial", 0.6), ("moderate", 0.4), ("fair", 0.2), ("slight", 0.0), ("poor", -1.0)),
)
"""Source: Landis and Koch, Biometrics 33 (1977) 159-174."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What an estimate says on a scale. Without a band there is a `reason`."""

    scale: str
    band: str | None
    """The best one that agreement surely reaches."""
    probability: float | None
    """That agreement is in this band or a better one."""
    at_least: tuple[tuple[str, float], ...]
    """Of each band, from the best: the probability that agreement is in it or a better one."""
    text: str
    reason: Reason | None


def read(estimate: Estimate, name: str, scale: Scale = ALTMAN) -> Reading:
    """Name the best band that agreement reaches with a probability of at least 95 %, not the one that the estimate falls into.

    A value of .67 with an error of .15 lies in the band "good", but only "at least moderate" is sure. The coefficient is taken as
    normal with this error, cut off at -1 and 1. Source: Gwet, Handbook of Inter-Rater Reliability, 4th ed. 2014, ch. 6.

    Args:
        estimate: of a coefficient.
        name: what the coefficient is called, as a sentence begins.
        scale: that names the bands.
    """
    if estimate.value is None or estimate.error is None:
        reason = estimate.reason or Reason.NO_SPREAD
        found = "has no value" if estimate.value is None else f"is {estimate.value:.2f}, but it cannot be said how surely"
        return Reading(scale.name, None, None, (), f"{name} {found}. {reason}", reason)
    spread = NormalDist(max(estimate.value, -1), estimate.error)
    lowest, highest = spread.cdf(-1), spread.cdf(1)
    at_least = tuple((band, (highest - spread.cdf(bound)) / (highest - lowest)) for band, bound in scale.bands)
    place = next(place for place, (_, probability) in enumerate(at_least) if probability >= SURE)
    band, probability = at_least[place]
    if place == len(at_least) - 1:
        claim = f"nothing better than {band} agreement is sure"
    else:
        claim = f"agreement is {'at least ' if place else ''}{band} with a probability of {_percent(min(probability, _ALMOST))}"
    value = f"{name} is {estimate.value:.2f} with a standard error of {estimate.error:.2f}"
    return Reading(scale.name, band, probability, at_least, f"{value}: {claim} (scale of {scale.name}).", None)


@dataclass(frozen=True, slots=True)
class Paradox:
    """One category dominates, and kappa says little or the wrong thing."""

    category: int
    share: float
    """Of the ratings, as a mean over items."""
    text: str


def paradox(tally: Tally, kappa: Estimate, ac1: Estimate) -> Paradox | None:
    """Why AC1 is to be preferred here, where one category takes at least four fifths of all ratings; None where none does.

    With extreme prevalence kappa takes nearly all agreement for chance, and falls although raters agree.
    Source: Feinstein and Cicchetti 1990, Journal of Clinical Epidemiology 43:543; Gwet 2008.

    Args:
        tally: of the ratings.
        kappa: Fleiss' or Cohen's, of these ratings.
        ac1: Gwet's, of these ratings.
    """
    if not len(tally.times) or ac1.value is None or ac1.observed is None or ac1.expected is None:
        return None
    shares = tally.times @ tally.shares / tally.times.sum()
    category = int(shares.argmax())
    share = float(shares[category])
    if share < DOMINANT:
        return None
    if kappa.value is None or kappa.expected is None:
        seen = "Kappa has no value, because it takes all of this agreement for chance."
    else:
        seen = (
            f"Kappa takes {_percent(kappa.expected)} for chance, whatever raters do, and is {kappa.value:.2f}:"
            " a few differences over rare categories decide it."
        )
    text = (
        f"One category takes {_percent(share)} of the ratings, and {_percent(ac1.observed)} of the pairs of ratings agree. {seen}"
        f" AC1 takes for chance only what agrees on items that are hard to decide, {_percent(ac1.expected)}, and is"
        f" {ac1.value:.2f}. It is preferred here."
    )
    return Paradox(category, share, text)


def _percent(share: float) -> str:
    """In whole percent; nothing is made certain by rounding."""
    if 0.99 < share < 1:  # noqa: PLR2004
        return "more than 99 %"
    if 0 < share < 0.01:  # noqa: PLR2004
        return "less than 1 %"
    return f"{share:.0%}".replace("%", " %")
