"""`GET /v1/metrics`: what it answers, to whom, and at what cost."""

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from conftest import Caller
from reporting_api.metrics.answer import _over_all
from reporting_api.metrics.definitions import DEFINITIONS, FORMULAS
from reporting_api.metrics.sums import MAX_GROUPS, NOTHING, Cut, Key, Sums
from reporting_api.projection.cursors import start_anew
from reporting_api.projection.worker import SERVICE
from reporting_feed import Stream, error
from tallystick.schemas.metric import Dimension, Measure, View
from tallystick.schemas.principal import Role
from tallystick.service.auth import Principal
from tallystick.service.database import Database, ReadSession
from tallystick.service.problems import InvalidRequest
from waiting import turns


@pytest.fixture(scope="session")
async def stream(reporting_database: Database) -> Stream:
    """Ten audits of two vendors on two days, three of them wrong; one was judged wrong at first and put right."""
    stream = Stream()
    for _ in range(4):
        stream.create(vendor="acme", site="lisbon", day=date(2026, 9, 1))
    stream.create(error("FN-HARASS", "false_negative", "critical"), vendor="acme", site="lisbon", day=date(2026, 9, 8))
    stream.create(
        error("FP-HARASS", "false_positive", "minor"), vendor="acme", site="cairo", queue="comments", day=date(2026, 9, 8)
    )
    for _ in range(2):
        stream.create(
            {"verdict": "correct", "quality_score": 0.5, **dict.fromkeys(("error_class", "error_code", "severity"))},
            vendor="borealis",
            site="krakow",
            moderator="m-9",
            auditor="qa-9",
            day=date(2026, 9, 1),
        )
    stream.create(error("FN-HARASS"), vendor="borealis", site="krakow", day=date(2026, 9, 8), handling_time_s=None)
    corrected = stream.create(error("FN-HARASS"), vendor="borealis", site="krakow", day=date(2026, 9, 8))
    await stream.project(reporting_database)
    stream.revise(corrected, {"verdict": "correct", **dict.fromkeys(("error_class", "error_code", "severity"))})
    await stream.project(reporting_database)
    return stream


async def _metrics(client: httpx.AsyncClient, stream: Stream, **query: Any) -> dict[str, Any]:
    answer = await client.get("/v1/metrics", params={"programme": stream.programme, **query})
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    return document


def _values(document: dict[str, Any], measure: str) -> dict[tuple[str | None, ...], Any]:
    return {tuple(row["dimensions"].values()): row["numbers"][measure]["value"] for row in document["rows"]}


async def test_a_number_says_what_it_stands_on(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Value, numerator, denominator, interval with level and method, and whether the sample suffices."""
    document = await _metrics(reporting, stream, measure="accuracy")

    assert document["rows"] == [
        {
            "dimensions": {},
            "numbers": {
                "accuracy": {
                    "value": 0.7,
                    "numerator": 7,
                    "denominator": 10,
                    "interval": {
                        "low": pytest.approx(0.3968, abs=1e-4),
                        "high": pytest.approx(0.8922, abs=1e-4),
                        "level": 0.95,
                        "method": "wilson",
                    },
                    "sufficient": False,
                    "reason": None,
                }
            },
            "previous": None,
            "change": None,
            "rank": None,
        }
    ]


async def test_an_answer_states_its_scope(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Programme, filters, view, period with time zone, the position of the stream, and where the definitions are."""
    document = await _metrics(reporting, stream, vendor=["acme", "borealis"])

    assert document["scope"] == {
        "programme": stream.programme,
        "filters": {"vendor": ["acme", "borealis"]},
        "view": "adjudicated",
        "period": {"from": "2026-09-01", "to": "2026-09-09", "time_zone": "Europe/Berlin"},
        "epoch": "00000000-0000-0000-0000-000000000007",
        "position": stream.position,
        "definitions": "/reporting/v1/metrics/definitions",
    }


async def test_every_measure(reporting: httpx.AsyncClient, stream: Stream) -> None:
    document = await _metrics(reporting, stream, measure=[measure.value for measure in Measure])

    assert {
        name: (each["value"], each["numerator"], each["denominator"]) for name, each in document["rows"][0]["numbers"].items()
    } == {
        "audits": (10, 10, None),
        "errors": (3, 3, None),
        "accuracy": (0.7, 7, 10),
        "critical_accuracy": (0.9, 9, 10),
        "error_rate": (0.3, 3, 10),
        "false_positive_rate": (0.1, 1, 10),
        "false_negative_rate": (0.2, 2, 10),
        "quality_score": (0.5, 1.0, 2),
        "handling_time": (30.0, 270, 9),
        "appeals": (0, 0, None),
        "appeal_rate": (0.0, 0, 10),
        "decided_appeals": (0, 0, None),
        "overturn_rate": (None, 0, 0),
        "weighted_accuracy": (None, 0, 0),
        "weighted_error_rate": (None, 0, 0),
        "unweighted_audits": (10, 10, None),
    }


async def test_appeals_count_by_their_audits_and_by_the_error_that_was_appealed(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    """On the audit's day, by its auditor, in both views; an overturned error is gone from the audit and not from the appeal."""
    stream = Stream()
    wrong = [stream.create(error(), day=date(2026, 9, 1)) for _ in range(4)]
    severe = stream.create(error("FP-HARASS", "false_positive", "critical"), day=date(2026, 9, 8), auditor="qa-2")
    stream.create(day=date(2026, 9, 8), site="cairo", auditor="qa-2")
    appeals = [stream.appeal(audit_id) for audit_id in (*wrong[:3], severe)]
    for appeal_id, outcome in zip(appeals, ("upheld", "overturned", "withdrawn", "amended"), strict=True):
        stream.decide(appeal_id, outcome)
    stream.decide(stream.appeal(wrong[1]), "upheld")  # the verdict it was given is appealed by the vendor as well
    await stream.project(reporting_database)
    asked = {"measure": ["appeals", "appeal_rate", "decided_appeals", "overturn_rate"]}

    async def ask(**query: Any) -> dict[tuple[str | None, ...], list[tuple[Any, Any, Any]]]:
        document = await _metrics(reporting, stream, **asked, **query)
        return {
            tuple(row["dimensions"].values()): [
                (number["numerator"], number["denominator"], bool(number["interval"])) for number in row["numbers"].values()
            ]
            for row in document["rows"]
        }

    assert await ask() == {(): [(5, None, False), (4, 6, True), (4, None, False), (2, 4, True)]}
    assert await ask(by="auditor", view="first_scored") == {
        ("qa-1",): [(4, None, False), (3, 4, True), (3, None, False), (1, 3, True)],
        ("qa-2",): [(1, None, False), (1, 2, True), (1, None, False), (1, 1, True)],
    }
    assert await ask(by=["site", "error_code"], **{"from": "2026-09-08", "to": "2026-09-09"}) == {
        ("cairo", "FP-HARASS"): [(0, None, False), (0, 1, True), (0, None, False), (0, 0, False)],
        ("lisbon", "FP-HARASS"): [(1, None, False), (1, 1, True), (1, None, False), (1, 1, True)],
    }
    assert await ask(error_code="FN-HARASS") == {(): [(3, None, False), (3, 6, True), (2, None, False), (1, 2, True)]}


async def test_both_views_stay_readable(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """An error that a revision took back still counts as first scored."""
    adjudicated = await _metrics(reporting, stream, measure="errors", by="vendor")
    first_scored = await _metrics(reporting, stream, measure="errors", by="vendor", view="first_scored")

    assert _values(adjudicated, "errors") == {("acme",): 2, ("borealis",): 1}
    assert _values(first_scored, "errors") == {("acme",): 2, ("borealis",): 2}


async def test_weeks_and_vendors(reporting: httpx.AsyncClient, stream: Stream) -> None:
    document = await _metrics(reporting, stream, by=["week", "vendor"], measure=["audits", "accuracy"])

    assert _values(document, "accuracy") == {
        ("2026-08-31", "acme"): 1,
        ("2026-08-31", "borealis"): 1,
        ("2026-09-07", "acme"): 0,
        ("2026-09-07", "borealis"): 0.5,
    }


async def test_repeated_filters_mean_or_and_different_ones_and(reporting: httpx.AsyncClient, stream: Stream) -> None:
    document = await _metrics(reporting, stream, measure="audits", site=["cairo", "krakow"], vendor="acme", by="site")

    assert _values(document, "audits") == {("cairo",): 1}


async def test_the_period_ends_before_its_last_day(reporting: httpx.AsyncClient, stream: Stream) -> None:
    document = await _metrics(reporting, stream, measure="audits", **{"from": "2026-09-01", "to": "2026-09-08"})

    assert _values(document, "audits") == {(): 6}


async def test_error_dimensions_narrow_errors_and_not_audits(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """The error rate of a code is over all audits; a code that did not occur at a vendor is 0 there, and no gap."""
    document = await _metrics(reporting, stream, by=["vendor", "error_code"], measure=["errors", "error_rate", "accuracy"])
    rates = {tuple(row["dimensions"].values()): row["numbers"]["error_rate"] for row in document["rows"]}

    assert {key: (each["numerator"], each["denominator"]) for key, each in rates.items()} == {
        ("acme", "FN-HARASS"): (1, 6),
        ("acme", "FP-HARASS"): (1, 6),
        ("borealis", "FN-HARASS"): (1, 4),
        ("borealis", "FP-HARASS"): (0, 4),
    }
    assert _values(document, "accuracy")["acme", "FN-HARASS"] == pytest.approx(5 / 6)
    filtered = await _metrics(reporting, stream, error_class="false_negative", measure=["error_rate", "audits"])
    assert filtered["rows"][0]["numbers"]["error_rate"]["value"] == 0.2
    assert filtered["rows"][0]["numbers"]["audits"]["value"] == 2


async def test_nothing_to_divide_by_is_null_with_a_reason(reporting: httpx.AsyncClient, stream: Stream) -> None:
    document = await _metrics(
        reporting, stream, vendor="nobody", measure=["accuracy", "quality_score", "handling_time", "audits"]
    )
    numbers = document["rows"][0]["numbers"]

    assert {name: (each["value"], each["interval"], bool(each["reason"])) for name, each in numbers.items()} == {
        "accuracy": (None, None, True),
        "quality_score": (None, None, True),
        "handling_time": (None, None, True),
        "audits": (0, None, False),
    }


async def test_ranked_rows_whose_intervals_overlap_are_tied(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    stream = Stream()
    for site, wrong in (("lisbon", 40), ("cairo", 42), ("krakow", 2)):
        for place in range(100):
            stream.create(error() if place < wrong else None, site=site)
    await stream.project(reporting_database)
    document = await _metrics(reporting, stream, by="site", measure="error_rate", order="-error_rate", limit=2)

    assert document["groups"] == 3
    assert [(row["dimensions"]["site"], row["rank"]) for row in document["rows"]] == [
        ("cairo", {"highest": 1, "lowest": 2, "tied": True}),
        ("lisbon", {"highest": 1, "lowest": 2, "tied": True}),
    ]
    best = await _metrics(reporting, stream, by="site", measure="error_rate", order="error_rate", limit=1)
    assert best["rows"][0]["rank"] == {"highest": 1, "lowest": 1, "tied": False}


async def test_a_comparison_carries_the_interval_of_the_difference(reporting: httpx.AsyncClient, stream: Stream) -> None:
    document = await _metrics(
        reporting,
        stream,
        measure=["accuracy", "audits", "handling_time"],
        compare="previous_period",
        by="vendor",
        **{"from": "2026-09-08", "to": "2026-09-15"},
    )
    acme = document["rows"][0]

    assert document["previous_period"] == {"from": "2026-09-01", "to": "2026-09-08", "time_zone": "Europe/Berlin"}
    assert (acme["numbers"]["accuracy"]["value"], acme["previous"]["accuracy"]["value"]) == (0, 1)
    assert acme["change"]["accuracy"]["value"] == -1
    assert acme["change"]["accuracy"]["interval"]["method"] == "newcombe"
    assert acme["change"]["accuracy"]["clear"] is True
    assert acme["change"]["audits"] == {"value": -2, "interval": None, "clear": None, "reason": None}


@pytest.mark.parametrize("query", [{"from": "2199-01-01"}, {"to": "1970-01-01"}, {"from": "1970-01-01", "to": "2199-12-31"}])
async def test_periods_without_or_beyond_all_audits_have_answers(
    reporting: httpx.AsyncClient, stream: Stream, query: dict[str, str]
) -> None:
    document = await _metrics(reporting, stream, measure="audits", **query)

    assert document["rows"][0]["numbers"]["audits"]["value"] == (10 if len(query) == 2 else 0)


async def test_a_large_question_keeps_nobody_waiting(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    """Thousands of rows are made into numbers with turns for others in between, and no more of them than are shown."""
    large = Stream()
    for place in range(800):
        large.create(error(f"E-{place % 40}"), moderator=f"m-{place % 40}", day=date(2026, 9, 1 + place // 40))
    await large.project(reporting_database)
    asked = {"measure": ["errors", "error_rate"], "by": ["day", "moderator", "error_code"], "limit": 10}
    async with turns() as waited:
        documents = [await _metrics(reporting, large, **asked), await _metrics(reporting, large, **asked, order="-error_rate")]

    assert [len(document["rows"]) for document in documents] == [10, 10]
    assert documents[0]["groups"] == documents[1]["groups"] == 32_000
    assert max(waited) < 0.6 * sum(waited)


async def test_totals_are_of_all_rows(reporting: httpx.AsyncClient, stream: Stream) -> None:
    document = await _metrics(reporting, stream, by="site", measure="audits", totals=True, limit=1)

    assert len(document["rows"]) == 1
    assert document["totals"]["numbers"]["audits"]["value"] == 10


async def test_an_erased_person_is_null(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    stream = Stream()
    stream.erase(stream.create(error()))
    await stream.project(reporting_database)

    assert _values(await _metrics(reporting, stream, by="moderator", measure="errors"), "errors") == {(None,): 1}


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"measure": "beauty"}, "query:measure.0"),
        ({"by": "colour"}, "query:by.0"),
        ({"by": ["vendor", "site", "queue", "market"]}, "query:by"),
        ({"by": ["day", "week"]}, "query:by"),
        ({"vendro": "acme"}, "query:vendro"),
        ({"from": "2026-09-02", "to": "2026-09-02"}, "query:to"),
        ({"from": "0001-01-01"}, "query:from"),
        ({"from": "86400"}, "query:from"),
        ({"to": "9999-12-31"}, "query:to"),
        ({"compare": "previous_period"}, "query:compare"),
        ({"compare": "previous_period", "by": "week", "from": "2026-09-01", "to": "2026-09-08"}, "query:compare"),
        ({"order": "errors"}, "query:order"),
        ({"limit": 0}, "query:limit"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_by_name(
    reporting: httpx.AsyncClient, stream: Stream, query: dict[str, Any], pointer: str
) -> None:
    answer = await reporting.get("/v1/metrics", params={"programme": stream.programme, **query})

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [each["pointer"] for each in answer.json()["errors"]] == [pointer]


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The statements that sessions run from now on, in SQL."""
    seen: list[str] = []

    def noting(run: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
        def noted(session: ReadSession, statement: Any, *rest: Any, **parameters: Any) -> Awaitable[Any]:
            seen.append(str(statement))
            return run(session, statement, *rest, **parameters)

        return noted

    for name in ("rows", "execute"):
        monkeypatch.setattr(ReadSession, name, noting(getattr(ReadSession, name)))
    return seen


async def test_a_reader_that_has_the_numbers_is_told_so_before_they_are_summed(
    reporting: httpx.AsyncClient, stream: Stream, statements: list[str]
) -> None:
    """304 costs one statement, on the cursor, and none over facts or sums."""
    query = {"programme": stream.programme, "by": "vendor", "from": "2026-09-01", "to": "2026-10-01"}
    first = await reporting.get("/v1/metrics", params=query)
    statements.clear()
    second = await reporting.get("/v1/metrics", params=query, headers={"If-None-Match": first.headers["etag"]})

    assert (second.status_code, second.content, second.headers["etag"]) == (304, b"", first.headers["etag"])
    assert ["cursors" in statement for statement in statements] == [True]


@pytest.mark.parametrize("path", ["metrics", "reports/quality-summary", "reports/appeals", "charts/error-pareto"])
async def test_half_built_numbers_are_not_served(reporting: httpx.AsyncClient, reporting_database: Database, path: str) -> None:
    """503 until the end of the feed was reached once, in a rebuild as at first; from then on numbers, though more is to read."""
    stream = Stream()
    for _ in range(5):
        stream.create()

    async def status() -> int:
        answer = await reporting.get(f"/v1/{path}", params={"programme": stream.programme})
        assert (answer.status_code == 503) == ("retry-after" in answer.headers)
        return answer.status_code

    unknown = await status()
    await stream.project(reporting_database, limit=2, pages=2)
    first = await status()
    await stream.project(reporting_database)
    built = await status()
    for _ in range(5):
        stream.create()
    await stream.project(reporting_database, limit=2, pages=1)
    behind = await status()
    async with reporting_database.writing(SERVICE) as session:
        await start_anew(session, stream.programme)
    forgotten = await status()
    await stream.project(reporting_database, limit=2, pages=2)
    again = await status()
    await stream.project(reporting_database)

    assert (unknown, first, built, behind, forgotten, again, await status()) == (404, 503, 200, 200, 503, 503, 200)


async def test_a_rebuild_at_the_same_position_has_another_etag(
    reporting: httpx.AsyncClient, reporting_database: Database
) -> None:
    stream = Stream()
    stream.create()
    await stream.project(reporting_database)
    query = {"programme": stream.programme}
    before = await reporting.get("/v1/metrics", params=query)
    async with reporting_database.writing(SERVICE) as session:
        await start_anew(session, stream.programme)
    await stream.project(reporting_database)
    after = await reporting.get("/v1/metrics", params=query, headers={"If-None-Match": before.headers["etag"]})

    assert after.status_code == 200
    assert after.json() == before.json()


async def test_the_etag_names_the_stream_and_the_question(reporting: httpx.AsyncClient, reporting_database: Database) -> None:
    stream = Stream()
    stream.create()
    await stream.project(reporting_database)
    query = {"programme": stream.programme}
    tags = [(await reporting.get("/v1/metrics", params=query)).headers["etag"]]
    tags.append((await reporting.get("/v1/metrics", params=query | {"by": "site"})).headers["etag"])
    stream.create()
    await stream.project(reporting_database)
    tags.append((await reporting.get("/v1/metrics", params=query)).headers["etag"])

    assert len(set(tags)) == 3


async def test_the_dashboards_question_takes_few_statements(
    reporting: httpx.AsyncClient, stream: Stream, statements: list[str]
) -> None:
    """How far the numbers stand, and the sums: two statements besides the one that says who asks, whatever the number of rows."""
    query = {"programme": stream.programme, "by": ["week", "vendor", "site"], "from": "2026-08-31", "to": "2026-10-01"}
    await reporting.get("/v1/metrics", params=query)

    assert ["sum(" in statement for statement in statements] == [False, True]


@pytest.mark.principal(Role.VENDOR_POC, vendor="acme")
@pytest.mark.parametrize(
    ("asked", "stated", "audits"),
    [
        ([], ["acme"], 6),
        (["acme"], ["acme"], 6),
        (["acme", "borealis"], ["acme"], 6),
        (["borealis"], ["borealis"], 0),
        (["borealis", "nobody"], ["borealis", "nobody"], 0),
    ],
)
async def test_an_answer_to_a_vendor_states_whom_it_is_about(
    reporting: httpx.AsyncClient, stream: Stream, asked: list[str], stated: list[str], audits: int
) -> None:
    """Its own vendor where that is among those it asks for, or asks for none; else those it asked for, and nothing of them."""
    document = await _metrics(reporting, stream, measure="audits", vendor=asked)

    assert (document["scope"]["filters"], _values(document, "audits")) == ({"vendor": stated}, {(): audits})


@pytest.mark.principal(Role.VENDOR_POC, vendor="acme")
async def test_a_vendor_sees_its_own_numbers_alone(reporting: httpx.AsyncClient, stream: Stream) -> None:
    """Overall, by vendor, by error and by moderator; another vendor's name finds nothing."""
    assert _values(await _metrics(reporting, stream, measure="audits"), "audits") == {(): 6}
    assert _values(await _metrics(reporting, stream, measure="audits", by="vendor"), "audits") == {("acme",): 6}
    assert _values(await _metrics(reporting, stream, measure="errors", by="error_code"), "errors") == {
        ("FN-HARASS",): 1,
        ("FP-HARASS",): 1,
    }
    assert _values(await _metrics(reporting, stream, measure="audits", by="moderator"), "audits") == {("m-1",): 6}
    assert _values(await _metrics(reporting, stream, measure="audits", vendor="borealis"), "audits") == {(): 0}


@pytest.mark.principal(Role.VENDOR_POC, vendor="acme")
@pytest.mark.parametrize("query", [{"by": "auditor"}, {"auditor": "qa-1"}])
async def test_auditors_are_not_shown_to_vendors(reporting: httpx.AsyncClient, stream: Stream, query: dict[str, str]) -> None:
    answer = await reporting.get("/v1/metrics", params={"programme": stream.programme, **query})

    assert answer.status_code == 403


async def test_whoever_decides_appeals_blind_cannot_ask_the_numbers_instead(
    reporting_app: FastAPI, caller: Caller, stream: Stream
) -> None:
    """An auditor who may read numbers too is told none by auditor; analysts are, and auditors who manage the others."""
    readers = [
        caller(reporting_app, *roles)
        for roles in ((Role.AUDITOR, Role.ANALYST), (Role.ANALYST,), (Role.AUDITOR, Role.QUALITY_MANAGER))
    ]
    of = {"programme": stream.programme}
    by = [(await each.get("/v1/metrics", params={**of, "by": "auditor"})).status_code for each in readers]
    narrowed = [(await each.get("/v1/reports/quality-summary", params={**of, "auditor": "qa-1"})).status_code for each in readers]
    reports = [(await each.get("/v1/reports/appeals", params=of)) for each in readers]

    assert by == narrowed == [403, 200, 200]
    assert [answer.json()["auditors"] is None for answer in reports] == [True, False, False]
    assert reports[0].headers["etag"] != reports[1].headers["etag"]


@pytest.mark.principal(Role.VENDOR_POC, vendor="stranger")
async def test_a_programme_of_other_vendors_does_not_exist(reporting: httpx.AsyncClient, stream: Stream) -> None:
    other = await reporting.get("/v1/metrics", params={"programme": stream.programme})
    nothing = await reporting.get("/v1/metrics", params={"programme": "no-such-programme"})

    assert other.status_code == nothing.status_code == 404
    assert other.json()["detail"] == nothing.json()["detail"]


@pytest.mark.principal(Role.ANALYST, programmes=("another",))
async def test_a_programme_that_is_not_the_callers_does_not_exist(reporting: httpx.AsyncClient, stream: Stream) -> None:
    assert (await reporting.get("/v1/metrics", params={"programme": stream.programme})).status_code == 404


@pytest.mark.parametrize(
    ("role", "vendor", "status"),
    [
        (Role.ADMIN, None, 200),
        (Role.QUALITY_MANAGER, None, 200),
        (Role.ANALYST, None, 200),
        (Role.AUDITOR, None, 403),
        (Role.VENDOR_POC, "acme", 200),
        (Role.VENDOR_SYSTEM, "acme", 403),
    ],
)
async def test_who_may_read_numbers(
    reporting_app: FastAPI, caller: Any, stream: Stream, role: Role, vendor: str | None, status: int
) -> None:
    client = caller(reporting_app, role, vendor=vendor)
    query = {"programme": stream.programme}

    for path in ("metrics", "reports/quality-summary", "reports/top-error-trends", "reports/appeals", "reports/calibration"):
        assert (await client.get(f"/v1/{path}", params=query)).status_code == status


async def test_row_level_security_holds_where_a_statement_forgets(reporting_database: Database) -> None:
    """Without any filter a vendor's session sees its own facts, cells and appeals, and somebody without programmes sees none."""
    stream = Stream()
    for vendor in ("acme", "borealis"):
        stream.appeal(stream.create(error(), vendor=vendor))
    await stream.project(reporting_database)
    acme = Principal("poc", frozenset({Role.VENDOR_POC}), frozenset({stream.programme}), "acme", "")
    nobody = Principal("nobody", frozenset({Role.ANALYST}), frozenset(), None, "")
    for table in ("facts", "rollups", "appeals"):
        async with reporting_database.reading(acme) as session:
            seen = (await session.execute(text(f"select distinct programme, vendor from {table}"))).mappings().all()
        async with reporting_database.reading(nobody) as session:
            none = (await session.execute(text(f"select 1 from {table} limit 1"))).all()

        assert [dict(row) for row in seen] == [{"programme": stream.programme, "vendor": "acme"}]
        assert none == []


async def test_every_table_is_under_row_level_security(reporting_database: Database) -> None:
    statement = text(
        "select relname from pg_class where relnamespace = 'public'::regnamespace and relkind in ('r', 'p')"
        " and not (relrowsecurity and relforcerowsecurity)"
    )
    async with reporting_database.engine.connect() as connection:
        assert (await connection.execute(statement)).scalars().all() == ["alembic_version"]


async def test_every_measure_and_dimension_is_defined(reporting: httpx.AsyncClient) -> None:
    """With a formula and a source each."""
    document = (await reporting.get("/v1/metrics/definitions")).json()

    assert {each["name"] for each in document["measures"]} == set(Measure) == set(FORMULAS)
    assert {each["name"] for each in document["dimensions"]} == set(Dimension)
    assert all(each["formula"] and each["source"] for each in document["measures"])
    assert document == DEFINITIONS.model_dump(mode="json")


async def test_projections_say_how_far_the_numbers_are(reporting: httpx.AsyncClient, stream: Stream) -> None:
    (projection,) = (await reporting.get("/v1/projections", params={"programme": stream.programme})).json()["items"]

    assert (projection["position"], projection["lag_s"]) == (stream.position, 0)
    everything = (await reporting.get("/v1/projections")).json()["items"]
    assert projection["programme"] in {each["programme"] for each in everything}


def test_zeros_count_as_groups() -> None:
    """Each kind of error in each group of audits is a group of the answer, and there is a bound to those."""
    cut = Cut("p", (Dimension.MODERATOR, Dimension.ERROR_CODE), {}, None, None, View.ADJUDICATED)
    selected: dict[Key, Sums] = {("m-0", str(code)): NOTHING for code in range(1000)}
    audits: dict[Key, Sums] = {(f"m-{n}",): NOTHING for n in range(MAX_GROUPS // 1000)}

    assert len(_over_all(cut, selected, cut.without_errors(), audits)) == MAX_GROUPS
    with pytest.raises(InvalidRequest, match="Narrow it by filters"):
        _over_all(cut, selected, cut.without_errors(), {**audits, ("m-new",): NOTHING})


async def test_the_same_question_on_the_same_state_is_summed_once(
    reporting: httpx.AsyncClient, stream: Stream, statements: list[str]
) -> None:
    """The answer from memory is the one that was computed, byte for byte; only the cursor is looked at."""
    query = {"programme": stream.programme, "by": "site", "from": "2026-09-01", "to": "2026-10-01"}
    first = await reporting.get("/v1/metrics", params=query)
    statements.clear()
    second = await reporting.get("/v1/metrics", params=query)

    assert (second.content, second.headers["etag"]) == (first.content, first.headers["etag"])
    assert ["cursors" in statement for statement in statements] == [True]
