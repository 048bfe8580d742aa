"""Programmes: one document each, with a history, read by those who may and changed by nobody unawares."""

import httpx
import pytest
import yaml
from fastapi import FastAPI

from conftest import Caller
from factories import programme_document
from tallystick.schemas.principal import Role


async def test_a_new_programme_is_created_and_read_back(audit: httpx.AsyncClient, programme: str) -> None:
    """What was put is what is read, with the revision as its ETag."""
    answer = await audit.get(f"/v1/programmes/{programme}")

    assert answer.status_code == 200
    assert answer.headers["etag"] == '"1"'
    assert answer.json()["document"]["vendors"][0]["sites"] == ["lisbon", "cairo"]


async def test_a_document_can_be_yaml(audit: httpx.AsyncClient, programme: str) -> None:
    """YAML and JSON say the same."""
    document = yaml.safe_dump(programme_document(programme, name="Another name"))
    headers = {"Content-Type": "application/yaml", "If-Match": '"1"'}
    answer = await audit.put(f"/v1/programmes/{programme}", content=document, headers=headers)

    assert answer.status_code == 200
    assert answer.json()["document"]["name"] == "Another name"
    assert answer.headers["etag"] == '"2"'


async def test_a_change_needs_the_version_it_is_meant_for(audit: httpx.AsyncClient, programme: str) -> None:
    """428 without If-Match, 412 with a stale one, and nothing changes."""
    document = programme_document(programme, name="Another name")
    without = await audit.put(f"/v1/programmes/{programme}", json=document)
    stale = await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"7"'})
    after = await audit.get(f"/v1/programmes/{programme}")

    assert (without.status_code, stale.status_code) == (428, 412)
    assert after.json()["revision"] == 1


async def test_the_same_document_again_makes_no_version(audit: httpx.AsyncClient, programme: str) -> None:
    """Putting back what was read changes nothing."""
    answer = await audit.put(f"/v1/programmes/{programme}", json=programme_document(programme), headers={"If-Match": '"1"'})

    assert answer.status_code == 200
    assert answer.json()["revision"] == 1


async def test_the_history_keeps_every_version(audit: httpx.AsyncClient, programme: str) -> None:
    """Versions are listed newest first, each with its document."""
    document = programme_document(programme, name="Another name")
    await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})
    versions = (await audit.get(f"/v1/programmes/{programme}/versions")).json()["items"]

    assert [version["revision"] for version in versions] == [2, 1]
    assert [version["document"]["name"] for version in versions] == ["Another name", "Test programme"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"time_zone": "Europe/Atlantis"}, "/time_zone"),
        ({"vendors": []}, "/vendors"),
        ({"queues": ["live", "live"]}, ""),
        ({"targets": {"accuracy": 1.5}}, "/targets/accuracy"),
        ({"colour": "red"}, "/colour"),
        ({"slug": "other"}, "/slug"),
    ],
)
async def test_a_mistake_is_pointed_at(audit: httpx.AsyncClient, programme: str, change: dict[str, object], pointer: str) -> None:
    """A document with a mistake is a 422 that names the place, and changes nothing."""
    document = programme_document(programme) | change
    answer = await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert (await audit.get(f"/v1/programmes/{programme}")).json()["revision"] == 1


@pytest.mark.principal(Role.VENDOR_POC, vendor="acme")
async def test_a_vendor_sees_no_other_vendor(audit: httpx.AsyncClient, programme: str) -> None:
    """The document as a vendor reads it names that vendor alone."""
    answer = await audit.get(f"/v1/programmes/{programme}")

    assert [vendor["slug"] for vendor in answer.json()["document"]["vendors"]] == ["acme"]


async def test_a_programme_that_is_not_ones_own_does_not_exist(audit_app: FastAPI, caller: Caller, programme: str) -> None:
    """A foreign programme answers exactly like one that does not exist, to the client's people and to vendors."""
    stranger = caller(audit_app, Role.QUALITY_MANAGER, programmes=("elsewhere",))
    vendor = caller(audit_app, Role.VENDOR_POC, vendor="northwind")
    foreign = [await client.get(f"/v1/programmes/{programme}") for client in (stranger, vendor)]
    missing = [await client.get("/v1/programmes/no-such-programme") for client in (stranger, vendor)]

    assert {answer.status_code for answer in foreign + missing} == {404}
    assert {answer.json()["detail"] for answer in foreign + missing} == {"There is no such programme."}


@pytest.mark.principal(Role.QUALITY_MANAGER)
async def test_only_an_admin_configures(audit: httpx.AsyncClient, programme: str) -> None:
    """Any other role is told which one it takes."""
    answer = await audit.put(f"/v1/programmes/{programme}", json=programme_document(programme))

    assert answer.status_code == 403
    assert "admin" in answer.json()["detail"]
