"""What divides raters: items, policy clauses, and the categories that are taken for each other."""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Sequence

import numpy as np
from sqlalchemy import func, select

from reporting_api.metrics.numbers import ranks
from reporting_api.reports.calibration import agreement
from reporting_api.reports.calibration.people import Record, mistakes
from reporting_api.reports.calibration.sheets import CalibrationQuestion, Sheet, of_parties
from reporting_api.statistics.between import confusion
from reporting_api.statistics.estimates import Reason
from reporting_api.statistics.raters import divisive, divisive_groups
from reporting_api.statistics.ratings import Weighting
from reporting_api.tables import calibration_ratings
from tallystick.schemas.calibration_report import Coefficient, Confusion, DivisiveItem, DivisivePolicy
from tallystick.schemas.metric import Number, Rank
from tallystick.service.database import ReadSession

AGREED = "Raters agree on every item that two of them judged."
NO_CLAUSES = "No item that is shown names a policy clause."


def confused(sheet: Sheet) -> Confusion:
    """What was chosen, by what the benchmark says, over all raters."""
    chosen = sheet.ratings.codes
    truth = np.repeat(sheet.benchmark[:, None], chosen.shape[1], axis=1)
    counts = confusion(truth.ravel(), chosen.ravel(), len(sheet.categories))
    return Confusion(
        categories=tuple(sheet.categories),
        counts=tuple(tuple(int(count) for count in row) for row in counts),
        reason=None if counts.any() else agreement.NO_BENCHMARK,
    )


async def items(
    session: ReadSession, question: CalibrationQuestion, sheet: Sheet, minimum_sample: int
) -> tuple[tuple[DivisiveItem, ...], str | None]:
    """The items that divide raters most, and why there are none. Those with an equal share of differing pairs are tied."""
    if not sheet.ratings.tally.paired.any():
        return (), str(Reason.NO_PAIRS)
    divided = divisive(sheet.ratings, len(sheet.first))
    shares = sorted(each.disagreement for each in divided)
    shown = divided[: question.limit]
    clauses = await _clauses(session, question, sheet, [sheet.first[each.item].number for each in shown])
    found = []
    for each in shown:
        item, counts = sheet.first[each.item], sheet.ratings.counts[each.item]
        pairs = each.ratings * (each.ratings - 1) // 2
        differ = round(each.disagreement * pairs)
        highest, lowest = (
            1 + len(shares) - bisect_right(shares, each.disagreement),
            len(shares) - bisect_left(shares, each.disagreement),
        )
        found.append(
            DivisiveItem.model_construct(
                number=item.number,
                item_id=item.item_id,
                content_ref=item.content_ref,
                policy=item.policy,
                benchmark=item.benchmark,
                ratings={name: int(count) for name, count in zip(sheet.categories, counts, strict=True) if count},
                clauses=dict(sorted(clauses.get(item.number, {}).items())),
                disagreement=Number(
                    value=each.disagreement,
                    numerator=differ,
                    denominator=pairs,
                    interval=None,  # the pairs of one item are no sample of anything
                    sufficient=pairs >= minimum_sample,
                ),
                rank=Rank(highest=highest, lowest=lowest, tied=highest < lowest),
            )
        )
    return tuple(found), None if found else AGREED


async def _clauses(
    session: ReadSession, question: CalibrationQuestion, sheet: Sheet, numbers: Sequence[int]
) -> dict[int, dict[str, int]]:
    """How many ratings of some items rest on which clause."""
    ratings = calibration_ratings.c
    counted = select(ratings.number, ratings.policy, func.count()).where(
        ratings.programme == question.programme,
        ratings.session_id == sheet.session.session_id,
        ratings.number.in_(numbers),
        ratings.policy.is_not(None),
        of_parties(calibration_ratings, question),
    )
    found: dict[int, dict[str, int]] = {}
    for number, policy, count in await session.rows(counted.group_by(ratings.number, ratings.policy)):
        found.setdefault(number, {})[policy] = count
    return found


def policies(sheet: Sheet, people: Sequence[Record]) -> tuple[tuple[DivisivePolicy, ...], str | None]:
    """Policy clauses by how much they divide raters, and why there are none."""
    groups = divisive_groups(sheet.ratings, [item.policy for item in sheet.first])
    told = [(policy, agreement.told(Coefficient.PERCENT_AGREEMENT, estimate, Weighting.IDENTITY)) for policy, estimate in groups]
    found = []
    for (policy, agreeing), rank in zip(told, ranks([each for _, each in told], greatest_first=False), strict=True):
        wrong: Counter[tuple[str, str]] = Counter()
        for record in people:
            wrong.update(record.mistakes.get(policy, Counter()))
        found.append(
            DivisivePolicy.model_construct(
                policy=policy,
                items=agreeing.items,
                percent_agreement=agreeing,
                mistakes=mistakes(wrong),
                rank=rank,
            )
        )
    return tuple(found), None if found else NO_CLAUSES
