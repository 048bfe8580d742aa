"""Options that several commands share."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

import typer
from pydantic import ValidationError

from tallystick.cli.console import report_outage
from tallystick.client import Tallystick
from tallystick.client.transport import Token
from tallystick.schemas.base import told

Result = TypeVar("Result")

_CONNECTION = "Where to"
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_PATIENCE_S = 15.0
_UNREACHED_PATIENCE_S = 10.0

Url = Annotated[
    str,
    typer.Option(envvar="TALLYSTICK_URL", help="The gateway's address.", rich_help_panel=_CONNECTION),
]
TokenText = Annotated[
    str | None,
    typer.Option(
        "--token",
        envvar="TALLYSTICK_TOKEN",
        show_envvar=True,
        help="The access token. Other users of the machine can see it; the variable and the file are better.",
        rich_help_panel=_CONNECTION,
    ),
]
TokenFile = Annotated[
    Path | None,
    typer.Option(
        envvar="TALLYSTICK_TOKEN_FILE",
        help="A file that holds the access token; read anew for every request.",
        rich_help_panel=_CONNECTION,
    ),
]
ProgrammeName = Annotated[str, typer.Option("--programme", "-p", envvar="TALLYSTICK_PROGRAMME", help="The programme's slug.")]
AsJson = Annotated[bool, typer.Option("--json", help="Write the service's JSON instead of a table.")]

DEFAULT_URL = "http://127.0.0.1:8080"


@dataclass(frozen=True)
class Connection:
    """How to reach Tallystick, from the command's options."""

    url: str
    token: Token

    @classmethod
    def of(cls, url: str, token: str | None, token_file: Path | None) -> "Connection":
        """The connection that the options describe."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise typer.BadParameter("an address begins with http:// or https://", param_hint="--url")
        if token:
            return cls(url, token.strip())
        if token_file is not None:
            token_file.read_text()  # an unreadable file is told at once
            return cls(url, lambda: token_file.read_text().strip())
        raise typer.BadParameter(
            "none given. Set TALLYSTICK_TOKEN, or sign one for the embedded stack with `tallystick token`.",
            param_hint="--token",
        )

    @property
    def is_loopback(self) -> bool:
        """Whether the gateway is on this machine."""
        return urlsplit(self.url).hostname in {"127.0.0.1", "localhost", "::1"}

    def run(self, act: Callable[[Tallystick], Awaitable[Result]], *, patience_s: float | None = None) -> Result:
        """Do something with a client and answer its result."""
        patience = _PATIENCE_S if patience_s is None else patience_s

        async def within() -> Result:
            async with Tallystick(
                self.url,
                self.token,
                patience_s=patience,
                unreached_patience_s=_UNREACHED_PATIENCE_S,
                on_outage=report_outage,
            ) as tallystick:
                return await act(tallystick)

        return asyncio.run(within())


def refused(error: ValidationError, otherwise: str = "") -> typer.BadParameter:
    """The first fault of what options say, at the option that is called like its field; `otherwise` names that of no field."""
    fault = error.errors(include_url=False)[0]
    [field, *_] = [str(part) for part in fault["loc"] if part != "scope"] or [otherwise]
    return typer.BadParameter(told(fault), param_hint=f"--{field.replace('_', '-')}")


async def up_to(limit: int, found: AsyncIterator[Result]) -> tuple[list[Result], bool]:
    """The first of a list, and whether there are more."""
    first: list[Result] = []
    async for each in found:
        if len(first) == limit:
            return first, True
        first.append(each)
    return first, False


def duration(text: str, option: str) -> timedelta:
    """The length of time that an option names: `90d`, `12h`, `30m` or `45s`."""
    found = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if found is None or not int(found[1]):
        raise typer.BadParameter("a number and a unit: 45s, 30m, 12h, 90d", param_hint=option)
    return timedelta(**{_UNITS[found[2]]: int(found[1])})
