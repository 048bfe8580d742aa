"""What can be asked: one table of measures and one of dimensions. The page `docs/metrics.md` tells the same to people."""

from dataclasses import dataclass
from typing import Literal

from reporting_api.cuboids import APPEALS
from tallystick.schemas.metric import Definitions, Dimension, DimensionDefinition, Measure, MeasureDefinition


@dataclass(frozen=True, slots=True)
class Formula:
    """How a measure is made from the sums of `reporting_api.cuboids`.

    `share` divides the numerator by the denominator; `rest` divides what the numerator leaves of the denominator.
    """

    definition: MeasureDefinition
    numerator: str
    denominator: str | None
    shape: Literal["count", "share", "rest", "mean"]
    scale: int = 1
    """Units of the sum that make one unit of the measure."""

    @property
    def of_audits(self) -> bool:
        """Whether it is a share of all audits: error dimensions then narrow its numerator alone."""
        return self.denominator == "audits"

    @property
    def of_samples(self) -> bool:
        """Whether it takes the stratum and the probability that audits were drawn with."""
        return self.numerator in {"drawn_errors", "undrawn"}

    @property
    def of_appeals(self) -> bool:
        """Whether it takes the sums of appeals."""
        return self.numerator in APPEALS


_WILSON = "Wilson score interval at 95 %"
_WILSON_SOURCE = "Wilson 1927; Newcombe 1998, Statistics in Medicine 17:857, method 3"


def _share(
    name: Measure, label: str, numerator: str, column: str, formula: str, *, shape: Literal["share", "rest"] = "share"
) -> Formula:
    definition = MeasureDefinition(
        name=name,
        label=label,
        kind="proportion",
        unit="share",
        better="higher" if shape == "rest" else "lower",
        numerator=numerator,
        denominator="audits",
        formula=formula,
        interval=_WILSON,
        source=_WILSON_SOURCE,
    )
    return Formula(definition, column, "audits", shape)


def _weighted(name: Measure, label: str, counted: str, *, shape: Literal["share", "rest"]) -> Formula:
    definition = MeasureDefinition(
        name=name,
        label=label,
        kind="proportion",
        unit="share",
        better="higher" if shape == "rest" else "lower",
        numerator=f"decisions that were {counted}, as estimated: the sum of 1 / inclusion probability over such audits",
        denominator="decisions that the audits were drawn from: the sum of 1 / inclusion probability over audits that carry one",
        formula="1 - sum of wrong weights / sum of weights" if shape == "rest" else "sum of wrong weights / sum of weights",
        interval="Wilson score interval at 95 % for the effective number of audits, by the variance of the stratified sample",
        source="Horvitz and Thompson 1952, Journal of the American Statistical Association 47:663; Särndal, Swensson and Wretman"
        " 1992, 5.6 and 10.3; Korn and Graubard 1998, Survey Methodology 24:193",
    )
    return Formula(definition, "drawn_errors", "drawn", shape)


def _count(name: Measure, label: str, counted: str, column: str, *, unit: Literal["audits", "appeals"] = "audits") -> Formula:
    definition = MeasureDefinition(
        name=name,
        label=label,
        kind="count",
        unit=unit,
        better=None,
        numerator=counted,
        denominator=None,
        formula=f"number of {counted}",
        interval=None,
        source="counted",
    )
    return Formula(definition, column, None, "count")


FORMULAS: dict[Measure, Formula] = {
    formula.definition.name: formula
    for formula in (
        _count(Measure.AUDITS, "Audits", "audits", "audits"),
        _count(Measure.ERRORS, "Errors", "audits with the verdict incorrect", "errors"),
        _share(Measure.ACCURACY, "Accuracy", "audits with the verdict correct", "errors", "1 - errors / audits", shape="rest"),
        _share(
            Measure.CRITICAL_ACCURACY,
            "Critical accuracy",
            "audits without an error of severity critical",
            "critical_errors",
            "1 - critical errors / audits",
            shape="rest",
        ),
        _share(Measure.ERROR_RATE, "Error rate", "audits with the verdict incorrect", "errors", "errors / audits"),
        _share(
            Measure.FALSE_POSITIVE_RATE,
            "False-positive rate",
            "audits with an error of class false_positive (over-enforcement)",
            "false_positives",
            "false positives / audits",
        ),
        _share(
            Measure.FALSE_NEGATIVE_RATE,
            "False-negative rate",
            "audits with an error of class false_negative (under-enforcement)",
            "false_negatives",
            "false negatives / audits",
        ),
        Formula(
            MeasureDefinition(
                name=Measure.QUALITY_SCORE,
                label="Quality score",
                kind="mean",
                unit="share",
                better="higher",
                numerator="sum of the scorecards' scores, each between 0 and 1, 0 on auto-fail",
                denominator="audits with a scorecard",
                formula="sum of scores / audits with a score",
                interval="Wilson score interval at 95 % with the sum of scores as hits, too wide rather than too narrow:"
                " no mean of values between 0 and 1 varies more than a proportion of the same size",
                source="Var(X) <= E(X)(1 - E(X)) for X in [0, 1] (Bhatia and Davis 2000); " + _WILSON_SOURCE,
            ),
            "score",
            "scored",
            "mean",
            scale=10_000,
        ),
        Formula(
            MeasureDefinition(
                name=Measure.HANDLING_TIME,
                label="Handling time",
                kind="mean",
                unit="seconds",
                better=None,
                numerator="seconds that auditors spent",
                denominator="audits with a handling time",
                formula="sum of seconds / audits with a handling time",
                interval=None,
                source="arithmetic mean; the spread of single times is not kept, so there is no interval",
            ),
            "handling_time_s",
            "timed",
            "mean",
        ),
        _count(Measure.APPEALS, "Appeals", "appeals", "appeals", unit="appeals"),
        _share(
            Measure.APPEAL_RATE, "Appeal rate", "audits that were appealed, once or again", "appealed", "appealed audits / audits"
        ),
        _count(Measure.DECIDED_APPEALS, "Decided appeals", "appeals upheld, overturned or amended", "decided", unit="appeals"),
        Formula(
            MeasureDefinition(
                name=Measure.OVERTURN_RATE,
                label="Overturn rate",
                kind="proportion",
                unit="share",
                better="lower",
                numerator="appeals that changed the verdict: overturned or amended",
                denominator="decided appeals",
                formula="(overturned + amended) / (upheld + overturned + amended)",
                interval=_WILSON,
                source=_WILSON_SOURCE,
            ),
            "changed",
            "decided",
            "share",
        ),
        _weighted(Measure.WEIGHTED_ACCURACY, "Weighted accuracy", "right", shape="rest"),
        _weighted(Measure.WEIGHTED_ERROR_RATE, "Weighted error rate", "wrong", shape="share"),
        _count(
            Measure.UNWEIGHTED_AUDITS,
            "Unweighted audits",
            "audits without an inclusion probability, which weighted measures leave out",
            "undrawn",
        ),
    )
}

TIME = (Dimension.DAY, Dimension.WEEK, Dimension.MONTH)
"""The dimensions that are read off the day of the audit."""

_MEANINGS = {
    Dimension.DAY: ("Day", "of the audit (`audited_at`) in the programme's time zone"),
    Dimension.WEEK: ("Week", "of the audit, named by its Monday (ISO 8601)"),
    Dimension.MONTH: ("Month", "of the audit, named by its first day"),
    Dimension.VENDOR: ("Vendor", "whose moderator decided"),
    Dimension.SITE: ("Site", "where the moderator works"),
    Dimension.QUEUE: ("Queue", "that the item was decided in"),
    Dimension.MARKET: ("Market", "of the item"),
    Dimension.LANGUAGE: ("Language", "of the item"),
    Dimension.POLICY: ("Policy", "that the moderator decided by; the auditor's may be another"),
    Dimension.ERROR_CLASS: ("Error class", "how a wrong decision was wrong"),
    Dimension.ERROR_CODE: ("Error code", "of the programme's error taxonomy"),
    Dimension.SEVERITY: ("Severity", "of the error"),
    Dimension.MODERATOR: ("Moderator", "pseudonymous; `null` once erased"),
    Dimension.AUDITOR: ("Auditor", "`null` once erased; no number by it is shown to vendors or to auditors"),
    Dimension.AUDIT_PARTY: ("Audit party", "whose quality assurance audited: the vendor's own or the client's"),
    Dimension.AUTOMATED_DETECTION: ("Automated detection", "whether a machine found the item: `true` or `false`"),
}

DEFINITIONS = Definitions(
    measures=tuple(formula.definition for formula in FORMULAS.values()),
    dimensions=tuple(
        DimensionDefinition(name=name, label=label, meaning=meaning) for name, (label, meaning) in _MEANINGS.items()
    ),
    notes=(
        (
            "Error class, error code and severity select errors, not audits. Grouped or filtered by them, a share of audits"
            " counts such errors over all audits of the other dimensions: the error rate of a code is the audits with this code"
            " over all audits, and accuracy is the share of audits without such an error. Counts and means are of the audits"
            " with such an error."
        ),
        (
            "Appeals count on the day of their audit and by its dimensions, in both views alike. Error class, code and severity"
            " are those that were appealed, whatever was decided. An appeal counts where it stands now: one that was escalated"
            " is open until arbitration has decided it."
        ),
        "adjudicated: the judgement as it stands after revisions. first_scored: as it was first recorded. Both stay for ever.",
        "An erased audit keeps counting: its verdict remains, and it belongs to nobody (`null`) by moderator and by auditor.",
        "sufficient: the denominator is at least the programme's minimum_sample; of weighted shares, the audits are.",
        (
            "Weighted: accuracy and error rate of all decisions that a sample was drawn from, whatever was audited more or less"
            " often. Each audit counts for 1 / inclusion probability decisions; audits without one are left out, and counted as"
            " unweighted_audits."
        ),
        "Ranked rows whose intervals overlap are tied: a rank says between which places a row may truly stand.",
        "A difference between two periods carries Newcombe's interval (1998, Statistics in Medicine 17:873, method 10).",
        (
            "Calibration: agreement beyond chance by Cohen, Fleiss, Gwet (AC1; AC2 with ordinal weights) and Krippendorff, with"
            " missing ratings; its interval is the coefficient and Student's t times its standard error. AC1 (AC2) is the one to"
            " go by. Alignment is the share of ratings that are the benchmark's."
        ),
        (
            "Ratings of one item go together: shares over several raters carry Wilson's interval for the effective number of"
            " ratings (Rao and Scott 1992, Biometrics 48:577; Korn and Graubard 1998, Survey Methodology 24:193). Items shown"
            " again count for repeatability alone."
        ),
    ),
)
