"""The cells that numbers are kept in: which dimensions there are, and for which sets of them sums are kept day by day.

A *cuboid* is a set of dimensions. `rollups` keeps, for each cuboid, one row for every combination of values that occurs on
a day. A question is answered from the smallest cuboid that knows every dimension the question names; what no cuboid knows
is summed up from the facts. Every cuboid knows the vendor, because isolation by vendor must hold in each of them.
"""

from functools import cache

DIMENSIONS = (
    "vendor",
    "site",
    "queue",
    "market",
    "language",
    "policy",
    "audit_party",
    "automated_detection",
    "error_class",
    "error_code",
    "severity",
    "moderator",
    "auditor",
)
"""What audits can be grouped by, besides the day."""

ERROR_DIMENSIONS = frozenset({"error_class", "error_code", "severity"})
"""These say how an audit was wrong: they select errors, not audits."""

CUBOIDS: tuple[frozenset[str], ...] = tuple(
    frozenset({"vendor", *dimensions})
    for dimensions in (
        ("site",),
        ("auditor", "audit_party"),
        ("site", *ERROR_DIMENSIONS),
        ("site", "policy", *ERROR_DIMENSIONS),
        ("site", "queue", "market", *ERROR_DIMENSIONS),
    )
)
"""The sets that sums are kept for, the smallest first. Each one costs time when audits arrive: add one only for a question
that is asked often, and measure both sides with `make bench`."""

ROLLED_UP = tuple(dimension for dimension in DIMENSIONS if any(dimension in cuboid for cuboid in CUBOIDS))
"""The dimensions that any cuboid knows, in the order of their bits in a cuboid's number."""

MEASURES = (
    "audits",
    "errors",
    "critical_errors",
    "false_positives",
    "false_negatives",
    "handling_time_s",
    "timed",
    "score",
    "scored",
)
"""What is summed in every cell, all of it whole numbers: counts of audits; seconds and how many audits have them; quality
score in ten-thousandths and how many audits have one."""

APPEALS = ("appeals", "appealed", "decided", "changed", "open", "upheld", "overturned", "amended", "withdrawn", "expired")
"""What is counted of the appeals of audits: appeals, the audits that they are of, decided ones, those that changed the verdict,
and how many stand where. There are few of them beside audits, so no cells are kept of them."""


def number(cuboid: frozenset[str]) -> int:
    """The number of a cuboid: what PostgreSQL's `grouping()` of `ROLLED_UP` answers, a bit set for each dimension left out."""
    bits = 0
    for dimension in ROLLED_UP:
        bits = bits << 1 | (dimension not in cuboid)
    return bits


@cache
def smallest(dimensions: frozenset[str]) -> int | None:
    """The number of the smallest cuboid that knows all of `dimensions`; None where only the facts do."""
    return next((number(cuboid) for cuboid in CUBOIDS if dimensions <= cuboid), None)


def grouping_sets() -> str:
    """What stands in SQL's `group by grouping sets (…)` for the cuboids."""
    return ", ".join(f"(view, day, {', '.join(name for name in ROLLED_UP if name in cuboid)})" for cuboid in CUBOIDS)
