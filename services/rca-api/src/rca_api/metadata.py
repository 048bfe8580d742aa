"""The tables that belong to no noun: the heads of the streams, and the idempotency keys."""

from sqlalchemy import MetaData

from tallystick.service.feed import stream_table
from tallystick.service.idempotency import idempotency_table

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    }
)
streams = stream_table(metadata)
idempotency_keys = idempotency_table(metadata)
