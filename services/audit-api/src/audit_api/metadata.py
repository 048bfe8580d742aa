"""The tables that belong to no noun: the heads of the streams, the idempotency keys, and the webhooks with what they tell of."""

from tallystick.service.database import service_metadata
from tallystick.service.feed import stream_table
from tallystick.service.idempotency import idempotency_table
from tallystick.service.webhooks import Webhooks

metadata = service_metadata()
streams = stream_table(metadata)
idempotency_keys = idempotency_table(metadata)
_APPEAL = "/v1/appeals/{id}"
webhooks = Webhooks(
    metadata,
    {
        "appeal.submitted": _APPEAL,
        "appeal.decided": _APPEAL,
        "appeal.escalated": _APPEAL,
        "appeal.expired": _APPEAL,
    },
)
