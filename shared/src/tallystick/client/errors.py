"""What the client raises."""

import httpx
from pydantic import ValidationError

from tallystick.schemas.problem import Problem


class TallystickError(Exception):
    """The base of everything that the client raises by itself."""


class ProblemError(TallystickError):
    """The service answered with a problem document: the request was understood and not carried out."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.problem = problem

    @property
    def slug(self) -> str:
        """The last part of the problem's `type`, such as `precondition-failed`."""
        return self.problem.type.rsplit("/", 1)[-1]

    def __str__(self) -> str:
        lines = [f"{self.problem.title} ({self.problem.status}): {self.problem.detail}"]
        lines += [f"  {error.pointer or '/'}: {error.detail} [{error.code}]" for error in self.problem.errors]
        possible = (self.problem.model_extra or {}).get("possible")
        if isinstance(possible, list):
            lines.append(f"  possible now: {', '.join(map(str, possible)) or 'nothing'}")
        return "\n".join(lines)


class FeedRewoundError(ProblemError):
    """The stream has a new life, or takes the cursor no more: drop what was built from it and read it again without one."""


class UnreachableError(TallystickError):
    """No answer came, for as long as the client was prepared to try."""


class UnexpectedAnswerError(TallystickError):
    """The answer is not what the contract promises: it comes from something else, or from a version too far away."""


def problem_of(response: httpx.Response) -> ProblemError:
    """The exception for an answer of 400 and above; where it carries no problem document, one is made of its status."""
    try:
        problem = Problem.model_validate_json(response.content)
    except ValidationError:
        problem = Problem(
            type="about:blank",
            title=response.reason_phrase or "The request failed",
            status=response.status_code,
            detail=f"The answer of {response.url.copy_with(query=None)} carries no explanation.",
            instance=response.url.path,
            request_id=response.headers.get("x-request-id", ""),
        )
    rewound = response.status_code == httpx.codes.GONE and problem.type.endswith("/feed-rewound")
    return FeedRewoundError(problem) if rewound else ProblemError(problem)
