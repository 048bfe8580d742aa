"""What tests of the client share."""

from collections.abc import AsyncIterator

import pytest

from shared.client.stub import Stub
from tallystick.client import Tallystick, transport


@pytest.fixture
async def tallystick(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tallystick]:
    monkeypatch.setattr(transport, "_FIRST_DELAY_S", 0.01)
    async with Tallystick(stub.url, "a-token", patience_s=2) as client:
        yield client
