"""The columns of a CSV of appeals: its fields by their names, those of the proposal as `proposed.verdict` and the like."""

from typing import Any

from tallystick.schemas.appeal import NewAppeal, Proposal
from tallystick.schemas.audit import RowError

_PROPOSED = "proposed"
_COLUMNS = NewAppeal.model_fields.keys() - {_PROPOSED} | {f"{_PROPOSED}.{name}" for name in Proposal.model_fields}


class AppealColumns:
    """Turns a row of cells into an appeal: an empty cell is a field left out, references to evidence stand between spaces."""

    def column_is_known(self, column: str) -> bool:
        """Whether an appeal has such a column."""
        return column in _COLUMNS

    def map(self, row: dict[str, Any]) -> tuple[dict[str, Any], list[RowError]]:
        """The appeal of a row; nothing can be wrong with it yet."""
        appeal: dict[str, Any] = {_PROPOSED: {}}
        for column, cell in row.items():
            group, _, name = column.partition(".")
            if not cell:
                continue
            if name:
                appeal[group][name] = cell
            else:
                appeal[column] = cell.split() if column == "evidence" else cell
        return appeal, []
