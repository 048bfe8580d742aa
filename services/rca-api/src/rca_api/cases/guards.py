"""What a step needs besides the right state."""

from typing import Any

from sqlalchemy import Row

from rca_api.causes.records import has_cause_with_evidence
from tallystick.schemas.case import CaseStep
from tallystick.schemas.problem import ProblemError
from tallystick.service.database import ReadSession


async def missing(session: ReadSession, case: Row[Any], step: CaseStep) -> list[ProblemError]:
    """What is missing for a step of a case; nothing where it can be taken."""
    if step is CaseStep.PLAN and not await has_cause_with_evidence(session, case):
        detail = "A case leaves its analysis with at least one accepted root cause that has evidence."
        return [ProblemError(pointer="/step", code="no_root_cause", detail=detail)]
    return []
