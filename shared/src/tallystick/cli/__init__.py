"""The command `tallystick`."""

from tallystick.cli.main import main

__all__ = ["main"]
