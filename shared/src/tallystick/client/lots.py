"""Lots: what became of a vendor's decisions of a period, and what a plan risks."""

from collections.abc import AsyncIterator
from typing import Any

from tallystick.client.transport import Query, Transport, parsed
from tallystick.schemas.lot import Lot, LotPage, OperatingCharacteristic, Severity105
from tallystick.schemas.sampling import InspectionLevel


class Lots:
    """The lots of a programme, as the caller may see them."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._lots = f"{address}/v1/lots"

    async def list(self, programme: str, filters: Query | None = None, *, page: int = 100) -> AsyncIterator[Lot]:
        """Every lot that passes the filters, such as `{"vendor": "acme", "verdict": "rejected"}`, newest period first."""
        query = {**(filters or {}), "programme": programme, "limit": page}
        async for response in self._transport.pages(self._lots, query):
            for lot in parsed(LotPage, response).items:
                yield lot

    async def curve(
        self,
        lot_size: int,
        aql: float,
        level: InspectionLevel = InspectionLevel.II,
        severity: Severity105 = Severity105.NORMAL,
    ) -> OperatingCharacteristic:
        """How likely lots of this size are accepted by their quality, and the risk of each side."""
        query: dict[str, Any] = {"lot_size": lot_size, "aql": aql, "level": level, "severity": severity}
        return await self._transport.read(OperatingCharacteristic, f"{self._lots}/curve", query)
