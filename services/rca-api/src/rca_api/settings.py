"""The settings of rca-api."""

from typing import Annotated

from pydantic import Field

from tallystick.service.settings import Settings


class RcaSettings(Settings):
    """What rca-api needs to know beyond what every service needs."""

    port: Annotated[int, Field(ge=1, le=65535)] = 8002
