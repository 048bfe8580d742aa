"""Files that a command takes: documents in YAML or JSON, and rows."""

import csv
import sys
from pathlib import Path
from typing import TypeVar

import typer
import yaml
from pydantic import BaseModel, ValidationError

from tallystick import documents
from tallystick.cli.console import FAILED, complain
from tallystick.schemas.base import told

Model = TypeVar("Model", bound=BaseModel)


def read_rows(file: Path, model: type[Model]) -> tuple[Model, ...]:
    """The rows of a CSV, by its header and without empty cells, or of a file with one JSON object a line."""
    rows: list[Model] = []
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            if file.suffix == ".csv":
                for cells in csv.DictReader(lines):
                    told_in = {name: cell for name, cell in cells.items() if cell}
                    rows.append(model.model_validate_strings(told_in, strict=False))
            else:
                rows += [model.model_validate_json(line) for line in lines if line.strip()]
    except ValidationError as error:
        faults = _faults(error)
        complain("\n".join([f"{file}: row {len(rows) + 1} is not right.", *faults]))
        raise typer.Exit(FAILED) from None
    return tuple(rows)


def read_document(file: Path, model: type[Model], what: str) -> Model:
    """What a file says, `-` standard input; ends the command, with every fault and its place, where it says something else."""
    text = sys.stdin.read() if str(file) == "-" else file.read_text()
    try:
        return model.model_validate(documents.load(text))
    except yaml.YAMLError as error:
        complain(f"{file} is not YAML: {error}")
    except ValidationError as error:
        complain("\n".join([f"{file} is no {what} document.", *_faults(error)]))
    raise typer.Exit(FAILED)


def _faults(error: ValidationError) -> list[str]:
    return [f"  /{'/'.join(map(str, fault['loc']))}: {told(fault)}" for fault in error.errors(include_url=False)]
