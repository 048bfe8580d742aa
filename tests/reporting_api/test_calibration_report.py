"""The report on calibration: every number is one that a reader may see, stands on what it says, or says why it is none."""

import math
from io import StringIO
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import FastAPI
from rich.console import Console
from statsmodels.stats.inter_rater import aggregate_raters, cohens_kappa, fleiss_kappa, to_table

from calibration_feed import Session
from conftest import Caller
from reporting_api.reports.calibration import agreement, sheets
from reporting_api.reports.calibration.golden import Met, with_golden
from reporting_api.reports.calibration.people import Record
from reporting_api.reports.calibration.report import BEFORE_REVIEW
from reporting_api.reports.calibration.sheets import Rater
from reporting_feed import Stream
from tallystick.cli.calibration_tables import session_tables, session_trend_tables
from tallystick.schemas.calibration import SessionState
from tallystick.schemas.calibration_report import CalibrationReport, CalibrationTrend, Coefficient
from tallystick.schemas.principal import Role
from tallystick.service.database import Database

CATEGORIES = ("keep", "restrict", "remove")
SKILL = {"qa-1": 0.97, "qa-2": 0.93, "ann": 0.85, "bob": 0.45, "kim": 0.8}
POLICIES = ("harassment", "hate", "no_violation")
ITEMS, REPEATS = 60, 6

poc = pytest.mark.principal(Role.VENDOR_POC, vendor="acme")


def draw(stream: Stream, *, day: int = 0, level: str = "nominal", seed: int = 5, missing: float = 0.05) -> Session:
    """A session whose raters hit the benchmark as often as they are skilled; the last items show the first ones again."""
    chance = np.random.default_rng(seed)
    truth = chance.integers(0, 3, ITEMS)
    truth[-REPEATS:] = truth[:REPEATS]
    ratings = [
        {
            rater: None if chance.random() < missing else CATEGORIES[right if chance.random() < skill else chance.integers(3)]
            for rater, skill in SKILL.items()
        }
        for right in truth
    ]
    session = Session(stream, ratings, level=level, day=day)
    for number in range(1, ITEMS + 1):
        session.set(number, policy=POLICIES[number % 3])
    for number in range(1, REPEATS + 1):
        session.set(ITEMS - REPEATS + number, repeat_of=number)
    return session.benchmark(*(CATEGORIES[right] for right in truth))


@pytest.fixture(scope="session")
async def stream(reporting_database: Database) -> Stream:
    """Two concluded sessions, one in scoring, one that borealis has without acme, and golden items that were met."""
    stream = Stream(targets={"agreement": 0.8, "minimum_sample": 30})
    first = draw(stream).show(SessionState.CONCLUDED)
    draw(stream, day=7, level="ordinal", seed=6).show(SessionState.CONCLUDED)
    draw(stream, day=14).show(SessionState.SCORING)
    Session(stream, ({"qa-1": "keep", "kim": "remove"},) * 4, raters={"qa-1": None, "kim": "borealis"}, day=3).benchmark(
        "keep", "keep", "keep", "keep"
    ).show(SessionState.CONCLUDED)
    for number, auditor, value in ((1, "qa-1", None), (2, "qa-1", None), (3, "qa-2", "restrict"), (4, None, "keep")):
        first.golden(number, auditor, value or first.items[number - 1]["benchmark"]["value"])
    await stream.project(reporting_database)
    return stream


async def read(client: httpx.AsyncClient, stream: Stream, **query: Any) -> httpx.Response:
    """Ask for the report."""
    return await client.get("/v1/reports/calibration", params={"programme": stream.programme, **query})


async def report(client: httpx.AsyncClient, stream: Stream, session_id: str, **query: Any) -> CalibrationReport:
    answer = await read(client, stream, session=session_id, **query)
    assert answer.status_code == 200, answer.text
    return CalibrationReport.model_validate_json(answer.text)


async def trend(client: httpx.AsyncClient, stream: Stream, **query: Any) -> CalibrationTrend:
    answer = await read(client, stream, **query)
    assert answer.status_code == 200, answer.text
    return CalibrationTrend.model_validate_json(answer.text)


def sessions(stream: Stream) -> list[str]:
    """The ids of the stream's sessions, in the order in which they were made."""
    return sorted(stream.others["calibration_session"])


def items(stream: Stream, session_id: str) -> list[dict[str, Any]]:
    """A session's items that are no repeats."""
    found = [each for each in stream.others["calibration_item"].values() if each["session_id"] == session_id]
    return sorted((each for each in found if each["repeat_of"] is None), key=lambda each: each["number"])


def chosen(item: dict[str, Any]) -> dict[str, str]:
    """Category by rater."""
    return {each["rater"]: each["value"] for each in item["ratings"]}


async def test_agreement_is_that_of_the_ratings_without_repeats(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    """Percent agreement counted pair by pair; Fleiss and Cohen as statsmodels has them where nothing is missing."""
    whole = Stream()
    session = draw(whole, missing=0).show(SessionState.CONCLUDED)
    await whole.project(reporting_database)
    found = await report(reporting, whole, session.id)
    table = np.array([[CATEGORIES.index(chosen(item)[rater]) for rater in SKILL] for item in items(whole, session.id)])
    numbers = {each.coefficient: each for each in found.agreement}
    pairs = [row[one] == row[other] for row in table for one in range(5) for other in range(one)]

    assert set(numbers) == set(Coefficient)
    assert numbers[Coefficient.PERCENT_AGREEMENT].value == pytest.approx(np.mean(pairs))
    assert numbers[Coefficient.FLEISS].value == pytest.approx(fleiss_kappa(aggregate_raters(table, 3)[0]))
    assert numbers[Coefficient.FLEISS].items == ITEMS - REPEATS
    reading = numbers[Coefficient.AC1].reading
    assert numbers[Coefficient.AC1].interval is not None
    assert reading is not None
    assert reading.text.startswith("AC1 is ")
    assert (found.preferred, len(found.pairs)) == (Coefficient.AC1, 10)
    for pair in found.pairs:
        columns = [list(SKILL).index(rater) for rater in pair.raters]
        expected = cohens_kappa(to_table(table[:, columns], 3)[0])
        assert pair.cohen.value == pytest.approx(expected.kappa)
        assert pair.cohen.standard_error == pytest.approx(expected.std_kappa)


async def test_what_has_no_value_says_why(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Cohen for five raters, what needs an order without one; and with an order AC2 is what to go by."""
    nominal = await report(reporting, stream, sessions(stream)[0])
    ordinal = await report(reporting, stream, sessions(stream)[1])
    silent = {each.coefficient: each.reason for each in nominal.agreement if each.value is None}

    assert set(silent) == {Coefficient.COHEN, Coefficient.AC2, Coefficient.ALPHA_ORDINAL}
    assert silent[Coefficient.AC2] == agreement.NO_ORDER
    assert all(silent.values())
    assert [each.coefficient for each in ordinal.agreement if each.value is None] == [Coefficient.COHEN]
    assert ordinal.preferred == Coefficient.AC2
    assert {each.coefficient: each.weights for each in ordinal.agreement}[Coefficient.AC2] == "ordinal"


async def test_each_rater_stands_beside_the_benchmark_and_the_target(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Counted here once more; the interval says whether the target is met, and who is tied."""
    found = await report(reporting, stream, sessions(stream)[0])
    by_rater = {each.rater: each for each in found.alignment}

    assert [each.alignment.value for each in found.alignment] == sorted(
        (each.alignment.value or 0 for each in found.alignment), reverse=True
    )
    for rater in SKILL:
        rated = [(item["benchmark"]["value"], chosen(item).get(rater)) for item in items(stream, str(found.session.id))]
        right, given = sum(truth == value for truth, value in rated), sum(value is not None for _, value in rated)
        assert (by_rater[rater].alignment.numerator, by_rater[rater].alignment.denominator) == (right, given)
        assert (by_rater[rater].rated, by_rater[rater].missing) == (given, ITEMS - REPEATS - given)
    assert by_rater["bob"].standing == "missed"
    assert by_rater["qa-1"].standing == "met"
    assert by_rater["qa-1"].rank is not None
    assert by_rater["qa-1"].rank.tied
    together = {each.vendor: each for each in found.parties}
    assert list(together) == [None, "acme", "borealis"]
    assert together[None].difference is None
    assert together["acme"].difference is not None
    assert together["acme"].difference.clear is True
    assert [each.coefficient for each in together["acme"].with_client] == ["percent_agreement", "cohen", "ac1"]


async def test_the_confusion_and_what_divides_add_up(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Each rating is in one cell; the most divisive items are those with most differing pairs, ties marked."""
    found = await report(reporting, stream, sessions(stream)[0], limit=100)
    every = items(stream, str(found.session.id))
    cells = {
        (truth, value): sum(
            item["benchmark"]["value"] == truth and value == each for item in every for each in chosen(item).values()
        )
        for truth in CATEGORIES
        for value in CATEGORIES
    }

    assert [list(row) for row in found.confusion.counts] == [
        [cells[truth, value] for value in CATEGORIES] for truth in CATEGORIES
    ]
    assert len(found.items) == sum(len(set(chosen(item).values())) > 1 for item in every)
    shares = [each.disagreement.value or 0 for each in found.items]
    assert shares == sorted(shares, reverse=True)
    top = found.items[0]
    assert (top.rank.highest, top.rank.tied) == (1, shares.count(shares[0]) > 1)
    assert sum(top.ratings.values()) == sum(top.clauses.values()) == len(every[top.number - 1]["ratings"])
    assert {each.policy for each in found.policies} == set(POLICIES)
    assert sum(mistake.count for each in found.policies for mistake in each.mistakes) <= sum(
        count for (truth, value), count in cells.items() if truth != value
    )
    assert all(each.percent_agreement.interval for each in found.policies)


async def test_repeats_tell_of_repeatability_alone(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """What somebody chose for an item and for the same item shown again, both of which count once in all else."""
    found = await report(reporting, stream, sessions(stream)[0])
    every = {
        each["number"]: chosen(each)
        for each in stream.others["calibration_item"].values()
        if each["session_id"] == str(found.session.id)
    }
    pairs = [(every[number], every[ITEMS - REPEATS + number]) for number in range(1, REPEATS + 1)]

    for each in found.repeatability:
        both = [(one[each.rater], again[each.rater]) for one, again in pairs if each.rater in one and each.rater in again]
        assert each.repeated.numerator == sum(one == again for one, again in both)
        assert each.repeated.denominator == len(both)
    assert found.repeatability_overall.denominator == sum(each.repeated.denominator or 0 for each in found.repeatability)


async def test_who_needs_calibration_next_is_named_with_the_reason(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Those below the target first, then those of whom it is not decided; nobody who surely reaches it."""
    found = await report(reporting, stream, sessions(stream)[0])
    first = found.next.raters[0]

    assert (first.rater, first.standing) == ("bob", "missed")
    assert first.topics[0].mistakes
    assert first.reason.startswith("bob judged ")
    assert "below the target of 80%" in first.reason
    assert f"Most mistakes are on {first.topics[0].policy}" in first.reason
    assert [each.standing for each in found.next.raters] == sorted(each.standing for each in found.next.raters)
    assert "qa-1" not in {each.rater for each in found.next.raters}


async def test_golden_items_count_towards_the_alignment_of_raters_who_audit(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    """By name: alone, in the sessions and together; who needs calibration next is said of both."""
    stream = Stream(targets={"agreement": 0.8, "minimum_sample": 30})
    ratings = [{"qa-1": "keep", "ann": "keep"}] * 30
    session = Session(stream, ratings, raters={"qa-1": None, "ann": "acme"}).benchmark(*["keep"] * 30)
    session.show(SessionState.CONCLUDED)
    for number in range(1, 31):
        session.golden(number, "qa-1", "remove" if number > 10 else "keep")
    session.golden(1, "qa-9", "keep")
    await stream.project(reporting_database)
    for found in (await report(reporting, stream, session.id), await trend(reporting, stream)):
        first, second = found.golden.auditors

        assert [each.auditor for each in found.golden.auditors] == ["qa-9", "qa-1"]
        shares = [each.value for each in (second.alignment, second.rated, second.together)]
        assert shares == pytest.approx([1 / 3, 1, 2 / 3])
        assert (second.standing, second.together.denominator) == ("missed", 60)
        assert (first.rated.value, first.together.denominator, first.rank.lowest if first.rank else None) == (None, 1, 2)
        assert first.rated.reason
        assert {each.rater: each.alignment.value for each in found.alignment} == {"qa-1": 1, "ann": 1}
        [needy] = found.next.raters
        assert needy.reason == (
            "qa-1 judged 40 of 60 items, 30 of them hidden in everyday work, as the benchmark does (67%, 54% to 77%): below the"
            " target of 80%. Most mistakes are on harassment (20): most often remove in the place of keep, 20 times."
        )


def test_whose_golden_items_they_were_is_not_guessed() -> None:
    """Where two raters share a name, nothing is added to either; where nothing may be known, to nobody."""
    people = [Record(Rater("sam", None)), Record(Rater("sam", "acme")), Record(Rater("ann", None))]
    met = (Met("sam", "hate", "keep", "keep", 2), Met("ann", "hate", "keep", "keep", 3), Met(None, "hate", "keep", "keep", 4))

    assert [each.right["hate"] for each in with_golden(people, met)] == [0, 0, 3]
    assert with_golden(people, None) == people
    assert people[2].golden == 0


async def test_golden_items_tell_of_everyday_work(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Of auditors, erased ones among them, over the items of the sessions that the report is about."""
    one, other = [await report(reporting, stream, each) for each in sessions(stream)[:2]]
    by_auditor = {each.auditor: each.alignment for each in one.golden.auditors}

    assert (by_auditor["qa-1"].numerator, by_auditor["qa-1"].denominator) == (2, 2)
    assert set(by_auditor) == {"qa-1", "qa-2", None}
    assert one.golden.overall.denominator == 4
    assert (other.golden.overall.value, other.golden.auditors) == (None, ())
    assert other.golden.reason


async def test_the_trend_has_concluded_sessions_one_after_the_other(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Each with the numbers of its own report, the change from the one before, and its raters over all of them."""
    found = await trend(reporting, stream)
    first = await report(reporting, stream, sessions(stream)[0])
    numbers = {each.coefficient: each for each in first.agreement}

    assert [each.session.title for each in found.sessions] == [f"Calibration of day {day}" for day in (0, 3, 7)]
    assert [each.state for each in found.open] == [SessionState.SCORING]
    assert found.sessions[0].agreement == numbers[Coefficient.AC1]
    assert found.sessions[0].percent_agreement == numbers[Coefficient.PERCENT_AGREEMENT]
    assert found.sessions[0].change is None
    for name in ("parties", "policies", "confusion"):
        assert getattr(found.sessions[0], name) == getattr(first, name)
    assert found.sessions[0].coefficients == first.agreement
    assert found.sessions[0].repeatability == first.repeatability_overall
    assert found.sessions[2].change is not None
    assert found.sessions[2].change.reason  # another kind of scale, so there is nothing to compare
    kim = next(each for each in found.alignment if each.rater == "kim")
    assert kim.rated > next(each for each in first.alignment if each.rater == "kim").rated + 40
    assert found.scope.period is not None
    assert (str(found.scope.period.from_), str(found.scope.period.to)) == ("2026-09-01", "2026-09-09")
    assert found.golden.overall.denominator == 4
    narrowed = await trend(reporting, stream, **{"from": "2026-09-03", "to": "2026-09-05"})
    assert [each.session.title for each in narrowed.sessions] == ["Calibration of day 3"]
    assert len((await trend(reporting, stream, limit=1)).sessions) == 1


async def test_a_report_can_be_narrowed_to_clauses(reporting: httpx.AsyncClient, stream: Stream) -> None:
    found = await report(reporting, stream, sessions(stream)[0], policy=["hate", "harassment"])

    assert {each.policy for each in found.policies} == {"hate", "harassment"}
    assert found.agreement[0].items == sum(item["policy"] != "no_violation" for item in items(stream, sessions(stream)[0]))


@poc
async def test_a_vendors_report_is_computed_over_its_own_raters_and_the_clients(
    reporting: httpx.AsyncClient, reporting_app: Any, caller: Any, stream: Stream
) -> None:
    """It says so, names no other vendor and no golden item, and is what the client reads when narrowed to that vendor."""
    of = sessions(stream)[0]
    answer = await read(reporting, stream, session=of)
    found = CalibrationReport.model_validate_json(answer.text)
    client = caller(reporting_app, Role.ANALYST)
    narrowed = await report(client, stream, of, vendor="acme")

    assert "kim" not in answer.text
    assert "borealis" not in answer.text
    assert {each.rater for each in found.alignment} == {"qa-1", "qa-2", "ann", "bob"}
    assert found.scope.raters == "The client's raters and those of acme; sessions may have others, who are not counted here."
    assert found.agreement == narrowed.agreement != (await report(client, stream, of)).agreement
    assert found.confusion == narrowed.confusion
    assert {each.rater for each in narrowed.alignment} == {"qa-1", "qa-2", "ann", "bob"}
    assert {each.vendor for each in found.next.raters} == {"acme"}
    assert found.golden.auditors == ()
    assert found.golden.overall.denominator == 0
    over = await read(reporting, stream)
    assert "kim" not in over.text
    assert len(over.json()["sessions"]) == 2


async def test_who_audits_is_told_nothing_of_golden_items(reporting_app: FastAPI, caller: Caller, stream: Stream) -> None:
    """Not by an analyst's role besides either, nor from the memory of what others asked."""
    told = [
        CalibrationTrend.model_validate_json((await read(caller(reporting_app, *roles), stream)).content).golden
        for roles in ((Role.ANALYST,), (Role.ANALYST, Role.AUDITOR), (Role.ADMIN, Role.AUDITOR))
    ]

    assert [golden.overall.denominator for golden in told] == [4, 0, 4]
    assert told[1].auditors == ()


@poc
async def test_sessions_without_the_vendor_are_not_there_for_it(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """They answer as those that never were; and asked for other vendors, there is nothing."""
    [of] = [each["id"] for each in stream.others["calibration_session"].values() if each["title"] == "Calibration of day 3"]
    foreign, nowhere = [await read(reporting, stream, session=each) for each in (of, "01900000-0000-7000-8000-000000000000")]
    elsewhere = await read(reporting, stream, vendor="borealis")

    assert foreign.status_code == nowhere.status_code == 404
    assert foreign.json()["detail"] == nowhere.json()["detail"]
    assert (elsewhere.json()["sessions"], elsewhere.json()["open"], elsewhere.json()["alignment"]) == ([], [], [])
    assert (await read(reporting, stream, vendor="borealis", session=sessions(stream)[0])).status_code == 404


async def test_before_review_nothing_of_ratings_is_told(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    """Not even if the feed showed some: every number is null with its reason, and no item and no benchmark is there."""
    stream = Stream()
    session = draw(stream).show(SessionState.REVIEW)
    stream.show("calibration_session", {**stream.others["calibration_session"][session.id], "state": SessionState.SCORING})
    await stream.project(reporting_database)
    answer = await read(reporting, stream, session=session.id)
    found = CalibrationReport.model_validate_json(answer.text)

    assert found.reason
    assert {each.value for each in found.agreement} == {None}
    assert all(each.reason for each in found.agreement)
    assert {(each.rated, each.alignment.value) for each in found.alignment} == {(0, None)}
    assert (found.items, found.policies, found.pairs, found.next.raters) == ((), (), (), ())
    assert found.items_reason
    assert found.policies_reason
    assert found.pairs_reason
    assert found.next.reason
    assert not any(map(any, found.confusion.counts))
    assert found.confusion.reason
    assert "item:" not in answer.text
    assert (await trend(reporting, stream)).sessions == ()


async def test_a_draft_is_not_there(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    stream = Stream()
    session = draw(stream).show(SessionState.DRAFT)
    await stream.project(reporting_database)

    assert (await read(reporting, stream, session=session.id)).status_code == 404
    assert (await trend(reporting, stream)).open == ()


@pytest.mark.parametrize(
    ("ratings", "reason"),
    [
        ((), "Nothing has been rated."),
        (({"qa-1": "keep"}, {"qa-1": "remove"}), "There is only one rater, who has nobody to agree with."),
        (({"qa-1": "keep"}, {"qa-2": "remove"}), "No item has been rated by two of the raters."),
        (({"qa-1": "keep", "qa-2": "keep"},) * 3, "All ratings are in one category"),
    ],
)
async def test_degenerate_sessions_have_reasons_and_no_numbers_by_accident(
    reporting: httpx.AsyncClient, reporting_database: Database, ratings: Any, reason: str
) -> None:
    """Nothing rated, one rater, nothing in common, one category: `null`, never NaN and never 0 or 1."""
    stream = Stream()
    session = Session(stream, ratings, target=None).show(SessionState.REVIEW)
    await stream.project(reporting_database)
    found = await report(reporting, stream, session.id)
    numbers = {each.coefficient: each for each in found.agreement}

    assert numbers[Coefficient.FLEISS].value is None
    assert (numbers[Coefficient.FLEISS].reason or "").startswith(reason)
    assert all(each.value is not None or each.reason for each in found.agreement)
    assert {each.standing for each in found.alignment} == {"no_target"}
    assert found.next.reason
    assert found.repeatability_overall.reason
    assert found.confusion.reason
    assert all(each.alignment.reason for each in found.alignment)


async def test_where_one_category_dominates_the_report_says_why_it_prefers_ac1(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    """118, 5 and 2: percent agreement .944, kappa below 0, AC1 .941."""
    stream = Stream()
    cells = ((118, "keep", "keep"), (5, "keep", "remove"), (2, "remove", "keep"))
    ratings = [{"qa-1": one, "qa-2": other} for count, one, other in cells for _ in range(count)]
    session = Session(stream, ratings, categories=("keep", "remove")).show(SessionState.REVIEW)
    await stream.project(reporting_database)
    found = await report(reporting, stream, session.id)
    numbers = {each.coefficient: each.value or 0 for each in found.agreement}

    assert math.isclose(numbers[Coefficient.PERCENT_AGREEMENT], 0.944)
    assert round(numbers[Coefficient.COHEN], 3) == -0.023
    assert round(numbers[Coefficient.AC1], 3) == 0.941
    assert found.preferred_because.startswith("Most ratings are keep. ")


async def test_an_answer_is_kept_until_something_changes(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """The same tag answers 304; and what would be too much for one answer is refused."""
    first = await read(reporting, stream, session=sessions(stream)[0])
    again = await reporting.get(
        "/v1/reports/calibration",
        params={"programme": stream.programme, "session": sessions(stream)[0]},
        headers={"If-None-Match": first.headers["etag"]},
    )

    assert again.status_code == 304
    assert (await read(reporting, stream, session=sessions(stream)[0])).content == first.content


async def test_the_command_shows_both(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """As tables that say what has no value too."""
    console = Console(width=200, record=True, file=StringIO())
    console.print(session_tables(await report(reporting, stream, sessions(stream)[0])))
    console.print(session_tables(await report(reporting, stream, sessions(stream)[2])))
    console.print(session_trend_tables(await trend(reporting, stream)))
    text = console.export_text()

    assert "Calibration of day 0: concluded, 60 items, 5 raters" in text
    assert "Cohen's kappa is of two raters: see the pairs." in text
    assert "bob judged " in text
    assert text.count("Golden items in everyday work") == 2
    assert BEFORE_REVIEW in text
    assert f"Calibration of day 14 ({sessions(stream)[2]}): in scoring, ratings until 2026-09-16 09:00 UTC" in text


async def test_a_trend_of_too_many_ratings_is_refused(
    reporting: httpx.AsyncClient, stream: Stream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheets, "MOST_RATINGS", 100)
    answer = await read(reporting, stream, limit=99)

    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "query:limit")
