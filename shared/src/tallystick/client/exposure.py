"""Exposure: one's own ledger and what protects one, and what managers may know of all together."""

from collections.abc import Sequence

from tallystick.client.transport import Transport, parsed
from tallystick.schemas.exposure import Exposure, ExposureSummary, NewBreak, OptOuts


class Exposures:
    """The exposure of whoever asks: nobody reads or changes anybody else's."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._exposure = f"{address}/v1/exposure"

    async def read(self, programme: str) -> Exposure:
        """One's own ledger: today, this week, day by day."""
        return await self._transport.read(Exposure, self._exposure, {"programme": programme})

    async def summary(self, programme: str, *, weeks: int = 8) -> ExposureSummary:
        """Means of groups of five people or more, in so many of the newest weeks that are over. For managers."""
        return await self._transport.read(ExposureSummary, f"{self._exposure}/summary", {"programme": programme, "weeks": weeks})

    async def opted_out(self, programme: str) -> tuple[str, ...]:
        """The policies that one is not handed work of."""
        return (await self._transport.read(OptOuts, f"{self._exposure}/opt-outs", {"programme": programme})).policies

    async def opt_out(self, programme: str, policies: Sequence[str]) -> tuple[str, ...]:
        """Be handed no work of these policies, and of all others. The second time changes nothing, so failures are tried again.

        Raises:
            ProblemError: 422 where the programme knows no such policy.
        """
        query, body = {"programme": programme}, OptOuts(policies=tuple(policies))
        address = f"{self._exposure}/opt-outs"
        return parsed(OptOuts, await self._transport.request("PUT", address, query=query, body=body, repeatable=True)).policies

    async def take_break(self, programme: str, minutes: int) -> Exposure:
        """Be handed nothing for so many minutes from now. It shortens no break, so failures are tried again."""
        query, body = {"programme": programme}, NewBreak(minutes=minutes)
        address = f"{self._exposure}/break"
        return parsed(Exposure, await self._transport.request("PUT", address, query=query, body=body, repeatable=True))
