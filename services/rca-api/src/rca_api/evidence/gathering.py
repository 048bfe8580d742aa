"""Gathering evidence: what is asked of the other services about a case, for the client and for the vendor apart.

What the vendor reads is asked for with its filter on everything, so there is nothing of others in it that could be left in.
"""

from collections.abc import AsyncIterator, Iterable
from datetime import date, datetime
from itertools import islice, pairwise
from typing import Any

import structlog
from sqlalchemy import Row

from rca_api.cases.records import BASELINE
from rca_api.evidence.records import Gathered, keep, put_off, wanted
from rca_api.service import SERVICE
from tallystick.client import ProblemError, Tallystick, TallystickError
from tallystick.schemas.audit import Audit
from tallystick.schemas.case import Audience
from tallystick.schemas.decomposition import Facet
from tallystick.schemas.evidence import CaseEvidenceKind
from tallystick.schemas.metric import MetricFilter
from tallystick.schemas.programme import Programme, ProgrammeRead
from tallystick.service.clock import Clock
from tallystick.service.database import Database
from tallystick.service.days import midnight

_RATES = ("error_rate", "false_positive_rate", "false_negative_rate", "overturn_rate")
_TOGETHER = (Facet.SITE, Facet.QUEUE, Facet.MARKET, Facet.POLICY)
"""By which dimensions segments are looked for, besides those of the scope; four at most."""
_MOST_TOGETHER = 4
_EXAMPLES = 12
_READ = 300
"""Errors of the scope among which examples are chosen."""
_AT_ONCE = 20
_REFUSED = range(400, 500)

log = structlog.get_logger()


async def gather_all(database: Database, client: Tallystick, clock: Clock) -> int:
    """Gather what is wanted for all cases, and answer for how many; what cannot be asked for now is tried again later."""
    async with database.reading(SERVICE) as session:
        waiting = await wanted(session, clock(), _AT_ONCE)
    done = 0
    for case in waiting:
        try:
            gathered = await gather(client, case)
        except TallystickError as failure:
            log.warning("evidence out of reach", programme=case.programme, reason=str(failure))
            if not _is_refused(failure):
                async with database.writing(SERVICE) as session:
                    await put_off(session, case, clock())
                continue
            gathered = []  # so that what will never be answered keeps nothing else waiting
        async with database.writing(SERVICE) as session:
            done += await keep(session, case, gathered, clock())
    return done


async def gather(client: Tallystick, case: Row[Any]) -> list[Gathered]:
    """What can be asked about a case. A question that is refused, unlike one that is not answered, leaves the reason.

    Raises:
        TallystickError: a service cannot be asked now.
    """
    versions = await client.programmes.versions(case.programme)
    audits = [each async for each in _errors(client, case)]
    pieces = []
    for audience in (Audience.INTERNAL, *([Audience.VENDOR] if case.vendor else [])):
        pieces += [
            await _taken_apart(client, case.programme, kind, audience, question(case, audience, kind))
            for kind in (CaseEvidenceKind.DECOMPOSITION, CaseEvidenceKind.SEGMENTS)
        ]
        pieces.append(Gathered(CaseEvidenceKind.EXAMPLES, audience, {"items": _examples(audits)}))
        changes = _changes(versions, case, case.vendor if audience is Audience.VENDOR else None)
        pieces.append(Gathered(CaseEvidenceKind.CIRCUMSTANCES, audience, {"items": changes}))
    return pieces


async def _taken_apart(
    client: Tallystick, programme: str, kind: CaseEvidenceKind, audience: Audience, query: dict[str, Any]
) -> Gathered:
    try:
        found = await client.decomposition(programme, query)
    except ProblemError as problem:
        if not _is_refused(problem):
            raise
        return Gathered(kind, audience, None, problem.problem.detail)
    return Gathered(kind, audience, found.model_dump(mode="json"), found.reason)


def _is_refused(failure: TallystickError) -> bool:
    return isinstance(failure, ProblemError) and failure.problem.status in _REFUSED


def question(case: Row[Any], audience: Audience, kind: CaseEvidenceKind) -> dict[str, Any]:
    """What is asked about a change, of the whole programme, or of the vendor's part for the vendor.

    It is the rate of the errors that the case is about, in its period beside its baseline.
    """
    scope = MetricFilter.model_validate(case.scope)
    return {
        **({"vendor": case.vendor} if audience is Audience.VENDOR else {}),
        **({"by": _together(case, audience)} if kind is CaseEvidenceKind.SEGMENTS else {}),
        "measure": case.measure if case.measure in _RATES else "error_rate",
        "from": case.period_from.isoformat(),
        "to": case.period_to.isoformat(),
        "baseline_from": (case.period_from - BASELINE).isoformat(),
        "baseline_to": case.period_from.isoformat(),
        "error_class": scope.error_class,
        "error_code": scope.error_code,
    }


def _together(case: Row[Any], audience: Audience) -> tuple[Facet, ...]:
    """The dimensions by which segments are looked for: those that the scope names first."""
    named = [facet for facet in Facet if case.scope.get(facet) and facet is not Facet.ERROR_CODE]
    looked = dict.fromkeys((*named, *_TOGETHER))
    if audience is Audience.VENDOR:
        looked.pop(Facet.VENDOR, None)
    return tuple(islice(looked, _MOST_TOGETHER))


async def _errors(client: Tallystick, case: Row[Any]) -> AsyncIterator[Audit]:
    """Errors in the scope of a case and in its period, newest first."""
    filters = {
        **MetricFilter.model_validate(case.scope).given(),
        "verdict": "incorrect",
        "from": case.period_from.isoformat(),
        "to": case.period_to.isoformat(),
    }
    read = 0
    async for audit in client.audits.list(case.programme, filters):
        yield audit
        read += 1
        if read >= _READ:
            return


def _examples(audits: Iterable[Audit]) -> list[dict[str, Any]]:
    """Some of the errors, from every kind of place in turn. Nobody is named: whoever reads them looks them up."""
    places: dict[tuple[str, ...], list[Audit]] = {}
    for audit in audits:
        places.setdefault((audit.site, audit.queue, str(audit.error_code)), []).append(audit)
    chosen: list[Audit] = []
    while len(chosen) < _EXAMPLES and any(places.values()):
        chosen += [found.pop(0) for found in places.values() if found]
    named = (
        "id",
        "vendor",
        "site",
        "queue",
        "market",
        "language",
        "policy",
        "error_class",
        "error_code",
        "severity",
        "audited_at",
    )
    return [audit.model_dump(mode="json", include=set(named)) for audit in chosen[:_EXAMPLES]]


def _changes(versions: Iterable[ProgrammeRead], case: Row[Any], vendor: str | None) -> list[dict[str, Any]]:
    """What changed in the programme's document since the baseline began, as the vendor (or the client) sees it; newest first."""
    shown = [(each, each.document.as_seen_by(vendor)) for each in versions]
    changes = []
    for (read, document), (_, before) in pairwise(shown):
        parts = [name for name in Programme.model_fields if getattr(document, name) != getattr(before, name)]
        if parts and _within(read.changed_at, document.time_zone, case.period_from - BASELINE, case.period_to):
            changes.append(
                {
                    "changed_at": read.changed_at.isoformat(),
                    "parts": parts,
                    "policy_set": document.policy_set.version,
                    "error_taxonomy": document.error_taxonomy.version,
                }
            )
    return changes


def _within(moment: datetime, zone: str, first: date, last: date) -> bool:
    begin, end = (midnight(day, zone) for day in (first, last))
    return begin <= moment < end
