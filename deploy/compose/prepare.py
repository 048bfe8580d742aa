# ruff: noqa: INP001 - a script of the image, no module
"""Makes what the containers of `docker-compose.yml` keep secret, once, before anything else starts.

Everything is in one volume, where each file can be read by the one user that needs it: a service reads its own runtime role's
address, the migrations read the owners', and the issuer's private key stays with root. What exists is left as it is.
"""

import json
import os
import secrets
from pathlib import Path

from tallystick.identity import ISSUER, create_identity

SECRETS = Path("/secrets")
GATEWAY_DATA = Path("/gateway")

SERVICES = 10000
"""The group of all services."""
MIGRATIONS = 10010
GATEWAY = 10020
RUNTIMES = {"audit": 10001, "rca": 10002, "reporting": 10003}


def give(path: Path, *, user: int = 0, group: int = 0, mode: int) -> None:
    """Set the mode before the owner: root without capabilities may change only its own files."""
    path.chmod(mode)
    os.chown(path, user, group)


def main() -> None:
    """Make the local issuer's keys and the databases' passwords."""
    identity = SECRETS / "identity"
    complete = SECRETS / "complete"
    os.chown(GATEWAY_DATA, GATEWAY, GATEWAY)
    if complete.exists():
        return
    create_identity(identity)
    give(identity, mode=0o755)
    for name in ("jwks.json", "revoked"):
        give(identity / name, mode=0o644)
    for name in ("secret", "service.jwk"):
        give(identity / name, group=SERVICES, mode=0o440)
    issuers = SECRETS / "issuers.json"
    issuers.write_text(json.dumps([{"issuer": ISSUER, "jwks": "/run/tallystick/identity/jwks.json"}]))

    passwords = {f"{name}_{kind}": secrets.token_urlsafe(24) for name in RUNTIMES for kind in ("owner", "runtime")}
    write_private(SECRETS / "passwords.json", json.dumps(passwords))
    write_private(SECRETS / "superuser", secrets.token_urlsafe(24))
    for name, user in RUNTIMES.items():
        for role, reader in ((f"{name}_runtime", user), (f"{name}_owner", MIGRATIONS)):
            address = SECRETS / f"{role}.url"
            write_private(address, f"postgresql://{role}:{passwords[role]}@postgres:5432/{name}")
            give(address, user=reader, mode=0o400)
    complete.touch()


def write_private(path: Path, text: str) -> None:
    """Write a file that only root can read."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)


if __name__ == "__main__":
    main()
