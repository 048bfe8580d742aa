"""The settings of a service that has webhooks."""

from typing import Annotated

from pydantic import Field, IPvAnyNetwork

from tallystick.service.settings import Settings


class WebhookSettings(Settings):
    """What the delivery of webhooks needs to know."""

    deliver: bool = True
    """Whether this process delivers webhooks. Any number may: each attempt is made by one of them."""
    webhook_networks: Annotated[tuple[IPvAnyNetwork, ...], Field(max_length=100)] = ()
    """Networks that are delivered to although they are not public; to these alone also over plain http."""
