"""Row-level security, written once for every table: the walls that hold even if a statement forgets its filter.

The runtime role has neither BYPASSRLS nor ownership, and FORCE makes the owner subject to the policies too. The principal comes
from `app.programmes` (comma-separated, or `*`) and `app.vendor` (`*` for the client's people). Nothing set means nothing seen.
"""

from alembic import op

_PROGRAMME = (
    "((select current_setting('app.programmes', true)) = '*'"
    " or programme = any ((select string_to_array(current_setting('app.programmes', true), ','))::text[]))"
)
_VENDOR = (
    "((select current_setting('app.vendor', true)) = '*' or vendor = (select nullif(current_setting('app.vendor', true), '')))"
)


def isolate(table: str, runtime_role: str, *, by_vendor: bool, grants: str) -> None:
    """Put a table under row-level security by programme and, if asked, by vendor; grant the runtime role its part."""
    rule = f"{_PROGRAMME} and {_VENDOR}" if by_vendor else _PROGRAMME
    op.execute(f"alter table {table} enable row level security")
    op.execute(f"alter table {table} force row level security")
    op.execute(f"create policy isolation on {table} using ({rule}) with check ({rule})")
    op.execute(f"grant {grants} on {table} to {runtime_role}")
