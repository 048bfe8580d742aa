"""Programmes: read their document, put it back."""

import httpx

from tallystick.client.errors import ProblemError
from tallystick.client.transport import Transport, parsed
from tallystick.schemas.programme import Programme, ProgrammeList, ProgrammeRead, ProgrammeVersions


class Programmes:
    """The programmes that the caller may see."""

    def __init__(self, transport: Transport, address: str) -> None:
        self._transport = transport
        self._address = f"{address}/v1/programmes"

    async def list(self) -> tuple[ProgrammeRead, ...]:
        """All of them."""
        return (await self._transport.read(ProgrammeList, self._address)).items

    async def get(self, programme: str) -> ProgrammeRead:
        """One programme's document and its revision."""
        return await self._transport.read(ProgrammeRead, f"{self._address}/{programme}")

    async def put(self, document: Programme, *, revision: int | None = None) -> ProgrammeRead:
        """Create a programme, or replace the document of the `revision` that was read.

        Raises:
            ProblemError: 412 when another revision stands, 428 when it exists and no revision is named.
        """
        headers = {} if revision is None else {"If-Match": f'"{revision}"'}
        response = await self._transport.request("PUT", f"{self._address}/{document.slug}", body=document, headers=headers)
        return parsed(ProgrammeRead, response)

    async def find(self, programme: str) -> ProgrammeRead | None:
        """One programme, or None where there is no such one for the caller."""
        try:
            return await self.get(programme)
        except ProblemError as error:
            if error.problem.status != httpx.codes.NOT_FOUND:
                raise
            return None

    async def apply(self, document: Programme) -> tuple[ProgrammeRead | None, ProgrammeRead]:
        """Create a programme, or bring it to what its document says; answers it as it was and as it is."""
        before = await self.find(document.slug)
        if before is not None and before.document == document:
            return before, before
        return before, await self.put(document, revision=before.revision if before else None)

    async def versions(self, programme: str) -> tuple[ProgrammeRead, ...]:
        """Every version of a programme's document, newest first."""
        return (await self._transport.read(ProgrammeVersions, f"{self._address}/{programme}/versions")).items
