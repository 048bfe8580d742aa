"""Row-level security, written once for every table: the walls that hold even if a statement forgets its filter.

The runtime role has neither BYPASSRLS nor ownership, and FORCE makes the owner subject to the policies too. The principal comes
from `app.programmes` (comma-separated, or `*`) and `app.vendor` (`*` for the client's people). Nothing set means nothing seen.
"""

from collections.abc import Sequence

from alembic import op

_PROGRAMME = (
    "((select current_setting('app.programmes', true)) = '*'"
    " or programme = any ((select string_to_array(current_setting('app.programmes', true), ','))::text[]))"
)
_VENDOR = (
    "((select current_setting('app.vendor', true)) = '*' or vendor = (select nullif(current_setting('app.vendor', true), '')))"
)


_NAMED = (
    "((select current_setting('app.vendor', true)) = '*' or {document} -> 'vendors' @>"
    " (select jsonb_build_array(jsonb_build_object('slug', nullif(current_setting('app.vendor', true), '')))))"
)


WITH_CLIENT = (
    "((select current_setting('app.vendor', true)) = '*' or vendor = (select nullif(current_setting('app.vendor', true), ''))"
    " or vendor is null)"
)
"""A further rule: a row is there for the vendor in its column `vendor`, and for all vendors where that is null."""

CLIENT_ALONE = "(select current_setting('app.vendor', true)) = '*'"
"""A further rule: a row is there for no vendor."""

TAKING_PART = (
    "((select current_setting('app.vendor', true)) = '*'"
    " or (select nullif(current_setting('app.vendor', true), '')) = any (vendors))"
)
"""A further rule: a row is there for the vendors in its column `vendors`."""


def isolate(
    table: str, runtime_role: str, *, by_vendor: bool, grants: str, named_in: str | None = None, rules: Sequence[str] = ()
) -> None:
    """Put a table under row-level security, in place of its present rule if it has one; grant the runtime role its part.

    Args:
        table: one with a column `programme`, which is what separates its rows first.
        runtime_role: the role of the service.
        by_vendor: whether a row belongs to the vendor in its column `vendor` as well.
        grants: what the role may do, such as `select, insert`.
        named_in: the column with a programme's document, where a row is there for the vendors that the document names.
        rules: conditions that have to hold besides, such as `TAKING_PART`.
    """
    conditions = [_PROGRAMME, *rules]
    if by_vendor:
        conditions.append(_VENDOR)
    if named_in is not None:
        conditions.append(_NAMED.format(document=named_in))
    rule = " and ".join(conditions)
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"drop policy if exists isolation on {table}")
    op.execute(f"create policy isolation on {table} using ({rule}) with check ({rule})")
    op.execute(f"grant {grants} on {table} to {runtime_role}")
