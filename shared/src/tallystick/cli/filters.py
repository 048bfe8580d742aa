"""The filters that lists, metrics and reports share, as options of their commands."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Annotated, Any

import typer

from tallystick.schemas.audit import AuditParty
from tallystick.schemas.programme import ErrorClass, Severity

PANEL = "Filters; repeated ones mean any of them"

_Filter = typer.Option(rich_help_panel=PANEL)
Names = Annotated[list[str] | None, _Filter]

_SHARED = {
    "vendor": Names,
    "site": Names,
    "queue": Names,
    "market": Names,
    "language": Names,
    "policy": Names,
    "moderator": Names,
    "auditor": Names,
    "audit_party": Annotated[list[AuditParty] | None, _Filter],
    "error_class": Annotated[list[ErrorClass] | None, _Filter],
    "error_code": Names,
    "severity": Annotated[list[Severity] | None, _Filter],
}

FromDay = Annotated[
    str | None,
    typer.Option("--from", metavar="DAY", rich_help_panel=PANEL, help="The first day, in the programme's time zone."),
]
ToDay = Annotated[str | None, typer.Option("--to", metavar="DAY", rich_help_panel=PANEL, help="The day after the last.")]
From = Annotated[
    str | None,
    typer.Option(
        "--from",
        metavar="DAY|TIME",
        rich_help_panel=PANEL,
        help="At or after 2026-09-01, a day in the programme's time zone, or 2026-09-01T06:00Z.",
    ),
]
To = Annotated[str | None, typer.Option("--to", metavar="DAY|TIME", rich_help_panel=PANEL, help="Before.")]


def filtered(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command an option for every shared filter; it takes them together, as its argument `filters`."""

    @wraps(command)
    def with_filters(**options: Any) -> None:
        command(filters={name: options.pop(name) for name in _SHARED}, **options)

    own = [each for each in inspect.signature(command).parameters.values() if each.name != "filters"]
    shared = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=annotation)
        for name, annotation in _SHARED.items()
    ]
    parameters = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in own] + shared
    with_filters.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # what inspect looks at first
    with_filters.__annotations__ = {each.name: each.annotation for each in parameters}
    return with_filters
