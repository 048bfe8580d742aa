"""Evidence by itself: what a case rests on, gathered when it is opened."""

from enum import StrEnum
from typing import Any

from tallystick.schemas.base import Instant, Wire
from tallystick.schemas.case import Audience


class CaseEvidenceKind(StrEnum):
    """What was gathered."""

    DECOMPOSITION = "decomposition"
    """The change of the rate, cut by one dimension after another: a `Decomposition`."""
    SEGMENTS = "segments"
    """The same, cut by several dimensions together, so that the narrowest segment that explains it leads."""
    EXAMPLES = "examples"
    """Audits to read: `items`, each with its id and where it is."""
    CIRCUMSTANCES = "circumstances"
    """What changed in the programme's document from the baseline on: `items`, newest first."""
    SIMILAR = "similar"
    """Earlier cases about the same: `items`, the most alike first."""


class CaseEvidence(Wire):
    """One piece of evidence, for one audience. What is for the vendor holds nothing of others."""

    kind: CaseEvidenceKind
    audience: Audience
    content: dict[str, Any] | None
    reason: str | None
    """Why there is no content."""
    gathered_at: Instant


class CaseEvidenceList(Wire):
    """The evidence of a case, by kind."""

    items: tuple[CaseEvidence, ...]
