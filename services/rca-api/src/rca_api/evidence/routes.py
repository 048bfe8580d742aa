"""The routes of the evidence of cases."""

from fastapi import APIRouter, Request, Response

from rca_api.cases.history import Event
from rca_api.cases.problems import CaseClosed
from rca_api.cases.records import change_case, get_case, get_unfinished
from rca_api.cases.routes import CaseId, CasesRead, CasesWrite, answered
from rca_api.evidence.records import list_evidence
from rca_api.metadata import streams
from tallystick.schemas.case import Case, CaseEventKind
from tallystick.schemas.evidence import CaseEvidenceList
from tallystick.service.auth import enter
from tallystick.service.clock import now
from tallystick.service.database import Reading, Writing
from tallystick.service.feed import take_positions
from tallystick.service.parameters import ProgrammeQuery
from tallystick.service.problems import COMMON, PreconditionFailed, PreconditionRequired, responses
from tallystick.service.replies import IfMatch, reply, require_match, revision_etag

router = APIRouter(tags=["cases"], responses=responses(*COMMON))


@router.get("/v1/cases/{case_id}/evidence", response_model=CaseEvidenceList, summary="Read a case's evidence")
async def read_evidence(case_id: CaseId, programme: ProgrammeQuery, principal: CasesRead, session: Reading) -> Response:
    """What was gathered when the case was opened: empty until then. A vendor's people read what holds nothing of others."""
    enter(principal, programme)
    await get_case(session, programme, case_id)
    return reply({"items": await list_evidence(session, programme, case_id)})


@router.post(
    "/v1/cases/{case_id}/evidence",
    response_model=Case,
    status_code=202,
    responses=responses(CaseClosed, PreconditionFailed, PreconditionRequired),
    summary="Have a case's evidence gathered anew",
)
async def create_evidence(
    request: Request,
    case_id: CaseId,
    programme: ProgrammeQuery,
    principal: CasesWrite,
    session: Writing,
    if_match: IfMatch = None,
) -> Response:
    """Ask for it again, as when more was audited since. It takes the place of what there is, beside the request."""
    enter(principal, programme)
    position = await take_positions(session, streams, programme, 1)
    current = await get_unfinished(session, programme, case_id)
    require_match(if_match, revision_etag(current.revision))
    moment = now(request)
    event = Event(CaseEventKind.CHANGE, moment, position, changed={"evidence_wanted_at": moment.isoformat()})
    row = await change_case(session, current, event, evidence_wanted_at=moment, evidence_try_at=None)
    return answered(row, moment, status=202)
