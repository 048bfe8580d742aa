"""The `audit-api` command."""

import asyncio

from audit_api.metadata import streams
from audit_api.settings import AuditSettings
from tallystick.service.manage import command, new_epoch

main = command("audit_api", AuditSettings)


@main.command("new-epoch")
def run_new_epoch() -> None:
    """Start a new life of every stream: to be run once after a restore from backup, so that readers start anew."""
    asyncio.run(new_epoch(AuditSettings(), streams))


if __name__ == "__main__":
    main()
