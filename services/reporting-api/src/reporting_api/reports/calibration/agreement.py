"""How far raters agree: all of them, two by two, and party by party."""

from collections.abc import Sequence

import numpy as np

from reporting_api.metrics.numbers import interval
from reporting_api.reports.calibration.shares import Share, against
from reporting_api.reports.calibration.sheets import Sheet
from reporting_api.statistics.agreement import AC1, FLEISS, NOMINAL, ORDINAL
from reporting_api.statistics.between import between, cohen_pairs
from reporting_api.statistics.estimates import Estimate, Reason, nothing
from reporting_api.statistics.ratings import MISSING, Tally, Weighting
from reporting_api.statistics.reading import paradox, read
from tallystick.schemas.calibration import Level
from tallystick.schemas.calibration_report import Agreement, Coefficient, PairAgreement, PartyAlignment, Reading

MOST_PAIRED = 30
"""Raters who are compared two by two; more make a table that nobody reads."""

NO_ORDER = "The categories of this scale have no order."
NO_BENCHMARK = "No item that was rated has a benchmark."
_NOT_TWO = "Cohen's kappa is of two raters: see the pairs."
_TOO_MANY = f"More than {MOST_PAIRED} raters are not compared two by two."

_NAMES = {
    Coefficient.PERCENT_AGREEMENT: "Percent agreement",
    Coefficient.COHEN: "Cohen's kappa",
    Coefficient.FLEISS: "Fleiss' kappa",
    Coefficient.AC1: "AC1",
    Coefficient.AC2: "AC2",
    Coefficient.ALPHA_NOMINAL: "Krippendorff's alpha",
    Coefficient.ALPHA_ORDINAL: "Krippendorff's ordinal alpha",
}


def is_ordinal(sheet: Sheet) -> bool:
    """Whether the categories have an order."""
    return bool(sheet.session.level == Level.ORDINAL)


def preferred(sheet: Sheet) -> Coefficient:
    """The coefficient to go by."""
    return Coefficient.AC2 if is_ordinal(sheet) else Coefficient.AC1


def measured(coefficient: Coefficient, tally: Tally) -> Agreement:
    """How far the raters agree, by a coefficient that is of any number of them."""
    weights = Weighting.ORDINAL if coefficient is Coefficient.AC2 else Weighting.IDENTITY
    return told(coefficient, ORDINAL[coefficient].estimate(tally), weights)


def overall(sheet: Sheet) -> tuple[Agreement, ...]:
    """How far all raters agree, by each coefficient."""
    known = ORDINAL if is_ordinal(sheet) else NOMINAL
    return tuple(
        _cohen(sheet)
        if coefficient is Coefficient.COHEN
        else measured(coefficient, sheet.ratings.tally)
        if coefficient in known
        else _untold(coefficient, NO_ORDER)
        for coefficient in Coefficient
    )


def because(sheet: Sheet) -> str:
    """Why the preferred coefficient is preferred, with what the session itself shows of it."""
    if is_ordinal(sheet):
        return (
            "AC2 lets categories that are close in the order agree in part, and keeps its meaning however unevenly categories"
            " are used."
        )
    tally = sheet.ratings.tally
    found = paradox(tally, FLEISS.estimate(tally), AC1.estimate(tally))
    if found is not None:
        return f"Most ratings are {sheet.categories[found.category]}. {found.text}"
    return (
        "AC1 keeps its meaning however unevenly categories are used. Kappa and alpha fall where nearly all ratings are in one"
        " category, however well raters agree; that is not so here."
    )


def pairs(sheet: Sheet) -> tuple[tuple[PairAgreement, ...], str | None]:
    """How far each two raters agree, those who agree least first; and why there are no pairs."""
    active = _active(sheet)
    if len(active) > MOST_PAIRED:
        return (), _TOO_MANY
    weighting = _weighting(sheet)
    found = [
        PairAgreement.model_construct(
            raters=(sheet.raters[active[pair.raters[0]]].subject, sheet.raters[active[pair.raters[1]]].subject),
            percent_agreement=told(Coefficient.PERCENT_AGREEMENT, pair.percent_agreement, weighting),
            cohen=told(Coefficient.COHEN, pair.cohen, weighting),
        )
        for pair in cohen_pairs(sheet.ratings.of_raters(active), weighting)
    ]
    found.sort(key=lambda pair: (pair.cohen.value is None, pair.cohen.value or 0.0, pair.raters))
    return tuple(found), None if found else _alone(active)


def parties(sheet: Sheet, minimum_sample: int) -> tuple[PartyAlignment, ...]:
    """The client's people and each vendor's, as parties: aligned with the benchmark, among themselves, and with the client's."""
    columns: dict[str | None, list[int]] = {}
    for column, rater in enumerate(sheet.raters):
        columns.setdefault(rater.vendor, []).append(column)
    weighting, ours = _weighting(sheet), columns.get(None, [])
    clients = aligned(sheet, ours)
    found = []
    for vendor, theirs in columns.items():
        own = aligned(sheet, theirs)
        alignment = own.number(minimum_sample, NO_BENCHMARK)
        with_client = between(sheet.ratings, theirs, ours, weighting) if vendor is not None else None
        found.append(
            PartyAlignment.model_construct(
                vendor=vendor,
                raters=len(theirs),
                alignment=alignment,
                standing=against(sheet.target, alignment),
                difference=None if vendor is None else own.less(clients, NO_BENCHMARK),
                within=measured(Coefficient.PERCENT_AGREEMENT, sheet.ratings.of_raters(theirs).tally),
                with_client=()
                if with_client is None
                else (
                    told(Coefficient.PERCENT_AGREEMENT, with_client.percent_agreement, weighting),
                    told(Coefficient.COHEN, with_client.kappa, weighting),
                    told(preferred(sheet), with_client.ac1, weighting),
                ),
            )
        )
    return tuple(found)


def aligned(sheet: Sheet, columns: Sequence[int]) -> Share:
    """The ratings of some raters that are the benchmark's, item by item."""
    values, truth = sheet.ratings.codes[:, columns], sheet.benchmark[:, None]
    judged = (values != MISSING) & (truth != MISSING)
    return Share((judged & (values == truth)).sum(axis=1), judged.sum(axis=1))


def told(coefficient: Coefficient, estimate: Estimate, weighting: Weighting) -> Agreement:
    """An estimate with its reading, as it is told."""
    return Agreement.model_construct(
        coefficient=coefficient,
        weights="ordinal" if weighting is Weighting.ORDINAL else "identity",
        value=estimate.value,
        standard_error=estimate.error,
        interval=None if estimate.interval is None else interval(estimate.interval, "student-t"),
        reading=_reading(coefficient, estimate),
        items=estimate.items,
        reason=None if estimate.reason is None else str(estimate.reason),
    )


def _reading(coefficient: Coefficient, estimate: Estimate) -> Reading | None:
    """In plain words. The scale is of agreement beyond chance, so percent agreement has none."""
    if coefficient is Coefficient.PERCENT_AGREEMENT:
        return None
    found = read(estimate, _NAMES[coefficient])
    return Reading(scale=found.scale, level=found.band, probability=found.probability, text=found.text)


def _untold(coefficient: Coefficient, reason: str) -> Agreement:
    return told(coefficient, nothing(Reason.NO_PAIRS), Weighting.IDENTITY).model_copy(update={"reason": reason})


def _cohen(sheet: Sheet) -> Agreement:
    active = _active(sheet)
    if len(active) != 2:  # noqa: PLR2004 - it is made for two
        return _untold(Coefficient.COHEN, _NOT_TWO if len(active) > 1 else _alone(active))
    [pair] = cohen_pairs(sheet.ratings.of_raters(active), _weighting(sheet))
    return told(Coefficient.COHEN, pair.cohen, _weighting(sheet))


def _alone(active: list[int]) -> str:
    return str(Reason.ONE_RATER if active else Reason.NO_RATINGS)


def _active(sheet: Sheet) -> list[int]:
    """The raters who have rated anything."""
    return [int(column) for column in np.flatnonzero((sheet.ratings.codes != MISSING).any(axis=0))]


def _weighting(sheet: Sheet) -> Weighting:
    return Weighting.ORDINAL if is_ordinal(sheet) else Weighting.IDENTITY
