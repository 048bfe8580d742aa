"""The acceptance on real judgements: three coders an item, pushed over HTTP through the gateway, and computed once more here."""

import asyncio
import csv
import math
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import numpy as np
import pandas as pd
import pytest
from irrCAC.raw import CAC
from statsmodels.stats.inter_rater import fleiss_kappa

from acceptance.conftest import PROGRAMME, Fresh
from tallystick.client import ProblemError, Tallystick
from tallystick.identity import sign_token
from tallystick.schemas.calibration import Benchmark, NewItem, NewSession, NumberedRating, Rater, Scale
from tallystick.schemas.calibration_report import CalibrationReport, Coefficient
from tallystick.schemas.principal import Role

CATEGORIES = ("hate_speech", "offensive_language", "neither")
RATERS = (Rater(subject="coder-1"), Rater(subject="coder-2"), Rater(subject="coder-3", vendor="acme"))
PORTION = 10_000
BENCHMARKED = 60
"""Items that get a benchmark, the majority of their coders."""
Row = tuple[str, tuple[int, ...], str]


@pytest.fixture(scope="module")
def judged() -> list[Row]:
    """Items with exactly three judgements: reference, judgements by category, and the majority."""
    with (Path(os.environ["DATA"]) / "judgement-counts.csv").open(newline="") as file:
        rows = [(row["item"], tuple(int(row[name]) for name in CATEGORIES), row["majority"]) for row in csv.DictReader(file)]
    return [row for row in rows if sum(row[1]) == len(RATERS)]


def expanded(counts: tuple[int, ...]) -> list[str]:
    """What each of three coders said: the categories in their order, as often as they were chosen."""
    return [name for name, count in zip(CATEGORIES, counts, strict=True) for _ in range(count)]


def client(fresh: Fresh, role: Role, subject: str, vendor: str | None = None) -> Tallystick:
    """The product's client for somebody."""
    token = sign_token(
        fresh.stack.identity, subject=subject, roles=(role,), programmes=(PROGRAMME,), vendor=vendor, ttl=timedelta(hours=1)
    )
    return Tallystick(fresh.stack.url, token)


@pytest.fixture(scope="module")
async def session(fresh: Fresh, judged: list[Row]) -> UUID:
    """A session of these items, drafted, rated by its three raters, reviewed, and concluded."""
    async with client(fresh, Role.QUALITY_MANAGER, "lead") as lead:
        new = NewSession(
            title="Three coders",
            question="What is it?",
            scale=Scale(categories=CATEGORIES),
            raters=RATERS,
            deadline=datetime.now(UTC) + timedelta(days=1),
            target=0.9,
        )
        session = (await lead.calibration.draft(PROGRAMME, new)).id
        for start in range(0, len(judged), PORTION):
            items = [NewItem(content_ref=item) for item, _, _ in judged[start : start + PORTION]]
            await lead.calibration.add_items(PROGRAMME, session, items)
        revision = (await lead.calibration.read(PROGRAMME, session)).revision
        await lead.calibration.open(PROGRAMME, session, revision=revision)
        for place, rater in enumerate(RATERS):
            role = Role.AUDITOR if rater.vendor is None else Role.VENDOR_POC
            ratings = [
                NumberedRating(number=number, value=expanded(counts)[place]) for number, (_, counts, _) in enumerate(judged, 1)
            ]
            async with client(fresh, role, rater.subject, rater.vendor) as hand:
                for start in range(0, len(ratings), PORTION):
                    result = await hand.calibration.rate_all(PROGRAMME, session, ratings[start : start + PORTION])
                    assert result.counts.counted == result.counts.rows
        await lead.calibration.review(PROGRAMME, session, revision=(await lead.calibration.read(PROGRAMME, session)).revision)
        for number, (_, _, majority) in enumerate(judged[:BENCHMARKED], 1):
            said = Benchmark(value=majority, by="consensus")
            await lead.calibration.benchmark(PROGRAMME, session, number, said, revision=await revision_of(lead, session, number))
        revision = (await lead.calibration.read(PROGRAMME, session)).revision
        await lead.calibration.conclude(PROGRAMME, session, "As the coders say.", revision=revision)
    return session


async def revision_of(lead: Tallystick, session: UUID, number: int) -> int:
    """The revision of an item among the first of a session."""
    async for item in lead.calibration.items(PROGRAMME, session, page=BENCHMARKED):
        if item.number == number:
            return item.revision
    raise LookupError(number)


@pytest.fixture(scope="module")
async def report(fresh: Fresh, session: UUID) -> CalibrationReport:
    """The report on it, once reporting has come to the conclusion."""
    async with client(fresh, Role.ANALYST, "analyst") as reader, asyncio.timeout(60):
        while True:
            try:
                found = await reader.calibration_report(PROGRAMME, session)
                if found.session.state == "concluded" and sum(map(sum, found.confusion.counts)) == BENCHMARKED * len(RATERS):
                    return found
            except ProblemError as problem:
                if problem.problem.status not in {404, 503}:
                    raise
            await asyncio.sleep(0.2)


async def test_agreement_is_that_of_the_counts(report: CalibrationReport, judged: list[Row]) -> None:
    """Fleiss as statsmodels has it, percent agreement counted, AC1 and alpha as irrCAC has them, all with their errors."""
    table = np.array([counts for _, counts, _ in judged])
    found = {each.coefficient: each for each in report.agreement}
    pairs = (table * (table - 1)).sum(axis=1) / 6
    independent = CAC(ratings_frame(judged), confidence_level=0.95, digits=12)
    others = {
        Coefficient.FLEISS: independent.fleiss(),
        Coefficient.AC1: independent.gwet(),
        Coefficient.ALPHA_NOMINAL: independent.krippendorff(),
    }

    assert report.session.items == len(judged) == 13_689
    assert {each.items for each in found.values() if each.value is not None} == {len(judged)}
    assert found[Coefficient.PERCENT_AGREEMENT].value == pytest.approx(pairs.mean(), abs=1e-12)
    assert found[Coefficient.FLEISS].value == pytest.approx(fleiss_kappa(table), abs=1e-9)
    for coefficient, other in others.items():
        estimate = other["est"]
        assert found[coefficient].value == pytest.approx(estimate["coefficient_value"], abs=1e-9), coefficient
        interval = found[coefficient].interval
        assert interval is not None
        assert (interval.low, interval.high) == pytest.approx(estimate["confidence_interval"], abs=1e-5), coefficient


async def test_each_rater_stands_beside_the_majority(report: CalibrationReport, judged: list[Row]) -> None:
    """Alignment, confusion and the items that divide, counted from the file."""
    right = {
        rater.subject: sum(expanded(counts)[place] == majority for _, counts, majority in judged[:BENCHMARKED])
        for place, rater in enumerate(RATERS)
    }
    divided = sum(max(counts) < len(RATERS) for _, counts, _ in judged)
    top = report.items[0]

    assert {each.rater: each.alignment.numerator for each in report.alignment} == right
    assert {each.rater: each.rated for each in report.alignment} == dict.fromkeys(right, len(judged))
    assert sum(report.confusion.counts[place][place] for place in range(3)) == sum(right.values())
    assert (top.rank.highest, top.rank.lowest) == (1, divided)
    assert math.isclose(top.disagreement.value or 0, 2 / 3)


def ratings_frame(judged: list[Row]) -> pd.DataFrame:
    """Items x raters."""
    return pd.DataFrame([expanded(counts) for _, counts, _ in judged], columns=[rater.subject for rater in RATERS])
