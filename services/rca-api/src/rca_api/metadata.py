"""The tables that belong to no noun: the heads of the streams, the idempotency keys, and the webhooks with what they tell of."""

from tallystick.schemas.notice import NoticeKind
from tallystick.service.database import service_metadata
from tallystick.service.feed import stream_table
from tallystick.service.idempotency import idempotency_table
from tallystick.service.webhooks import Webhooks

metadata = service_metadata()
streams = stream_table(metadata)
idempotency_keys = idempotency_table(metadata)
webhooks = Webhooks(metadata, dict.fromkeys(map(str, NoticeKind), "/v1/notices/{id}"))
