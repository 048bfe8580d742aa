"""Settings from the environment; any of them can also be given as a file (`TALLYSTICK_SECRET_FILE=/run/secrets/secret`)."""

import os
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, BaseModel, Field, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from tallystick.identity import AUDIENCE, SERVICE_ISSUER, TOKEN_TYPE
from tallystick.schemas.principal import Role

PREFIX = "TALLYSTICK_"

Algorithm = Literal["EdDSA", "ES256", "ES384", "PS256", "RS256"]


class ClaimNames(BaseModel):
    """Which claims of an issuer's tokens carry what Tallystick needs."""

    roles: str = "roles"
    programmes: str = "programmes"
    vendor: str = "vendor"


class Issuer(BaseModel):
    """One issuer whose tokens are accepted, and what it may vouch for."""

    issuer: str
    jwks: AnyHttpUrl | Path | None = None
    """An https address or a file; where it is missing, OIDC discovery of `issuer` finds it."""
    audience: str = AUDIENCE
    algorithms: Annotated[tuple[Algorithm, ...], Field(min_length=1)] = ("EdDSA",)
    token_types: tuple[str, ...] = (TOKEN_TYPE,)
    roles: frozenset[Role] = frozenset(Role) - {Role.SERVICE}
    claims: ClaimNames = ClaimNames()


class _FileSource(EnvSettingsSource):
    """Reads the value of `NAME` from the file that `NAME_FILE` names."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002 - the signature is pydantic's
        path = os.environ.get(f"{PREFIX}{field_name}_file".upper())
        return (Path(path).read_text().strip() if path else None, field_name, False)


class Settings(BaseSettings):
    """What every service needs to know. `docs/settings.md` says it for operators."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, hide_input_in_errors=True)

    database_url: SecretStr = SecretStr("")
    """Where the service's own database is, as its runtime role."""
    owner_database_url: SecretStr = SecretStr("")
    """The same database as its owner; only `migrate` uses it."""
    database_pool: Annotated[int, Field(ge=1, le=100)] = 10
    """Connections that one process holds at most."""
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)]
    root_path: str = ""
    """The prefix under which the gateway shows this service."""
    public_url: str = "http://127.0.0.1:8080"
    """The gateway's address as people see it; addresses of problem types start with it."""
    issuers: tuple[Issuer, ...] = ()
    service_key: Annotated[dict[str, Any] | None, Field(repr=False)] = None
    """The private JWK that this service signs its own calls with."""
    service_jwks: Path | None = None
    """The file with the public keys of the services' own tokens."""
    secret: SecretStr = SecretStr("")
    """Key of the HMAC over cursors and cookies, and of what is sealed in the database; the same in every replica."""
    revoked: Path | None = None
    """A file of revoked token ids, one a line, read again when it changes."""
    audit_url: str = "http://127.0.0.1:8001"
    rca_url: str = "http://127.0.0.1:8002"
    reporting_url: str = "http://127.0.0.1:8003"
    drain_seconds: Annotated[float, Field(ge=0, le=300)] = 0
    """Between "not ready" and the closing of the listener, so that load balancers take notice."""
    shutdown_seconds: Annotated[int, Field(ge=1, le=600)] = 20
    """How long requests under way may take to end at shutdown."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the signature is pydantic's
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments before the environment before files; nothing else is read."""
        return init_settings, env_settings, _FileSource(settings_cls)

    def trusted_issuers(self) -> list[Issuer]:
        """The configured issuers, and the services' own where its keys are known."""
        if self.service_jwks is None:
            return list(self.issuers)
        own = Issuer(issuer=SERVICE_ISSUER, jwks=self.service_jwks, roles=frozenset({Role.SERVICE}))
        return [*self.issuers, own]
