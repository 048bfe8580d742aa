"""Programs that come in wheels."""

from importlib.metadata import files
from pathlib import Path

from tallystick_embedded.errors import StackError

RESOURCES = Path(__file__).resolve().parent / "resources"


def program_of(distribution: str, ending: str) -> Path:
    """The file of an installed distribution whose path ends like this, such as `bin/caddy`."""
    for file in files(distribution) or ():
        if file.as_posix().endswith(ending):
            return Path(str(file.locate())).resolve()
    raise StackError(f"The package {distribution} for this platform does not bring {ending}.")
