"""Concluded calibration sessions in which a party falls short of the target."""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from math import sqrt
from uuid import UUID

import numpy as np
from sqlalchemy import and_, func, select

from reporting_api.reports.calibration.agreement import NO_BENCHMARK
from reporting_api.reports.calibration.shares import Share, against
from reporting_api.signals.findings import Finding, by_scope, percent
from reporting_api.signals.ground import Alignment, Ground
from reporting_api.tables import calibration_items, calibration_ratings, calibration_sessions
from tallystick.schemas.calibration import SessionState
from tallystick.schemas.metric import MetricFilter
from tallystick.schemas.signal import Detector, SignalState
from tallystick.service.database import ReadSession
from tallystick.service.days import day_of, midnight


async def read_alignments(
    session: ReadSession, programme: str, time_zone: str, today: date, target: float | None, minimum_sample: int
) -> list[Alignment]:
    """Of each party in each session that was concluded before today, in the order of conclusions; to a vendor of its own raters.

    Items that are shown again, and those without a benchmark, do not count.
    """
    of, item, rating = calibration_sessions.c, calibration_items.c, calibration_ratings.c
    its = and_(item.programme == of.programme, item.session_id == of.session_id)
    theirs = and_(rating.programme == item.programme, rating.session_id == item.session_id, rating.number == item.number)
    statement = (
        select(
            of.session_id,
            rating.vendor,
            of.concluded_at,
            of.title,
            of.target,
            func.count().filter(rating.value == item.benchmark).label("hits"),
            func.count().label("size"),
        )
        .select_from(calibration_sessions.join(calibration_items, its).join(calibration_ratings, theirs))
        .where(of.programme == programme, of.state == SessionState.CONCLUDED, of.concluded_at < midnight(today, time_zone))
        .where(item.benchmark.is_not(None), item.repeat_of.is_(None))
        .group_by(of.session_id, rating.vendor, of.title, of.target, of.concluded_at, item.number)
        .order_by(of.concluded_at, of.session_id, rating.vendor, item.number)
    )
    if (own := session.principal.vendor) is not None:
        statement = statement.where(rating.vendor == own, of.vendors.contains([own]))
    items: dict[tuple[UUID, str | None], list[tuple[int, int]]] = {}
    heads: dict[tuple[UUID, str | None], tuple[date, str, float | None]] = {}
    for row in await session.execute(statement):
        key = (row.session_id, row.vendor)
        items.setdefault(key, []).append((row.hits, row.size))
        heads[key] = day_of(row.concluded_at, time_zone), row.title, target if row.target is None else row.target
    found: list[Alignment] = []
    for (session_id, vendor), pairs in items.items():
        share = Share(*np.array(pairs, dtype=np.int64).T)
        found.append(Alignment(session_id, vendor, *heads[session_id, vendor], share.number(minimum_sample, NO_BENCHMARK)))
    return found


def calibrations_below_target(ground: Ground) -> list[Finding]:
    """The parties whose alignment is below the target, from the first such session to one in which they reach it."""
    found: list[Finding] = []
    for vendor in sorted({each.vendor for each in ground.alignments}, key=lambda each: each or ""):
        mine = [each for each in ground.alignments if each.vendor == vendor]
        missed: list[Alignment] = []
        for each in mine:
            standing = against(each.target, each.number)
            if standing == "missed":
                missed.append(each)
            elif standing == "met" and missed:
                found.append(_finding(vendor, missed, SignalState.ENDED))
                missed = []
        if missed:
            found.append(_finding(vendor, missed, SignalState.ACTIVE))
    return found


def _finding(vendor: str | None, missed: Sequence[Alignment], state: SignalState) -> Finding:
    first, last = missed[0], missed[-1]
    who = f"raters of {vendor}" if vendor else "the client's raters"
    sessions = f"in {first.title}" if len(missed) == 1 else f"in {len(missed)} sessions, first in {first.title}"
    return Finding(
        detector=Detector.CALIBRATION_BELOW_TARGET,
        rule="below_target",
        measure=None,
        scope=by_scope({"vendor": vendor}) if vendor else MetricFilter(),
        direction="down",
        since=first.day,
        raised_on=first.day + timedelta(days=1),
        until=last.day + timedelta(days=1),
        state=state,
        strength=round(max(_sigmas(missed)), 3),
        observed=last.number,
        expected=None,
        summary=(
            f"Calibration of {who} below target {sessions}: {percent(last.number)} of ratings agree with the benchmark,"
            f" the target is {100 * (last.target or 0):g} %."
        ),
        subject="alignment",
    )


def _sigmas(missed: Iterable[Alignment]) -> list[float]:
    found: list[float] = [0.0]
    for each in missed:
        if each.target is not None and 0 < each.target < 1 and each.number.value is not None and each.number.denominator:
            spread = sqrt(each.target * (1 - each.target) / each.number.denominator)
            found.append((each.target - each.number.value) / spread)
    return found
