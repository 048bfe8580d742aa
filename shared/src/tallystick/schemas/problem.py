"""RFC 9457 problem documents."""

from pydantic import ConfigDict

from tallystick.schemas.base import Wire


class ProblemError(Wire):
    """One thing that is wrong with a request: where (JSON pointer or parameter name), a stable code, a sentence."""

    pointer: str
    code: str
    detail: str


class Problem(Wire):
    """What went wrong, in a form that people and programs can read. Rejected values are never echoed."""

    model_config = ConfigDict(extra="allow", frozen=True)

    type: str
    title: str
    status: int
    detail: str
    instance: str
    request_id: str
    errors: tuple[ProblemError, ...] = ()
