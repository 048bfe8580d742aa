"""Webhooks of a service: notices of what has happened, signed as Standard Webhooks 1.0 asks, delivered at least once.

    webhooks = Webhooks(metadata, {"appeal.decided": "/v1/appeals/{id}"})
    await announce(session, webhooks, programme, vendor, "appeal.decided", appeal.id, at=now(request))

A notice is written in the transaction of what it tells of (`outbox`), handed out to the endpoints that want it and delivered
beside the requests (`delivery`), over connections to checked addresses alone (`connections`). `routes` is what people configure.
"""

from tallystick.service.webhooks.outbox import announce
from tallystick.service.webhooks.settings import WebhookSettings
from tallystick.service.webhooks.tables import Webhooks

__all__ = ["WebhookSettings", "Webhooks", "announce"]
