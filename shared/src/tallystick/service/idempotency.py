"""`Idempotency-Key`: the same key and payload replay the first answer, at any later time.

Kept are the key, a fingerprint of the payload and a reference to the outcome, never the payload or the answer themselves. The row
is written in the transaction of the request it belongs to, so a request that failed has left no key behind.
"""

import hashlib
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import Header
from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
    func,
    insert,
    select,
)

from tallystick.service.auth import Principal
from tallystick.service.database import WriteSession
from tallystick.service.problems import IdempotencyKeyReused, RequestInProgress

REPLAYED = {"Idempotent-Replayed": "true"}

IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1,
        max_length=200,
        description="A key of the caller's choice; sent again with the same payload it replays the first answer.",
    ),
]


def idempotency_table(metadata: MetaData) -> Table:
    """The table of a service's idempotency keys."""
    return Table(
        "idempotency_keys",
        metadata,
        Column("programme", Text, nullable=False),
        Column("owner", LargeBinary, nullable=False, comment="hash of subject and vendor"),
        Column("key", LargeBinary, nullable=False, comment="hash of operation and key"),
        Column("fingerprint", LargeBinary, nullable=False),
        Column("outcome_id", Uuid, nullable=False),
        Column("outcome_position", BigInteger, nullable=False),
        Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
        PrimaryKeyConstraint("programme", "owner", "key"),
    )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a request led to: the thing's id and its position in the stream at that time."""

    id: UUID
    position: int


class Once:
    """One keyed request: `await earlier()` answers the outcome of the first one, `await keep(outcome)` records this one's."""

    def __init__(
        self, table: Table, session: WriteSession, programme: str, operation: str, key: str | None, *payload: bytes
    ) -> None:
        self._table = table
        self._session = session
        self._programme = programme
        self._owner = _owner(session.principal)
        self._key = None if key is None else _digest(operation, key)
        self._payload = payload

    def _fingerprint(self) -> bytes:
        digest = hashlib.sha256()
        for part in self._payload:
            digest.update(part)
        return digest.digest()

    async def earlier(self) -> Outcome | None:
        """The outcome of an earlier request with this key. Raises a problem if that one still runs or had another payload."""
        if self._key is None:
            return None
        lock = int.from_bytes(_digest(self._programme, self._owner.hex(), self._key.hex())[:8], signed=True)
        if not (await self._session.execute(select(func.pg_try_advisory_xact_lock(lock)))).scalar_one():
            raise RequestInProgress("The first request with this key is still running.", headers={"Retry-After": "1"})
        c = self._table.c
        row = (
            await self._session.execute(
                select(c.fingerprint, c.outcome_id, c.outcome_position).where(
                    c.programme == self._programme, c.owner == self._owner, c.key == self._key
                )
            )
        ).one_or_none()
        if row is None:
            return None
        if row.fingerprint != self._fingerprint():
            raise IdempotencyKeyReused("This key was used before with another payload.")
        return Outcome(row.outcome_id, row.outcome_position)

    async def keep(self, outcome: Outcome) -> None:
        """Record the outcome of this request under its key."""
        if self._key is not None:
            await self._session.execute(
                insert(self._table).values(
                    programme=self._programme,
                    owner=self._owner,
                    key=self._key,
                    fingerprint=self._fingerprint(),
                    outcome_id=outcome.id,
                    outcome_position=outcome.position,
                )
            )


def _owner(principal: Principal) -> bytes:
    """Whom a key belongs to: a subject, as its issuer means it, and its vendor."""
    return _digest(principal.issuer, principal.subject, principal.vendor or "")


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\x1f".join(parts).encode()).digest()
