"""The `rca-api` command."""

import asyncio

from rca_api.metadata import streams
from rca_api.settings import RcaSettings
from tallystick.service.manage import command, new_epoch

main = command("rca_api", RcaSettings)


@main.command("new-epoch")
def run_new_epoch() -> None:
    """Start a new life of every stream: to be run once after a restore from backup, so that readers start anew."""
    asyncio.run(new_epoch(RcaSettings(), streams))


if __name__ == "__main__":
    main()
