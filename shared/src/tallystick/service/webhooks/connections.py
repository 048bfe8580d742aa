"""Connections to addresses that somebody else chose: to none that a vendor has no business with, however it is spelled.

A host is resolved once for a connection. All of its addresses are looked at, one that is not public refuses them all, and the
connection goes to an address that was looked at: there is no second lookup that could answer something else. The name stays
what TLS asks for and what the `Host` header says. No redirect is followed, no proxy asked, and no body of an answer is read.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import NamedTuple

import httpcore
import httpx

from tallystick.schemas.webhook import DeliveryReason

Network = IPv4Network | IPv6Network
Resolve = Callable[[str, int], Awaitable[Sequence[str]]]
"""Answers the addresses of a host, as texts; raises `OSError` where there are none."""

_ATTEMPT_S = 15.0
_CONNECT_S = 5.0
_LOOKUPS_AT_ONCE = 64

_V6_PUBLIC = IPv6Network("2000::/3")
_NOT_PUBLIC: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24",
        "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
        "224.0.0.0/4", "240.0.0.0/4",
        "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    )
)  # fmt: skip
"""The registries of special addresses (IANA), 6to4 and Teredo among them. Of IPv6, what is outside 2000::/3 is not public either:
loopback, mapped and translated IPv4 (NAT64), unique local, link-local and multicast addresses."""


class AddressRefusedError(httpcore.ConnectError):
    """The host has no address, or one that is not connected to."""


class Answer(NamedTuple):
    """What came of a request: the status of the answer and its `Retry-After`, or the reason why there is none."""

    status: int | None = None
    retry_after: str = ""
    reason: DeliveryReason | None = None


class Lookup:
    """The machine's resolver, in threads of its own: one that hangs keeps nothing else from working."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_LOOKUPS_AT_ONCE, "webhook-lookup")

    async def __call__(self, host: str, port: int) -> list[str]:
        """All addresses of a host."""
        looking = asyncio.get_running_loop().run_in_executor(self._threads, _addresses, host, port)
        return await looking


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


class CheckedBackend(httpcore.AsyncNetworkBackend):
    """Connects to addresses that were looked at.

    Args:
        networks: that are connected to although they are not public.
        resolve: asked for the addresses of a host, once for a connection.
        public: whether public addresses are connected to.
    """

    def __init__(self, networks: Iterable[Network], resolve: Resolve, *, public: bool) -> None:
        self._networks = tuple(networks)
        self._resolve = resolve
        self._public = public
        self._wire = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of a host that takes the connection, where all of them may be connected to."""
        try:
            addresses = await self._resolve(host, port)
        except (OSError, UnicodeError) as error:  # of which the latter is said of names that no server can be asked for
            raise AddressRefusedError("The host has no address.") from error
        if not addresses or not all(map(self._admits, addresses)):
            raise AddressRefusedError("The host has an address that is not connected to.")
        *others, last = addresses
        for address in others:
            try:
                return await self._wire.connect_tcp(address, port, _CONNECT_S, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._wire.connect_tcp(last, port, timeout, local_address, socket_options)

    def _admits(self, text: str) -> bool:
        address = ip_address(text)
        if any(address in network for network in self._networks):
            return True
        special = any(address in network for network in _NOT_PUBLIC)
        return self._public and not special and (address.version == 4 or address in _V6_PUBLIC)  # noqa: PLR2004


class Wire:
    """Sends notices: over TLS to public addresses and to those of `networks`, in plain text to the latter alone."""

    def __init__(self, networks: Iterable[Network], resolve: Resolve) -> None:
        self._trusted = httpx.create_ssl_context()
        self._backends = {
            "https": CheckedBackend(networks, resolve, public=True),
            "http": CheckedBackend(networks, resolve, public=False),
        }

    async def post(self, url: str, headers: dict[str, str], body: bytes) -> Answer:
        """Post a body and answer what was said to it, within 15 seconds; nothing is read beyond the headers."""
        try:
            to = httpx.URL(url)
        except httpx.InvalidURL:
            return Answer(reason=DeliveryReason.ADDRESS)
        target = httpcore.URL(scheme=to.raw_scheme, host=to.raw_host, port=to.port, target=to.raw_path)
        sent = {"Host": to.netloc.decode("ascii"), "Content-Length": str(len(body)), **headers}
        try:
            async with (
                asyncio.timeout(_ATTEMPT_S),
                httpcore.AsyncConnectionPool(self._trusted, network_backend=self._backends[to.scheme]) as once,
                once.stream("POST", target, headers=list(sent.items()), content=body) as response,
            ):
                return Answer(response.status, httpx.Headers(response.headers).get("retry-after", ""))
        except AddressRefusedError:
            return Answer(reason=DeliveryReason.ADDRESS)
        except (TimeoutError, httpcore.TimeoutException):
            return Answer(reason=DeliveryReason.TIMEOUT)
        except (httpcore.NetworkError, httpcore.ProtocolError, OSError) as error:
            return Answer(reason=DeliveryReason.TLS if _said_by_tls(error) else DeliveryReason.CONNECTION)


def _said_by_tls(error: BaseException | None) -> bool:
    while error is not None and not isinstance(error, ssl.SSLError):
        error = error.__context__
    return error is not None
