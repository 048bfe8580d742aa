"""Compose and Kubernetes: what the files promise, and that they and the services mean the same settings."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from audit_api.settings import AuditSettings
from rca_api.settings import RcaSettings
from reporting_api.settings import ReportingSettings

ROOT = Path(__file__).parents[2]
SETTINGS = {
    f"TALLYSTICK_{name}".upper() for kind in (AuditSettings, RcaSettings, ReportingSettings) for name in kind.model_fields
}
GATEWAY = set(re.findall(r"\{\$(\w+)", (ROOT / "deploy" / "Caddyfile").read_text())) | {"XDG_CONFIG_HOME", "XDG_DATA_HOME"}
TOOL = {"TALLYSTICK_IDENTITY", "TALLYSTICK_URL"}
SERVICES = {"audit-api", "rca-api", "reporting-api"}


class Loader(yaml.SafeLoader):
    """Reads Compose's `!override` as the list that follows it."""


def as_it_stands(loader: Loader, node: yaml.SequenceNode) -> list[Any]:
    return loader.construct_sequence(node)


Loader.add_constructor("!override", as_it_stands)


def documents(path: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.load_all(path.read_text(), Loader) if document]


@pytest.fixture
def compose() -> dict[str, dict[str, Any]]:
    """The services of docker-compose.yml."""
    (document,) = documents(ROOT / "docker-compose.yml")
    return dict(document["services"])


def manifests() -> Iterator[dict[str, Any]]:
    """Every object of the Kubernetes manifests, patches included."""
    for path in sorted((ROOT / "deploy" / "kubernetes").rglob("*.yaml")):
        yield from documents(path)


def pods() -> list[tuple[str, dict[str, Any]]]:
    """The pod templates by the names of their owners."""
    return [
        (each["metadata"]["name"], each["spec"]["template"]["spec"])
        for each in manifests()
        if each["kind"] in {"Deployment", "Job"}
    ]


def without_file(names: Mapping[str, Any] | set[str]) -> set[str]:
    return {name.removesuffix("_FILE") for name in names}


def test_compose_uses_settings_that_exist(compose: dict[str, dict[str, Any]]) -> None:
    """A setting that is misspelt here would be ignored in silence."""
    (tls,) = documents(ROOT / "deploy" / "compose" / "tls.yaml")
    for services in (compose, tls["services"]):
        for name, service in services.items():
            known = {"gateway": GATEWAY, "tallystick": TOOL}.get(name, SETTINGS)
            assert without_file(service.get("environment", {})) <= known, name


def test_compose_publishes_the_gateway_alone(compose: dict[str, dict[str, Any]]) -> None:
    """And the databases are on a network of their own, without a way out."""
    (document,) = documents(ROOT / "docker-compose.yml")

    assert [name for name, service in compose.items() if "ports" in service] == ["gateway"]
    assert compose["postgres"]["networks"] == ["database"]
    assert document["networks"]["database"]["internal"] is True
    assert "database" not in compose["gateway"]["networks"]


def test_compose_confines_every_container(compose: dict[str, dict[str, Any]]) -> None:
    """Read-only, without privileges to gain, without capabilities but those that are named."""
    for name, service in compose.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
    users = {compose[name]["user"] for name in (*SERVICES, "audit-migrate", "gateway")}

    assert len(users) == 5
    assert not [user for user in users if user.startswith("0")]


def test_compose_holds_no_secret(compose: dict[str, dict[str, Any]]) -> None:
    """Whatever is secret is named by a file in the volume that `prepare` fills."""
    given = [name for service in compose.values() for name in service.get("environment", {})]

    assert not [name for name in given if re.search(r"SECRET|_KEY|PASSWORD|DATABASE_URL", name) and not name.endswith("_FILE")]


def test_migrations_run_before_their_service(compose: dict[str, dict[str, Any]]) -> None:
    """As one-shot jobs under the owner role, which the services never see."""
    for name in SERVICES:
        migration = f"{name.removesuffix('-api')}-migrate"
        assert compose[name]["depends_on"] == {migration: {"condition": "service_completed_successfully"}}
        assert set(compose[migration]["environment"]) == {"TALLYSTICK_OWNER_DATABASE_URL_FILE"}
        assert "TALLYSTICK_OWNER_DATABASE_URL_FILE" not in compose[name]["environment"]


def test_kubernetes_uses_settings_that_exist() -> None:
    """In the pods and in the config map that all services share."""
    (kustomization,) = documents(ROOT / "deploy" / "kustomization.yaml")
    shared = next(each for each in kustomization["configMapGenerator"] if each["name"] == "settings")

    assert {literal.partition("=")[0] for literal in shared["literals"]} <= SETTINGS
    for name, pod in pods():
        for container in pod["containers"]:
            given = {each["name"] for each in container.get("env", [])}
            assert without_file(given) <= (GATEWAY if name == "gateway" else SETTINGS), name


def test_the_patches_reach_every_pod() -> None:
    """They confine the container `main`, which is the only one everywhere."""
    (kustomization,) = documents(ROOT / "deploy" / "kustomization.yaml")
    listed = {ROOT / "deploy" / path for path in kustomization["resources"]}
    patches = {ROOT / "deploy" / patch["path"] for patch in kustomization["patches"]}

    assert listed | patches == set((ROOT / "deploy" / "kubernetes").rglob("*.yaml"))
    assert {container["name"] for _, pod in pods() for container in pod["containers"]} == {"main"}


def test_the_secrets_that_kubernetes_refers_to_are_documented() -> None:
    """Each secret and each key in it is named in docs/running.md."""
    text = (ROOT / "docs" / "running.md").read_text()
    for name, pod in pods():
        references = [
            each["valueFrom"]["secretKeyRef"]
            for container in pod["containers"]
            for each in container.get("env", [])
            if "secretKeyRef" in each.get("valueFrom", {})
        ]
        volumes = [volume["secret"]["secretName"] for volume in pod.get("volumes", []) if "secret" in volume]
        for word in (*(part for each in references for part in (each["name"], each["key"])), *volumes):
            assert word in text, (name, word)
