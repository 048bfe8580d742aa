"""YAML as version 1.2 reads it: `NO` is Norway; 12:30, 2026-09-01 and 007 are text."""

import re
from typing import Any

import yaml


class _Loader(yaml.SafeLoader):
    """The safe loader, with the few kinds of plain words that documents need."""


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*|(?=[eE])))(?:[eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("merge", r"<<", "<"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), list(_first))


def load(text: str | bytes) -> Any:
    """What a YAML document says. Raises `yaml.YAMLError` for what is none, a tagged value that cannot be read included."""
    try:
        return yaml.load(text, _Loader)  # noqa: S506 - a safe loader
    except (ArithmeticError, AttributeError, LookupError, RecursionError, ValueError) as error:
        raise yaml.YAMLError(f"a value cannot be read as what it is tagged: {type(error).__name__}") from error
