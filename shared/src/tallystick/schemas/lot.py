"""Lots: a vendor's decisions of a period, accepted or rejected as a whole by a sample of them (MIL-STD-105E)."""

from datetime import date
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field, NonNegativeInt

from tallystick.schemas.base import Code, Slug, Wire
from tallystick.schemas.sampling import InspectionLevel, StratumValues


class Severity105(StrEnum):
    """How severely lots are inspected: it follows from the lots before."""

    NORMAL = "normal"
    TIGHTENED = "tightened"
    REDUCED = "reduced"
    DISCONTINUED = "discontinued"
    """Too many lots were rejected under tightened inspection: no lot is accepted until the vendor has mended its work."""


class LotVerdict(StrEnum):
    """What became of a lot."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"


class Lot(Wire):
    """One lot."""

    programme: Slug
    draw_id: UUID
    stratum: Code
    vendor: Slug
    values: StratumValues
    first_day: date
    last_day: date
    decisions: NonNegativeInt
    aql: float
    level: InspectionLevel
    severity: Severity105
    code_letter: str
    sample: NonNegativeInt
    accept: NonNegativeInt
    """Accepted with so many errors or fewer."""
    reject: NonNegativeInt
    """Rejected with so many or more. Between both, under reduced inspection, it is accepted and inspection becomes normal."""
    audited: NonNegativeInt
    errors: NonNegativeInt
    verdict: LotVerdict


class LotPage(Wire):
    """A page of lots, newest period first; the next page is in the `Link` header."""

    items: tuple[Lot, ...]


class CurvePoint(Wire):
    """How likely a lot of this quality is accepted."""

    error_rate: float
    acceptance: Annotated[float, Field(ge=0, le=1)]


class OperatingCharacteristic(Wire):
    """What a plan does to good lots and to bad ones: the risk of each side."""

    lot_size: int
    aql: float
    level: InspectionLevel
    severity: Severity105
    code_letter: str
    sample: int
    accept: int
    reject: int
    producers_risk: float
    """The probability that a lot as good as the AQL is rejected: the vendor's risk."""
    consumers_quality: float
    """The error rate that is accepted in one of ten lots: the client's risk."""
    curve: tuple[CurvePoint, ...]
