"""Root-cause cases and their conversation."""

from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from tallystick.schemas.base import Code, Instant, Reference, Slug, Text, Wire


class CaseState(StrEnum):
    """Where a case stands."""

    OPEN = "open"
    CLOSED = "closed"


class Audience(StrEnum):
    """Who may read a message: everybody on the case, or the client's people alone."""

    VENDOR = "vendor"
    INTERNAL = "internal"


class CaseScope(Wire):
    """The filter on the metrics that a case is about. An empty list means everything."""

    site: tuple[Code, ...] = ()
    queue: tuple[Code, ...] = ()
    market: tuple[Code, ...] = ()
    language: tuple[Code, ...] = ()
    policy: tuple[Code, ...] = ()
    error_code: tuple[Code, ...] = ()


class NewCase(Wire):
    """A case to open. With a vendor it is shared with that vendor; without one it is internal."""

    vendor: Slug | None = None
    title: Annotated[Reference, Field(description="What the case is about, in a line.")]
    description: Text | None = None
    scope: CaseScope = CaseScope()


class Case(NewCase):
    """A root-cause case as it stands."""

    programme: Slug
    id: UUID
    revision: int
    position: int
    state: CaseState
    opened_by: str
    opened_at: Instant
    closed_by: str | None
    closed_at: Instant | None
    conclusion: str | None


class CasePage(Wire):
    """A page of cases; the next page is in the `Link` header."""

    items: tuple[Case, ...]


class NewMessage(Wire):
    """Something to say on a case."""

    audience: Audience = Audience.VENDOR
    text: Text


class Message(NewMessage):
    """Something that was said on a case."""

    id: UUID
    case_id: UUID
    position: int
    author: str
    written_at: Instant


class MessagePage(Wire):
    """A page of a case's conversation, oldest first; the next page is in the `Link` header."""

    items: tuple[Message, ...]


class Closure(Wire):
    """Why a case is closed."""

    conclusion: Text
