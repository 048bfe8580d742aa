"""The tables that belong to no noun: the heads of the streams, and the idempotency keys."""

from tallystick.service.database import service_metadata
from tallystick.service.feed import stream_table
from tallystick.service.idempotency import idempotency_table

metadata = service_metadata()
streams = stream_table(metadata)
idempotency_keys = idempotency_table(metadata)
