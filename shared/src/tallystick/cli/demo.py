"""What `tallystick demo` shows on a fresh stack: audits, a case, appeals, a calibration, their numbers, the way to the pages."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

from rich.console import Group
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from tallystick.cli.appeal_tables import outcomes_table, pattern_tables, views_table
from tallystick.cli.calibration_tables import agreement_table, alignment_table
from tallystick.cli.console import err, out
from tallystick.cli.demo_appeals import tell_appeals
from tallystick.cli.demo_calibration import tell_calibration
from tallystick.cli.demo_case import CaseStory, Travel, case_table
from tallystick.cli.demo_cast import AUDITORS, MANAGER, Cast
from tallystick.cli.demo_sampling import draw_table, tell_draw
from tallystick.cli.reports import summary_tables, trend_tables
from tallystick.client import Tallystick, TallystickError
from tallystick.sample import AUDITS, PLANTED_CODE, PLANTED_QUEUE, PLANTED_SITE, ZONE, Sample, sample, sequel
from tallystick.schemas.audit import NewAudit
from tallystick.schemas.calibration import CalibrationSession
from tallystick.schemas.case import Case
from tallystick.schemas.metric import Measure, View
from tallystick.schemas.principal import Role

_ROWS_PER_REQUEST = 2000
_CATCH_UP_S = 120.0
_LOOK_AGAIN_S = 0.2
_WEEKS_AFTER, _WEEKS_OF_WORK = 4, 1
"""Weeks that follow on those of the sample, and in how many of them what was planted still shows."""


class NumbersLateError(TallystickError):
    """The numbers did not catch up with the facts in time."""


async def tell(
    url: str,
    sign: Callable[..., str],
    *,
    audits: int | None = None,
    travel: Travel | None = None,
    sample_travel: Travel | None = None,
) -> None:
    """Push a generated sample through the gateway at `url`, let its people act on what it shows, and show what came of it.

    Args:
        url: the gateway's address.
        sign: makes a token: `sign(*roles, subject=…, programmes=…, vendor=…, ttl=…)`.
        audits: how many audits, if not as many as the sample has by itself.
        travel: puts the clock of cases back, so that the story of one begins weeks ago and ends today. Without it that story
            stands still where its effect is to be judged: a verdict stands on days that have passed since the work began.
        sample_travel: puts the clock of audit-api back, so that a draw is committed to before its week and made today. Without
            it a plan is published, and its draws are to come.

    Raises:
        TallystickError: something was refused, did not answer, or the numbers did not catch up within two minutes.
    """
    story, after = weeks_until(datetime.now(UTC), AUDITS if audits is None else audits)
    cast = Cast(url, story.programme.slug, sign)
    work = CaseStory(cast, story, after, travel)
    async with cast.client(Role.ADMIN, "demo") as tallystick:
        await tallystick.programmes.apply(story.programme)
        work.go_to(0)
        await _catch_up(tallystick, cast.programme, await _push(tallystick, story))
        await _show_quality(tallystick, story)
        with err.status("what was planted becomes a case, and the case a plan"):
            case = await work.begin()
        await _catch_up(tallystick, cast.programme, await _push(tallystick, after))
        with err.status("the effect is judged"):
            case = await work.end(case)
        with err.status("audits are appealed, and raters calibrated"):
            await tell_appeals(cast)
            session = await tell_calibration(cast)
        with err.status("a week is planned, decided and drawn"):
            drawn = await tell_draw(cast, after, sample_travel)
        await _catch_up(tallystick, cast.programme, session.position)
        out.print()
        out.print(case_table(work, case))
        await _show_appeals(tallystick, cast.programme)
        await _show_calibration(tallystick, session)
        if drawn is not None:
            out.print()
            out.print(draw_table(drawn))
    _show_where(cast, case)


def weeks_until(moment: datetime, audits: int) -> tuple[Sample, Sample]:
    """The sample, and the weeks that follow on it up to the last one that is over, by the clocks of its programme."""
    yesterday = moment.astimezone(ZoneInfo(ZONE)).date() - timedelta(days=1)
    story = sample(end=yesterday - timedelta(weeks=_WEEKS_AFTER), count=audits)
    return story, sequel(story, weeks=_WEEKS_AFTER, mended_after=_WEEKS_OF_WORK)


async def _show_quality(tallystick: Tallystick, story: Sample) -> None:
    out.print()
    out.print(summary_tables(await tallystick.quality_summary(story.programme.slug)))
    out.print()
    out.print(trend_tables(await tallystick.top_error_trends(story.programme.slug)))
    out.print()
    out.print(
        f"Planted in this sample: from the week of {story.planted_from} on, {PLANTED_CODE} in queue {PLANTED_QUEUE} "
        f"at {PLANTED_SITE}. All of it is invented."
    )


async def _show_appeals(tallystick: Tallystick, programme: str) -> None:
    report = await tallystick.appeal_report(programme)
    views = {
        view: await tallystick.metrics(programme, {"measure": Measure.ACCURACY, "by": "vendor", "view": view, "totals": True})
        for view in View
    }
    out.print()
    out.print(views_table(views))
    out.print()
    out.print(Group(outcomes_table("Appeals", report.vendors), *pattern_tables(report.patterns)))


async def _show_calibration(tallystick: Tallystick, session: CalibrationSession) -> None:
    report = await tallystick.calibration_report(session.programme, session.id)
    out.print()
    out.print(
        Group(
            f"Calibration: {session.title}",
            agreement_table([each for each in report.agreement if each.value is not None]),
            report.preferred_because,
        )
    )
    out.print(alignment_table(report.alignment, report.session.target))


def _show_where(cast: Cast, case: Case) -> None:
    """Where to look on, and as whom."""
    manager = cast.token(Role.QUALITY_MANAGER, MANAGER, hours=12)
    poc = cast.token(Role.VENDOR_POC, f"{case.vendor}-poc", case.vendor, hours=12)
    out.print(Text("\nThe dashboard: ").append(f"{cast.url}/sign-in#token={manager}", "bold"), soft_wrap=True)
    out.print(
        Text(f"The same as {case.vendor} sees it, whose case it is: ").append(f"{cast.url}/sign-in#token={poc}"), soft_wrap=True
    )
    page = f"{cast.url}/programmes/{cast.programme}"
    auditor = cast.token(Role.AUDITOR, AUDITORS[0], hours=12)
    work = f"{cast.url}/sign-in?next=/programmes/{cast.programme}/work#token={auditor}"
    out.print(Text(f"My work, as {AUDITORS[0]} audits there item by item: ").append(work), soft_wrap=True)
    out.print(
        f"Once signed in: {page} (quality), {page}/appeals, {page}/calibration, {page}/cases, {page}/coverage", soft_wrap=True
    )
    out.print(f"The case: {page}/cases/{case.id}", soft_wrap=True)


async def _push(tallystick: Tallystick, story: Sample) -> int:
    """Push the audits of a sample, and answer the position of the last of them."""
    position = 0
    with Progress(TextColumn("pushing the sample"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=err) as bar:
        task = bar.add_task("push", total=story.count)
        for rows in _portions(story.audits()):
            result = await tallystick.audits.push(story.programme.slug, rows)
            bar.advance(task, result.counts.created + result.counts.duplicate)
            if (last := result.results[-1].audit_id) is not None:
                position = (await tallystick.audits.read(story.programme.slug, last)).position
    return position


def _portions(audits: Iterator[NewAudit]) -> Iterator[Sequence[NewAudit]]:
    while portion := tuple(islice(audits, _ROWS_PER_REQUEST)):
        yield portion


async def _catch_up(tallystick: Tallystick, programme: str, position: int) -> None:
    """Wait until the numbers stand on everything up to a position."""
    deadline = time.monotonic() + _CATCH_UP_S
    with err.status("waiting for the numbers"):
        while True:
            found = await tallystick.projections(programme)
            if any((projection.position or 0) >= position for projection in found.items):
                return
            if time.monotonic() > deadline:
                raise NumbersLateError(f"The numbers did not reach position {position} within {_CATCH_UP_S:.0f} s.")
            await asyncio.sleep(_LOOK_AGAIN_S)
