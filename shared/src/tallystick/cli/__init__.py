"""The command `tallystick`."""

from tallystick.cli.command import main

__all__ = ["main"]
