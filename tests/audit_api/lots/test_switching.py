"""Severity from lot to lot, by the rules of MIL-STD-105E and, over random histories, by what they forbid and demand."""

from collections.abc import Iterable
from dataclasses import replace
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit_api.lots.standard import limit_number
from audit_api.lots.switching import Judged, Standing, follow, resume
from tallystick.schemas.lot import Severity105

GOOD, BAD = Judged(accepted=True, sample=80, errors=0), Judged(accepted=False, sample=80, errors=9)
AQL = 1.0


def history(letters: str) -> list[Judged]:
    """`+` an accepted lot, `-` a rejected one, `~` a marginal one."""
    return [{"+": GOOD, "-": BAD, "~": replace(GOOD, errors=2, marginal=True)}[each] for each in letters]


def standing(lots: Iterable[Judged], start: Standing | None = None) -> Standing:
    """How the next lot is inspected, after all of these."""
    return reduce(lambda before, lot: follow(before, lot, AQL), lots, start or Standing())


@pytest.mark.parametrize(
    ("lots", "severity"),
    [
        ("", "normal"),
        ("-", "normal"),
        ("--", "tightened"),
        ("-+++-", "tightened"),
        ("-++++-", "normal"),
        ("--++++", "tightened"),
        ("--+++++", "normal"),
        ("--++++-+++++", "normal"),
        ("--+++++-", "normal"),
        ("--+++++--", "tightened"),
        ("+" * 9, "normal"),
        ("+" * 10, "reduced"),
        ("-" + "+" * 10, "reduced"),
        ("+" * 10 + "+++", "reduced"),
        ("+" * 10 + "-", "normal"),
        ("+" * 10 + "~", "normal"),
        ("+" * 10 + "--", "normal"),
        ("+" * 10 + "---", "tightened"),
    ],
)
def test_severity_follows_the_lots(lots: str, severity: str) -> None:
    """Two rejected of five make it tightened, five accepted normal again, ten accepted reduced, and one bad one normal."""
    found = standing(history(lots))

    assert found.severity == severity


def test_five_rejected_on_tightened_discontinue() -> None:
    """Whatever lies between them, unless five in a row were accepted; then the vendor has to act."""
    found = standing(history("--" + "-+" * 4 + "-"))

    assert found.severity is Severity105.DISCONTINUED
    assert standing(history("--" + "-" * 4 + "+++++" + "-")).severity is Severity105.NORMAL
    with pytest.raises(ValueError, match="discontinued until"):
        follow(found, GOOD, AQL)
    assert resume(found).severity is Severity105.TIGHTENED
    assert standing(history("+++++"), resume(found)).severity is Severity105.NORMAL
    with pytest.raises(ValueError, match="not discontinued"):
        resume(Standing())


def test_ten_accepted_lots_with_many_errors_stay_normal() -> None:
    """Of 800 units at 1 %, four errors are the limit number."""
    few = [replace(GOOD, errors=1)] * 4 + [GOOD] * 6
    many = [replace(GOOD, errors=1)] * 5 + [GOOD] * 5

    assert limit_number(800, 1.0) == 4
    assert standing(few).severity is Severity105.REDUCED
    assert standing(many).severity is Severity105.NORMAL
    assert standing([*many, GOOD]).severity is Severity105.REDUCED


def test_small_samples_take_more_than_ten_lots() -> None:
    """Ten samples of 13 are too few at 1 %; sixteen of them are 200 units and enough."""
    small = replace(GOOD, sample=13)

    assert standing([small] * 15).severity is Severity105.NORMAL
    assert standing([small] * 16).severity is Severity105.REDUCED


LOTS = st.lists(
    st.builds(
        lambda kind, sample, errors: replace(kind, sample=sample, errors=errors if kind.accepted else 9),
        st.sampled_from(history("++++++++++-~")),
        st.sampled_from([20, 50, 80, 125]),
        st.sampled_from([0, 0, 0, 1]),
    ),
    max_size=60,
)


@given(LOTS)
def test_every_change_is_demanded_and_every_demand_followed(lots: list[Judged]) -> None:
    """Told from the verdicts of each stretch alone, without the fold."""
    now, begun = Standing(), 0
    for number, lot in enumerate(lots, 1):
        stretch = lots[begun:number]
        verdicts = "".join("+" if each.accepted else "-" for each in stretch)
        after = follow(now, lot, AQL)
        if now.severity is Severity105.NORMAL:
            tighten = verdicts[-5:].count("-") >= 2
            row = len(verdicts) - (verdicts.rfind("-") + 1)
            lasts = [stretch[-count:] for count in range(10, row + 1)]
            limits = [limit_number(sum(each.sample for each in last), 1.0) for last in lasts]
            errors = [sum(each.errors for each in last) for last in lasts]
            told = [found <= limit for found, limit in zip(errors, limits, strict=True) if limit is not None]
            good = bool(told) and told[0]
            wanted = Severity105.TIGHTENED if tighten else Severity105.REDUCED if good else Severity105.NORMAL
        elif now.severity is Severity105.TIGHTENED:
            stopped = verdicts.count("-") == 5
            wanted = Severity105.DISCONTINUED if stopped else Severity105.TIGHTENED
            wanted = Severity105.NORMAL if verdicts.endswith("+++++") else wanted
        else:
            wanted = Severity105.REDUCED if lot.accepted and not lot.marginal else Severity105.NORMAL

        assert after.severity is wanted
        assert (after.stretch == ()) == (after.severity is not now.severity)
        if after.severity is Severity105.DISCONTINUED:
            after = resume(after)
        begun = number if after.stretch == () else begun
        now = after
