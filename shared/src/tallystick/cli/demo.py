"""What `tallystick demo` shows on a fresh stack: a programme, its audits, the numbers, and the way to the dashboard."""

import asyncio
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from tallystick.cli.console import err, out, report_outage
from tallystick.cli.reports import summary_tables, trend_tables
from tallystick.client import Tallystick, TallystickError
from tallystick.sample import PLANTED_CODE, PLANTED_QUEUE, PLANTED_SITE, Sample, sample
from tallystick.schemas.audit import NewAudit
from tallystick.schemas.principal import Role

_ROWS_PER_REQUEST = 2000
_CATCH_UP_S = 120.0
_LOOK_AGAIN_S = 0.2


class NumbersLateError(TallystickError):
    """The numbers did not catch up with the facts in time."""


async def tell(url: str, sign: Callable[..., str], *, audits: int | None = None) -> None:
    """Push a generated sample through the gateway at `url`, show what the reports make of it, and say where to look on.

    Args:
        url: the gateway's address.
        sign: makes a token: `sign(*roles, subject=…, programmes=…, ttl=…)`.
        audits: how many audits, if not as many as the sample has by itself.

    Raises:
        TallystickError: something was refused, did not answer, or the numbers did not catch up within two minutes.
    """
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    story = sample(end=yesterday) if audits is None else sample(end=yesterday, count=audits)
    slug = story.programme.slug
    token = sign(Role.ADMIN, subject="demo", programmes=(slug,), ttl=timedelta(hours=1))
    async with Tallystick(url, token, patience_s=60, on_outage=report_outage) as tallystick:
        await tallystick.programmes.apply(story.programme)
        pushed_to = await _push(tallystick, story)
        await _catch_up(tallystick, slug, pushed_to)
        summary = await tallystick.quality_summary(slug)
        trends = await tallystick.top_error_trends(slug)
    out.print()
    out.print(summary_tables(summary))
    out.print()
    out.print(trend_tables(trends))
    out.print()
    out.print(
        f"Planted in this sample: from the week of {story.planted_from} on, {PLANTED_CODE} in queue {PLANTED_QUEUE} "
        f"at {PLANTED_SITE}. All of it is invented."
    )
    reader = sign(Role.QUALITY_MANAGER, subject="demo-manager", programmes=(slug,), ttl=timedelta(hours=12))
    out.print(Text("\nThe dashboard: ").append(f"{url}/sign-in#token={reader}", "bold"), soft_wrap=True)


async def _push(tallystick: Tallystick, story: Sample) -> int:
    """Push every audit; the position of the last one in the programme's stream."""
    last = None
    with Progress(TextColumn("pushing the sample"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), console=err) as bar:
        task = bar.add_task("push", total=story.count)
        for rows in _portions(story.audits()):
            result = await tallystick.audits.push(story.programme.slug, rows)
            last = next((row.audit_id for row in reversed(result.results) if row.audit_id), last)
            bar.advance(task, result.counts.created + result.counts.duplicate)
    if last is None:
        return 0
    return (await tallystick.audits.read(story.programme.slug, last)).position


def _portions(audits: Iterator[NewAudit]) -> Iterator[Sequence[NewAudit]]:
    while portion := tuple(islice(audits, _ROWS_PER_REQUEST)):
        yield portion


async def _catch_up(tallystick: Tallystick, programme: str, position: int) -> None:
    """Wait until the numbers stand on all audits up to a position."""
    deadline = time.monotonic() + _CATCH_UP_S
    with err.status("waiting for the numbers"):
        while True:
            found = await tallystick.projections(programme)
            if any(projection.position >= position for projection in found.items):
                return
            if time.monotonic() > deadline:
                raise NumbersLateError(f"The numbers did not reach position {position} within {_CATCH_UP_S:.0f} s.")
            await asyncio.sleep(_LOOK_AGAIN_S)
