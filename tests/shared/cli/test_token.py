"""`tallystick token`."""

import time
from pathlib import Path

import jwt
import pytest

from shared.cli.conftest import Command
from tallystick.identity import create_identity


@pytest.fixture
def identity(tmp_path: Path) -> Path:
    create_identity(tmp_path / "data" / "identity")
    return tmp_path / "data" / "identity"


@pytest.mark.usefixtures("identity")
def test_a_token_says_who_may_do_what_where_and_until_when(tallystick: Command) -> None:
    """Signed with the key of the embedded stack, which keeps its data in `data` by default."""
    ran = tallystick("token", "--role", "vendor_system", "--vendor", "acme", "--programme", "emea-video", "--ttl", "90d")

    claims = jwt.decode(ran.out.strip(), options={"verify_signature": False})
    assert (claims["sub"], claims["vendor"]) == ("acme", "acme")
    assert claims["roles"] == ["vendor_system"]
    assert claims["programmes"] == ["emea-video"]
    assert claims["exp"] - time.time() == pytest.approx(90 * 86_400, abs=60)


def test_several_roles_and_programmes_may_be_named(tallystick: Command, identity: Path) -> None:
    """And whose name stands in the records."""
    several = ("--role", "auditor", "--role", "analyst", "--programme", "a", "--programme", "b")
    ran = tallystick("token", *several, "--subject", "nina", "--identity", identity)

    claims = jwt.decode(ran.out.strip(), options={"verify_signature": False})
    assert claims["sub"] == "nina"
    assert claims["roles"] == ["analyst", "auditor"]
    assert claims["programmes"] == ["a", "b"]
    assert "vendor" not in claims


@pytest.mark.usefixtures("identity")
@pytest.mark.parametrize(
    "arguments",
    [
        ("--programme", "*"),
        ("--role", "admin"),
        ("--role", "king", "--programme", "*"),
        ("--role", "service", "--programme", "*"),
        ("--role", "vendor_system", "--programme", "*"),
        ("--role", "admin", "--vendor", "acme", "--programme", "*"),
        ("--role", "admin", "--programme", "*", "--ttl", "soon"),
        ("--role", "admin", "--programme", "*", "--ttl", "0d"),
    ],
)
def test_a_token_that_no_service_would_accept_is_not_signed(tallystick: Command, arguments: tuple[str, ...]) -> None:
    """The service would only answer 401, without saying why."""
    ran = tallystick("token", *arguments)

    assert ran.code == 2
    assert ran.out == ""


def test_without_a_local_issuer_the_command_says_so(tallystick: Command) -> None:
    """It looks in `data/identity` unless told otherwise."""
    ran = tallystick("token", "--role", "admin", "--programme", "*")

    assert ran.code == 1
    assert "no local issuer in data/identity" in ran.err


def test_a_token_is_revoked_by_its_id(tallystick: Command, identity: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list is the one that the services read."""
    monkeypatch.setenv("TALLYSTICK_IDENTITY", str(identity))

    assert tallystick("token", "revoke", "01a204c7-05b5-7184-97ec-eb319c0e70c5").code == 0
    assert tallystick("token", "revoke", "two words").code == 2

    assert (identity / "revoked").read_text() == "01a204c7-05b5-7184-97ec-eb319c0e70c5\n"


def test_nothing_is_revoked_where_there_is_no_issuer(tallystick: Command) -> None:
    """A mistyped directory must not swallow a revocation."""
    assert tallystick("token", "revoke", "x").code == 1
