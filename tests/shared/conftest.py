"""What tests of the client and of the command share: a service that answers as it is told, on a real socket."""

from collections.abc import Iterator

import pytest

from shared.client.intake import Intake
from shared.client.stub import Stub, serving


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
