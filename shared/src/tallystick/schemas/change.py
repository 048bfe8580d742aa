"""The change feed of one programme."""

from typing import Any
from uuid import UUID

from tallystick.schemas.base import Slug, Wire


class Change(Wire):
    """The current state of one thing that changed. Applying it twice changes nothing."""

    position: int
    noun: str
    id: str
    revision: int
    erased: bool
    data: dict[str, Any] | None
    """The thing as its own GET shows it; `null` once erased things have nothing left to show."""


class ChangePage(Wire):
    """A page of changes in the order of their commits."""

    programme: Slug
    epoch: UUID
    """Which life of the stream this is: after a restore from backup it is another, and readers start anew."""
    changes: tuple[Change, ...]
    cursor: str
    """Where to read on from."""
    position: int
    """The position of the last change on this page, or of the cursor where there is none."""
    more: bool
    """Whether a further page was ready when this one was made."""
