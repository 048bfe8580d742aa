"""A draw can be repeated by anybody, and whatever was changed about it shows."""

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factories import decision_row
from tallystick.draw import (
    FIELDS,
    Frame,
    canonical,
    commitment,
    digest_of,
    holds,
    rank,
    ranker,
    stratum_of,
    verify,
)
from tallystick.schemas.base import new_id
from tallystick.schemas.decision import Decision, Modality
from tallystick.schemas.sampling import FixedAllocation, Receipt, SamplingScope, StratumDimension

KEY = bytes(range(32))
DIMENSIONS = (StratumDimension.VENDOR, StratumDimension.QUEUE, StratumDimension.RISK)
OTHERS: dict[str, Any] = {
    "decision_id": "D-other", "site": "cairo", "queue": "comments", "market": "PL", "language": "pl", "moderator": "m-other",
    "decided_at": "2026-09-01T08:00:00.000001Z", "action": "keep", "policy": "hate", "content_ref": "item:other",
    "automated_detection": True, "automated_decision": True, "risk": "other", "modality": "video", "render_hints": ["mute"],
}  # fmt: skip
"""Another value of every field."""


def decision(decision_id: str = "D-1", **changes: Any) -> Decision:
    return Decision.model_validate(decision_row(decision_id, **changes))


def decisions(count: int = 60) -> list[Decision]:
    """Some of every stratum, and some beside the scope."""
    return [
        decision(
            f"D-{number}",
            queue=("live", "comments")[number % 2],
            risk=("high", "low", None)[number % 3],
            site=("lisbon", "cairo")[number % 5 == 0],
            moderator=f"m-{number % 7}",
        )
        for number in range(count)
    ]


def receipt(of: Sequence[Decision], each: int = 3, voided: Iterable[str] = (), **changes: Any) -> Receipt:
    """An honest receipt of a draw of `each` of every stratum, made by sorting all."""
    scope = SamplingScope(site=("lisbon",))
    voided = set(voided)
    rows = defaultdict(list)
    for one in of:
        if holds(scope, one):
            code, values = stratum_of(DIMENSIONS, one)
            rows[code].append((hmac.new(KEY, f"acme\x1f{one.decision_id}".encode(), hashlib.sha256).digest(), one, values))
    strata = []
    for code, members in sorted(rows.items()):
        ordered = [one.decision_id for _, one, _ in sorted(members, key=lambda member: member[0])]
        drawn = min(each, len(ordered))
        items: list[str] = []
        for decision_id in ordered:
            if len(items) - len(voided.intersection(items)) < drawn:
                items.append(decision_id)
        strata.append(
            {
                "stratum": code,
                "vendor": "acme",
                "values": members[0][2],
                "decisions": len(members),
                "planned": each,
                "drawn": drawn,
                "items": items,
                "voided": [decision_id for decision_id in items if decision_id in voided],
            }
        )
    frame = Frame.of(map(canonical, of))
    document: dict[str, Any] = {
        "programme": "p",
        "draw_id": new_id(),
        "vendor": "acme",
        "title": "Weekly",
        "first_day": date(2026, 8, 31),
        "last_day": date(2026, 9, 6),
        "time_zone": "Europe/Berlin",
        "scope": scope,
        "dimensions": DIMENSIONS,
        "allocation": FixedAllocation(each=each),
        "commitment": hashlib.sha256(KEY).hexdigest(),
        "committed_at": datetime(2026, 8, 30, 12, tzinfo=UTC),
        "key": KEY.hex(),
        "decisions": frame.decisions,
        "frame": frame.hex,
        "strata": strata,
    }
    return Receipt.model_validate(document | changes)


def altered(told: Receipt, place: int, **changes: Any) -> Receipt:
    """A receipt with one stratum changed."""
    strata = [stratum.model_dump() for stratum in told.strata]
    strata[place] |= changes
    return Receipt.model_validate(told.model_dump() | {"strata": strata})


def test_the_canonical_form_is_the_fields_between_separators() -> None:
    """In UTF-8, moments in UTC, hints sorted, each once."""
    plain = decision("É-1")
    full = decision(
        decided_at="2026-09-01T10:00:00.25+02:00", risk="high", render_hints=["mute", "blur", "mute"], automated_decision=True
    )
    sent = "É-1|acme|lisbon|live|ES|es|m-1|2026-09-01T08:00:00Z|remove|harassment|item:É-1|false|false||text|"
    told = "D-1|acme|lisbon|live|ES|es|m-1|2026-09-01T08:00:00.250000Z|remove|harassment|item:D-1|false|true|high|text|blur,mute"

    assert canonical(plain) == sent.replace("|", "\x1f").encode()
    assert canonical(full) == told.replace("|", "\x1f").encode()


def test_known_answers() -> None:
    """What another implementation must come to as well."""
    one = decision()
    code, values = stratum_of(DIMENSIONS, one)

    assert commitment(KEY) == "630dcd2966c4336691125448bbb25b4ff412a49c732db2c8abc1b8581bd710dd"
    assert rank(KEY, "acme", "D-1").hex() == hmac.new(KEY, b"acme\x1fD-1", "sha256").hexdigest()
    assert values == {"vendor": "acme", "queue": "live", "risk": ""}
    assert code == "s-" + hashlib.sha256(b"vendor=acme\nqueue=live\nrisk=").hexdigest()[:16]
    assert Frame.of([canonical(one)]).hex == hashlib.shake_128(canonical(one)).hexdigest(256)


@given(key=st.binary(min_size=1, max_size=200), name=st.text(st.characters(codec="utf-8"), max_size=300))
def test_ranking_many_is_ranking_one(key: bytes, name: str) -> None:
    """Whatever the key and the name."""
    assert ranker(key)(f"acme\x1f{name}".encode()) == rank(key, "acme", name)


@given(rows=st.lists(st.binary(max_size=9)), others=st.lists(st.binary(max_size=9)))
def test_frames_add_up_and_subtract(rows: list[bytes], others: list[bytes]) -> None:
    """In any order, and through what is written down."""
    both = Frame.of(rows) + Frame.of(others)

    assert both == Frame.of(sorted(rows + others))
    assert both - Frame.of(others) == Frame.of(reversed(rows))
    assert Frame.read(both.decisions, both.digest) == both
    assert both - both == Frame()


def test_a_sum_beyond_the_modulus_goes_round() -> None:
    """Digests are as long as they are."""
    rows = [b"%d" % number for number in range(50)]

    assert sum(map(digest_of, rows)) > 2**2048
    assert len(Frame.of(rows).hex) == 512


@pytest.mark.parametrize(
    ("scope", "within"),
    [
        ({}, True),
        ({"vendor": ["acme"], "queue": ["comments", "live"]}, True),
        ({"vendor": ["borealis"]}, False),
        ({"queue": ["live"], "action": ["keep"]}, False),
        ({"risk": ["high"]}, False),
        ({"automated_decision": False}, True),
        ({"automated_decision": True}, False),
    ],
)
def test_a_scope_holds_what_all_its_lists_name(scope: dict[str, Any], within: bool) -> None:
    """And everything, where it names nothing."""
    assert holds(SamplingScope.model_validate(scope), decision()) is within


@given(rows=st.permutations(decisions(24)), voided=st.sets(st.sampled_from([f"D-{number}" for number in range(24)]), max_size=5))
def test_an_honest_draw_has_no_findings(rows: list[Decision], voided: set[str]) -> None:
    """Whatever the order of the decisions, and whatever was voided and replaced."""
    assert verify(receipt(decisions(24), voided=voided), rows) == []


def test_what_is_not_the_vendors_or_not_of_the_period_is_passed_over() -> None:
    """A vendor may verify with a larger file. Days are those of the time zone."""
    beside = [
        decision("D-x", vendor="borealis", site="krakow"),
        decision("D-y", decided_at="2026-08-30T21:59:59Z"),
        decision("D-z", decided_at="2026-09-06T22:00:00Z"),
    ]
    within = [decision("D-a", decided_at="2026-08-30T22:00:00Z"), decision("D-b", decided_at="2026-09-06T21:59:59Z")]

    assert verify(receipt([*decisions(), *within]), [*decisions(), *within, *beside]) == []


def test_a_decision_that_was_sent_twice_is_drawn_once() -> None:
    """It counts twice, as it was counted."""
    twice = [decision("D-1"), decision("D-1")]
    code, values = stratum_of(DIMENSIONS, twice[0])
    told = receipt(twice)
    drawn = altered(told, 0, items=["D-1"], drawn=1)

    assert (told.decisions, told.strata[0].stratum, told.strata[0].values) == (2, code, values)
    assert verify(drawn, twice) == []


@given(place=st.integers(0, 59))
def test_a_decision_that_is_missing_shows(place: int) -> None:
    """In the frame, and where it was in the scope, in its stratum."""
    rows = decisions()
    gone = rows.pop(place)
    findings = verify(receipt(decisions()), rows)

    assert findings[0].where == "frame"
    assert (stratum_of(DIMENSIONS, gone)[0] in {finding.where for finding in findings}) is (gone.site == "lisbon")


def test_a_decision_that_was_added_shows() -> None:
    """In the frame, and in a stratum that the receipt has not."""
    findings = verify(receipt(decisions()), [*decisions(), decision("D-new", risk="extreme")])

    assert [finding.detail for finding in findings] == [
        "The receipt has 60 decisions of the period; there are 61.",
        "The receipt has no stratum of vendor acme, queue live, risk extreme: there are 1 decisions.",
    ]


@pytest.mark.parametrize("field", sorted(set(FIELDS) - {"vendor"}))
@given(place=st.integers(0, 59))
@settings(max_examples=20)
def test_a_decision_that_was_altered_shows(field: str, place: int) -> None:
    """Whichever field, and whether it was drawn or not."""
    rows = decisions()
    rows[place] = Decision.model_validate(rows[place].model_dump() | {field: OTHERS[field]})
    findings = verify(receipt(decisions()), rows)

    assert (findings != []) is (rows[place] != decisions()[place])


def test_every_field_is_in_the_canonical_form() -> None:
    """None can be altered unseen."""
    assert set(FIELDS) == set(Decision.model_fields)
    assert set(FIELDS) - {"vendor"} == set(OTHERS)


@given(data=st.data())
def test_an_item_that_was_swapped_shows(data: st.DataObject) -> None:
    """Another of the same stratum in its place."""
    told = receipt(decisions())
    place = data.draw(st.integers(0, len(told.strata) - 1))
    stratum = told.strata[place]
    members = [one.decision_id for one in decisions() if stratum_of(DIMENSIONS, one)[0] == stratum.stratum]
    swapped = data.draw(st.sampled_from([each for each in members if each not in stratum.items]))
    items = list(stratum.items)
    items[data.draw(st.integers(0, len(items) - 1))] = swapped
    findings = verify(altered(told, place, items=items), decisions())

    assert {finding.where for finding in findings} == {stratum.stratum}
    assert swapped in findings[0].detail


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        (lambda items: {"items": items[1:]}, "there should be 3 items for 3 drawn and 0 replaced; the receipt has 2."),
        (lambda items: {"items": items[::-1]}, "not in the order of their ranks"),
        (
            lambda items: {"items": [items[0], items[0], items[1]]},
            "is among the first by rank, and the receipt does not have it.",
        ),
        (lambda items: {"voided": items[:1]}, "there should be 4 items for 3 drawn and 1 replaced; the receipt has 3."),
        (lambda _: {"voided": ["D-stranger"]}, "D-stranger was voided and never drawn."),
        (lambda _: {"decisions": 99}, "The receipt has 99 decisions of vendor acme, queue "),
        (lambda items: {"drawn": 2, "items": items}, "there should be 2 items"),
        (lambda _: {"stratum": "s-0000000000000000"}, "has another code."),
    ],
)
def test_a_stratum_that_was_told_otherwise_shows(changes: Any, detail: str) -> None:
    """Fewer items, another order, some twice, voids without replacement, another size."""
    told = receipt(decisions())
    findings = verify(altered(told, 0, **changes(list(told.strata[0].items))), decisions())

    assert any(detail in finding.detail for finding in findings)


def test_strata_left_out_or_told_twice_show() -> None:
    """A receipt has each of them once."""
    told = receipt(decisions())
    fewer, more = ([*told.strata[1:]], [*told.strata, told.strata[0]])
    findings = [verify(told.model_copy(update={"strata": tuple(strata)}), decisions()) for strata in (fewer, more)]

    assert [[finding.where for finding in each] for each in findings] == [[told.strata[0].stratum]] * 2


def test_another_key_shows() -> None:
    """Since it is not the one that was committed to; and so does a commitment that came late."""
    told = receipt(decisions(), key=bytes(32).hex())
    late = receipt(decisions(), committed_at=datetime(2026, 8, 30, 22, tzinfo=UTC) + timedelta(seconds=1))

    assert verify(told, decisions())[0].where == "key"
    assert [finding.where for finding in verify(late, decisions())] == ["period"]


def test_modalities_are_told_by_their_names() -> None:
    """As they are sent."""
    assert canonical(decision(modality="live")).split(b"\x1f")[FIELDS.index("modality")] == Modality.LIVE.encode()
