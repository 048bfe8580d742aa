"""Servers over TLS on the loopback interface: an authority of a test's own, and a certificate that it has signed."""

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from conftest import Server


def certify(directory: Path, names: Sequence[str] = ()) -> Path:
    """Make `ca.pem` in a directory, and `leaf.pem` with `leaf.key` for the loopback address and these names."""
    authority, leaf = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Tests")])
    now = datetime.now(UTC)

    def issued(key: ec.EllipticCurvePrivateKey, subject: x509.Name, *, is_authority: bool) -> x509.Certificate:
        own, signer = x509.SubjectKeyIdentifier.from_public_key, authority.public_key()
        builder = (
            x509.CertificateBuilder(name, subject, key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(minutes=5))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=is_authority, path_length=None), critical=True)
            .add_extension(own(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer), critical=False)
        )
        if not is_authority:
            loopback = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
            hosts = x509.SubjectAlternativeName([loopback, *map(x509.DNSName, names)])
            builder = builder.add_extension(hosts, critical=False)
        return builder.sign(authority, hashes.SHA256())

    pem = serialization.Encoding.PEM
    (directory / "ca.pem").write_bytes(issued(authority, name, is_authority=True).public_bytes(pem))
    leaf_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    (directory / "leaf.pem").write_bytes(issued(leaf, leaf_name, is_authority=False).public_bytes(pem))
    private = leaf.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (directory / "leaf.key").write_bytes(private)
    return directory


@contextlib.asynccontextmanager
async def serving(app: Any, certificate: Path | None) -> AsyncIterator[str]:
    """Serve an ASGI app on a free port of the loopback interface, over TLS where there is a certificate; answers its address."""
    config = uvicorn.Config(
        app,
        port=0,
        lifespan="off",
        ws="none",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate and certificate / "leaf.pem",
        ssl_keyfile=certificate and certificate / "leaf.key",
    )
    server = Server(config)
    task = asyncio.create_task(server.serve())
    await server.listens.wait()
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"{'https' if certificate else 'http'}://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        await task
