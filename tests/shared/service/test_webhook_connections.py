"""Where webhooks are delivered to: public addresses, however a host is spelled and whatever its name is said to mean."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import httpcore
import pytest

from certificates import certify, serving
from receiver import Receiver
from tallystick.schemas.webhook import DeliveryReason
from tallystick.service.webhooks.connections import Answer, Lookup, Wire

LOOPBACK = IPv4Network("127.0.0.0/8")
REFUSED = Answer(reason=DeliveryReason.ADDRESS)


class Names:
    """A resolver with answers of its own, one after the other."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        """The next answer."""
        assert port
        self.asked.append(host)
        return self.answers.pop(0)


@pytest.fixture
def reached(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The addresses to which a connection was tried. None is made."""
    tried: list[str] = []

    async def connect(_: Any, host: str, *_more: Any) -> httpcore.AsyncNetworkStream:
        tried.append(host)
        raise httpcore.ConnectError

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", connect)
    return tried


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for the loopback address and a name, and the authority that has signed it."""
    return certify(tmp_path_factory.mktemp("certificates"), ["hooks.example"])


@pytest.fixture(scope="module")
def wire() -> Wire:
    """What a service delivers over whose settings name no network, with the machine's own resolver."""
    return Wire([], Lookup())


@contextlib.asynccontextmanager
async def receiving(certificate: Path | None) -> AsyncIterator[tuple[Receiver, str]]:
    """A receiver on the loopback interface, and its port."""
    receiver = Receiver()
    async with serving(receiver, certificate) as address:
        yield receiver, address.rpartition(":")[2]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0177.0.0.1", "017700000001", "0x7f.0.0.1", "0x7f000001", "127.0.0.1.",
        "localhost", "LOCALHOST", "\uff11\uff12\uff17.0.0.1", "0.0.0.0", "0", "10.1.2.3",  # noqa: S104 - nobody listens here
        "100.64.0.1", "100.127.255.255", "169.254.169.254",
        "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.19.255.255",
        "203.0.113.7", "224.0.0.1", "240.0.0.1", "255.255.255.255",
        "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:8.8.8.8]", "[::127.0.0.1]", "[::ffff:0:127.0.0.1]",
        "[64:ff9b::7f00:1]", "[64:ff9b::808:808]", "[64:ff9b:1::a00:1]", "[fe80::1]", "[fec0::1]", "[fc00::1]", "[fd12::1]",
        "[2001::1]", "[2001:db8::1]", "[2002:7f00:1::]", "[2002:808:808::1]", "[3fff::1]", "[ff02::1]", "[100::1]",
    ],
)  # fmt: skip
async def test_an_address_that_is_not_public_is_not_connected_to(host: str, wire: Wire, reached: list[str]) -> None:
    """In any form that the machine's own resolver understands, over TLS and without."""
    assert await wire.post(f"https://{host}/hook", {}, b"") == REFUSED
    assert await wire.post(f"http://{host}:8080/hook", {}, b"") == REFUSED
    assert reached == []


@pytest.mark.parametrize(
    "host",
    [
        "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "172.15.255.255",
        "172.32.0.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
        "[2001:200::1]", "[2606:4700:4700::1111]", "[2a00:1450::1]",
    ],
)  # fmt: skip
async def test_a_public_address_is_connected_to_over_tls_alone(host: str, wire: Wire, reached: list[str]) -> None:
    """Those beside the refused ranges too."""
    assert await wire.post(f"https://{host}/hook", {}, b"") == Answer(reason=DeliveryReason.CONNECTION)
    assert await wire.post(f"http://{host}/hook", {}, b"") == REFUSED
    assert reached == [host.strip("[]")]


@pytest.mark.parametrize("others", [["10.0.0.1"], ["::1"], ["fe80::1%2"], ["8.8.4.4", "169.254.169.254"]])
async def test_a_name_that_means_one_private_address_among_public_ones_is_refused(others: list[str], reached: list[str]) -> None:
    """Whichever comes first."""
    answers = [["8.8.8.8", *others], [*others, "8.8.8.8"]]
    wire = Wire([], Names(*answers))

    assert [await wire.post("https://hooks.example/", {}, b"") for _ in answers] == [REFUSED] * 2
    assert reached == []


async def test_a_name_that_means_nothing_is_refused_alike() -> None:
    """Nobody learns from the reason which names there are within."""

    async def nowhere(host: str, port: int) -> Sequence[str]:
        raise OSError(host, port)

    assert await Wire([], nowhere).post("https://hooks.example/", {}, b"") == REFUSED
    assert await Wire([], Names([])).post("https://hooks.example/", {}, b"") == REFUSED
    assert await Wire([], Lookup()).post(f"https://{'x' * 64}.example/", {}, b"") == REFUSED


async def test_a_name_is_looked_up_once_and_stays_what_tls_asks_for(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection goes to the address that was looked at: a second answer would never be asked for."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "ca.pem"))
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    async with receiving(certificate) as (receiver, port):
        answer = await Wire([LOOPBACK], names).post(f"https://hooks.example:{port}/in?key=1", {}, b"{}")

        assert answer == Answer(204)
        assert names.asked == ["hooks.example"]
        [notice] = receiver.notices
        assert (notice.path, notice.headers["host"], notice.body) == ("/in", f"hooks.example:{port}", b"{}")

        other_name = await Wire([LOOPBACK], Names(["127.0.0.1"])).post(f"https://other.example:{port}/", {}, b"")
        monkeypatch.delenv("SSL_CERT_FILE")
        untrusted = await Wire([LOOPBACK], Names(["127.0.0.1"])).post(f"https://hooks.example:{port}/", {}, b"")
        assert [other_name, untrusted] == [Answer(reason=DeliveryReason.TLS)] * 2
        assert len(receiver.notices) == 1


async def test_the_second_address_of_a_name_is_tried_too(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A receiver with several addresses is reached as long as one of them answers."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "ca.pem"))
    async with receiving(certificate) as (_, port):
        wire = Wire([LOOPBACK], Names(["127.0.0.2", "127.0.0.1"]))

        assert await wire.post(f"https://hooks.example:{port}/", {}, b"") == Answer(204)


async def test_plain_http_is_for_the_networks_that_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A proxy that the environment names is not asked, and a redirect is an answer like any other."""
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    async with receiving(None) as (receiver, port):
        receiver.answers = [(302, {"Location": "/elsewhere", "Retry-After": "7"})]
        wire = Wire([LOOPBACK], Lookup())

        assert await wire.post(f"http://127.0.0.1:{port}/", {}, b"") == Answer(302, "7")
        assert await wire.post(f"http://[::1]:{port}/", {}, b"") == REFUSED
        assert [notice.path for notice in receiver.notices] == ["/"]
    assert await wire.post(f"http://127.0.0.1:{port}/", {}, b"") == Answer(reason=DeliveryReason.CONNECTION)
