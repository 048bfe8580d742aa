"""Golden items: what auditors said of them in everyday work, and how that counts towards their alignment."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from sqlalchemy import ARRAY, Uuid, any_, func, literal, select

from reporting_api.metrics.answer import may_name_auditors
from reporting_api.metrics.numbers import ranks
from reporting_api.reports.calibration.people import Record
from reporting_api.reports.calibration.shares import against, share
from reporting_api.reports.calibration.sheets import CalibrationQuestion, Sheet
from reporting_api.tables import golden_results
from tallystick.schemas.calibration_report import Golden, GoldenAlignment
from tallystick.service.database import ReadSession

NO_GOLDEN = "No golden item has been met in everyday work."
_HIDDEN = "Golden items are hidden in everyday work and shown neither to vendors nor to auditors."
_NOT_RATED = "No rater of these sessions, or more than one, has this name."


class Met(NamedTuple):
    """How often an auditor said the same of golden items of one clause with the same benchmark."""

    auditor: str | None
    """None once erased."""
    policy: str | None
    benchmark: str
    value: str
    times: int


async def read_golden(session: ReadSession, question: CalibrationQuestion, sheets: Sequence[Sheet]) -> tuple[Met, ...] | None:
    """What auditors said of the golden items of some sessions; None where the reader must not know which these are."""
    if not may_name_auditors(session.principal):  # whoever audits could watch which audits are counted
        return None
    results = golden_results.c
    policies = {item.item_id: item.policy for sheet in sheets for item in sheet.items}
    said = (results.item_id, results.auditor, results.benchmark, results.value)
    counted = (
        select(*said, func.count())
        .where(results.programme == question.programme, results.item_id == any_(literal(list(policies), ARRAY(Uuid))))
        .group_by(*said)
    )
    met = Counter[tuple[str | None, str | None, str, str]]()
    for item_id, auditor, benchmark, value, times in await session.rows(counted):
        met[auditor, policies[item_id], benchmark, value] += times
    return tuple(Met(*key, times) for key, times in met.items())


def with_golden(people: Sequence[Record], met: Sequence[Met] | None) -> list[Record]:
    """The records of raters with what they said of golden items, as auditors of the same name, added.

    Of raters who share a name, nobody can say whose audits they were: to them nothing is added.
    """
    names = Counter(each.rater.subject for each in people)
    found = []
    for record in people:
        own = [each for each in met or () if each.auditor == record.rater.subject and names[record.rater.subject] == 1]
        right, mistakes = Counter(record.right), {policy: Counter(counted) for policy, counted in record.mistakes.items()}
        for each in own:
            if each.value == each.benchmark:
                right[each.policy] += each.times
            else:
                mistakes.setdefault(each.policy, Counter())[each.benchmark, each.value] += each.times
        found.append(replace(record, right=right, mistakes=mistakes, golden=sum(each.times for each in own)))
    return found


def golden(met: Sequence[Met] | None, people: Sequence[Record], target: float | None, minimum_sample: int) -> Golden:
    """How often auditors judged golden items as the benchmark does, alone and together with what they rated; the best first."""
    if met is None:
        return Golden(overall=share(0, 0, minimum_sample, _HIDDEN), auditors=(), reason=_HIDDEN)
    sizes, hits = Counter[str | None](), Counter[str | None]()
    for each in met:
        sizes[each.auditor] += each.times
        hits[each.auditor] += each.times if each.value == each.benchmark else 0
    names = Counter(each.rater.subject for each in people)
    rated = {each.rater.subject: each.alignment(minimum_sample) for each in people if names[each.rater.subject] == 1}
    found = []
    for auditor, size in sizes.items():
        own = rated.get(auditor or "", share(0, 0, minimum_sample, _NOT_RATED))
        right, judged = hits[auditor] + int(own.numerator or 0), size + int(own.denominator or 0)
        found.append((auditor, own, share(right, judged, minimum_sample, NO_GOLDEN)))
    found.sort(key=lambda each: (-(each[2].value or 0.0), each[0] or ""))
    places = ranks([together for *_, together in found], greatest_first=True)
    return Golden.model_construct(
        overall=share(hits.total(), sizes.total(), minimum_sample, NO_GOLDEN),
        auditors=tuple(
            GoldenAlignment.model_construct(
                auditor=auditor,
                alignment=share(hits[auditor], sizes[auditor], minimum_sample, NO_GOLDEN),
                rated=own,
                together=together,
                standing=against(target, together),
                rank=place,
            )
            for (auditor, own, together), place in zip(found, places, strict=True)
        ),
        reason=None if found else NO_GOLDEN,
    )
