"""References that were typed into a form: audits and documents that something rests on."""

from uuid import UUID

from tallystick.schemas.case import EvidenceKind
from tallystick.service.pages.forms import Fields

_KINDS = frozenset(EvidenceKind)


def evidence(fields: Fields, name: str = "evidence") -> list[dict[str, str]]:
    """References, one a line: `audit ID: what it shows`. Without a kind, an id is an audit's, all else a document's."""
    return [_reference(line.strip()) for line in (fields.get(name) or "").splitlines() if line.strip()]


def _reference(line: str) -> dict[str, str]:
    kind, _, rest = line.partition(" ")
    if kind in _KINDS and rest:
        line = rest.strip()
    else:
        kind = ""
    reference, colon, note = line.partition(": ")
    if not kind:
        kind = EvidenceKind.AUDIT if _is_id(reference) else EvidenceKind.DOCUMENT
    return {"kind": kind, "reference": reference.strip(), **({"note": note.strip()} if colon and note.strip() else {})}


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
