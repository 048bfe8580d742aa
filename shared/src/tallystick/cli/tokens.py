"""`tallystick token`: tokens of the local issuer."""

import getpass
from pathlib import Path
from typing import Annotated

import typer

from tallystick.cli.console import FAILED, complain, err
from tallystick.cli.options import duration
from tallystick.identity import revoke, sign_token
from tallystick.schemas.principal import VENDOR_ROLES, Role

app = typer.Typer(name="token", help="Sign and revoke access tokens of the local issuer.")

Identity = Annotated[
    Path,
    typer.Option(envvar="TALLYSTICK_IDENTITY", help="The directory of the local issuer's keys."),
]
_DEFAULT_IDENTITY = Path("data/identity")


@app.callback(invoke_without_command=True)
def sign(
    context: typer.Context,
    role: Annotated[list[Role] | None, typer.Option(help="What the bearer may do; may be repeated.")] = None,
    programme: Annotated[list[str] | None, typer.Option(help="Where: a programme's slug, or * for all; may be repeated.")] = None,
    vendor: Annotated[str | None, typer.Option(help="The vendor whom the bearer belongs to, for a vendor's role.")] = None,
    subject: Annotated[
        str | None, typer.Option(help="Whose name stands in the records; your login name, or the vendor's slug.")
    ] = None,
    ttl: Annotated[str, typer.Option(metavar="TIME", help="How long it is good: 45s, 30m, 12h, 90d.")] = "12h",
    identity: Identity = _DEFAULT_IDENTITY,
) -> None:
    """Sign an access token with the local issuer's key and write it to standard output.

    The embedded stack keeps its keys in `identity` inside its data directory.
    A company's own identity provider issues the tokens elsewhere.
    """
    if context.invoked_subcommand is not None:
        return
    roles = frozenset(role or ())
    if not roles:
        raise typer.BadParameter("name at least one.", param_hint="--role")
    if Role.SERVICE in roles:
        raise typer.BadParameter("services sign their own tokens.", param_hint="--role")
    if not programme:
        raise typer.BadParameter("name at least one, or '*' for all.", param_hint="--programme")
    if vendor is None and roles & VENDOR_ROLES:
        raise typer.BadParameter("a vendor's role needs the vendor.", param_hint="--vendor")
    if vendor is not None and not roles <= VENDOR_ROLES:
        raise typer.BadParameter(f"a vendor plays {' or '.join(sorted(VENDOR_ROLES))} alone.", param_hint="--role")
    if not (identity / "issuer.jwk").is_file():
        complain(f"There is no local issuer in {identity}. `tallystick up` makes one, --identity names another place.")
        raise typer.Exit(FAILED)
    typer.echo(
        sign_token(
            identity,
            subject=subject or vendor or getpass.getuser(),
            roles=roles,
            programmes=programme,
            vendor=vendor,
            ttl=duration(ttl, "--ttl"),
        )
    )


@app.command("revoke")
def revoke_token(
    token_id: Annotated[str, typer.Argument(metavar="JTI", help="The token's id: its claim `jti`.")],
    identity: Identity = _DEFAULT_IDENTITY,
) -> None:
    """Revoke a token by its id, within a second or two, in every service."""
    if not token_id.strip() or len(token_id.split()) > 1:
        raise typer.BadParameter("an id is one word.", param_hint="JTI")
    if not (identity / "revoked").is_file():
        complain(f"There is no local issuer in {identity}. --identity names another place.")
        raise typer.Exit(FAILED)
    revoke(identity, token_id.strip())
    err.print(f"Revoked {token_id.strip()}.")
