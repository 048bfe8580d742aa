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
        ("site", "policy"),
        ("site", "queue", "market"),
        ("site", *ERROR_DIMENSIONS),
        ("site", "policy", *ERROR_DIMENSIONS),
        ("site", "queue", "market", *ERROR_DIMENSIONS),
    )
)
"""The sets that sums are kept for, the smallest first. Those with error dimensions hold the errors alone, the others all audits.
Each one costs time when audits arrive: add one only for a question that is asked often, and measure both sides with `make bench`.
"""

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
    """The number of a cuboid: a bit for each of `ROLLED_UP` in order, set where the dimension is left out."""
    bits = 0
    for dimension in ROLLED_UP:
        bits = bits << 1 | (dimension not in cuboid)
    return bits


@cache
def smallest(dimensions: frozenset[str]) -> int | None:
    """The number of the smallest cuboid that knows all of `dimensions`; None where only the facts do."""
    by_error = not ERROR_DIMENSIONS.isdisjoint(dimensions)
    return next((number(each) for each in CUBOIDS if dimensions <= each and ERROR_DIMENSIONS.issubset(each) == by_error), None)


def cells_sql(template: str) -> str:
    """The statement of the cells of all cuboids, from that of one kind of them: of all audits, and of the errors alone."""
    return " union all ".join(
        template.replace("/*cuboid*/", _numbering(cuboids))
        .replace("/*dimensions*/", _dimensions(cuboids))
        .replace("/*which*/", which)
        .replace("/*grouping_sets*/", ", ".join(f"(view, day, {', '.join(sorted(cuboid))})" for cuboid in cuboids))
        for which, cuboids in (
            ("true", [cuboid for cuboid in CUBOIDS if ERROR_DIMENSIONS.isdisjoint(cuboid)]),
            ("error_class <> ''", [cuboid for cuboid in CUBOIDS if not ERROR_DIMENSIONS.isdisjoint(cuboid)]),
        )
    )


def _numbering(cuboids: list[frozenset[str]]) -> str:
    """What `number` computes, for PostgreSQL, where not every dimension is one of a grouping set's."""
    known = frozenset[str]().union(*cuboids)
    return " + ".join(
        f"{1 << place} * {f'grouping({name})' if name in known else '1'}" for place, name in enumerate(reversed(ROLLED_UP))
    )


def _dimensions(cuboids: list[frozenset[str]]) -> str:
    known = frozenset[str]().union(*cuboids)
    return ", ".join(f"coalesce({name}, '') as {name}" if name in known else f"'' as {name}" for name in ROLLED_UP)
