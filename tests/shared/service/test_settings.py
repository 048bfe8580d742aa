"""Settings come from the environment, or from a file that the environment names."""

import json
from pathlib import Path

import pytest
from pydantic import ValidationError
from pydantic_settings import SettingsError

from tallystick.identity import SERVICE_ISSUER
from tallystick.schemas.principal import Role
from tallystick.service.settings import Settings


def test_a_setting_may_stand_in_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`NAME_FILE` names a file with the value of `NAME`: plain text, a number, or JSON."""
    contents = {
        "SECRET": "s3cret\n",
        "PORT": "8765",
        "DATABASE_URL": "postgresql://somebody@/audit\n",
        "ISSUERS": json.dumps([{"issuer": "https://id.example", "jwks": "/keys.json"}]),
        "SERVICE_KEY": json.dumps({"kid": "k", "d": "private"}),
    }
    for name, content in contents.items():
        (tmp_path / name).write_text(content)
        monkeypatch.setenv(f"TALLYSTICK_{name}_FILE", str(tmp_path / name))
    settings = Settings()

    assert settings.secret.get_secret_value() == "s3cret"
    assert settings.port == 8765
    assert settings.database_url.get_secret_value() == "postgresql://somebody@/audit"
    assert settings.issuers[0].issuer == "https://id.example"
    assert settings.service_key == {"kid": "k", "d": "private"}


def test_the_environment_comes_before_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who says both means the value that stands there to be seen."""
    (tmp_path / "secret").write_text("from the file")
    monkeypatch.setenv("TALLYSTICK_SECRET_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("TALLYSTICK_SECRET", "from the environment")

    assert Settings(port=1).secret.get_secret_value() == "from the environment"


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A secret is never silently empty."""
    monkeypatch.setenv("TALLYSTICK_SECRET_FILE", str(tmp_path / "missing"))

    with pytest.raises(SettingsError, match="secret"):
        Settings(port=1)


@pytest.mark.parametrize(
    ("name", "value"),
    [("PORT", "0"), ("PORT", "many"), ("DATABASE_POOL", "0"), ("SHUTDOWN_SECONDS", "0"), ("LOG_LEVEL", "loud")],
)
def test_a_setting_that_cannot_be_is_an_error(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """The service says which, and does not start."""
    monkeypatch.setenv("TALLYSTICK_PORT", "8001")
    monkeypatch.setenv(f"TALLYSTICK_{name}", value)

    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.parametrize("algorithm", ["none", "HS256", "HS512"])
def test_an_issuer_cannot_use_a_weak_algorithm(algorithm: str) -> None:
    """No unsigned tokens, and none that are signed with a public key."""
    with pytest.raises(ValidationError):
        Settings(port=1, issuers=[{"issuer": "x", "algorithms": [algorithm]}])


def test_secrets_do_not_show_themselves() -> None:
    """A printed settings object can be put into a ticket."""
    settings = Settings(
        port=1,
        secret="c4n4ry",
        database_url="postgresql://u:c4n4ry@h/d",
        owner_database_url="postgresql://u:c4n4ry@h/d",
        service_key={"kid": "k", "d": "c4n4ry"},
    )

    assert "c4n4ry" not in repr(settings)


def test_only_the_services_own_issuer_vouches_for_services(tmp_path: Path) -> None:
    """No outside issuer may make tokens of the role `service`."""
    outside = Settings(port=1, issuers=[{"issuer": "x"}])
    inside = Settings(port=1, service_jwks=tmp_path / "jwks.json")

    assert Role.SERVICE not in outside.trusted_issuers()[0].roles
    assert [(issuer.issuer, issuer.roles) for issuer in inside.trusted_issuers()] == [(SERVICE_ISSUER, frozenset({Role.SERVICE}))]
