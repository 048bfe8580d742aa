"""What tests of the client share."""

from collections.abc import AsyncIterator, Iterator

import pytest

from shared.client.intake import Intake
from shared.client.stub import Stub, serving
from tallystick.client import Tallystick, transport


@pytest.fixture(scope="session")
def running_stub() -> Iterator[Stub]:
    with serving(Stub()) as stub:
        yield stub


@pytest.fixture
def stub(running_stub: Stub) -> Stub:
    running_stub.forget()
    return running_stub


@pytest.fixture
def intake(stub: Stub) -> Intake:
    stub.handle = intake = Intake()
    return intake


@pytest.fixture
async def tallystick(stub: Stub, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Tallystick]:
    monkeypatch.setattr(transport, "_FIRST_DELAY_S", 0.01)
    async with Tallystick(stub.url, "a-token", patience_s=2) as client:
        yield client
