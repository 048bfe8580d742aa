"""Programmes: one document each, with a history, read by those who may and changed by nobody unawares."""

import asyncio

import httpx
import pytest
import yaml
from fastapi import FastAPI

from batches import problem, push
from conftest import Caller
from factories import audit_row, programme_document
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role
from waiting import turns


async def test_a_new_programme_is_created_and_read_back(audit: httpx.AsyncClient, programme: str) -> None:
    """What was put is what is read, with the revision as its ETag."""
    answer = await audit.get(f"/v1/programmes/{programme}")

    assert answer.status_code == 200
    assert answer.headers["etag"] == '"1"'
    assert answer.json()["document"]["vendors"][0]["sites"] == ["lisbon", "cairo"]


@pytest.mark.parametrize(
    "body",
    [
        "a: [" + "x," * 20_000 + "]",
        "a: &a {" + "".join(f"k{each}: 1," for each in range(800)) + "}\nb: [" + "{<<: *a}," * 800 + "]",
    ],
)
async def test_a_document_that_takes_long_to_read_keeps_nobody_waiting(
    audit: httpx.AsyncClient, programme: str, body: str
) -> None:
    """Whoever asks for something else meanwhile is answered."""
    headers = {"Content-Type": "application/yaml", "If-Match": '"1"'}
    async with turns() as waited:
        answer = await audit.put(f"/v1/programmes/{programme}", content=body, headers=headers)

    assert answer.status_code == 422
    assert max(waited) < 0.6 * sum(waited)


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
        ({"time_zone": "localtime"}, "/time_zone"),
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


async def test_a_vendor_sees_no_others_in_import_profiles(
    audit: httpx.AsyncClient, audit_app: FastAPI, caller: Caller, programme: str
) -> None:
    """Neither profiles that are another's by vendor or site, nor the names of others in those that serve all."""
    shared = {
        "slug": "shared",
        "values": {"vendor": {"A": "acme", "B": "borealis"}, "site": {"LIS": "lisbon", "KRK": "krakow"}},
        "defaults": {"site": "krakow"},
    }
    of_others = [{"slug": "by-vendor", "constants": {"vendor": "borealis"}}, {"slug": "by-site", "constants": {"site": "krakow"}}]
    document = programme_document(programme, import_profiles=[shared, *of_others])
    (await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": "*"})).raise_for_status()
    poc = caller(audit_app, Role.VENDOR_POC, vendor="acme")
    [seen] = (await poc.get(f"/v1/programmes/{programme}")).json()["document"]["import_profiles"]

    assert (seen["slug"], seen["values"], seen["defaults"]) == (
        "shared",
        {"vendor": {"A": "acme"}, "site": {"LIS": "lisbon"}},
        {},
    )


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


@pytest.mark.parametrize(
    "change",
    [
        {"name": "a\x00"},
        {"policy_set": {"version": "\x00", "policies": [{"code": "a", "name": "a"}]}},
        {"policy_set": {"version": "1", "policies": [{"code": "a", "name": "\x00"}]}},
        {"error_taxonomy": {"version": "1\x00"}},
        {"import_profiles": [{"slug": "p", "columns": {"\x00": "a"}}]},
        {"import_profiles": [{"slug": "p", "columns": {"vendor": "\x00"}}]},
        {"import_profiles": [{"slug": "p", "constants": {"vendor": "\x00"}}]},
        {"import_profiles": [{"slug": "p", "defaults": {"vendor": "\x00"}}]},
        {"import_profiles": [{"slug": "p", "values": {"vendor": {"\x00": "a"}}}]},
        {"import_profiles": [{"slug": "p", "values": {"vendor": {"a": "\x00"}}}]},
        {"import_profiles": [{"slug": "p", "dates": {"pattern": "\x00"}}]},
        {"import_profiles": [{"slug": "p", "ignore": ["\x00"]}]},
        {"targets": {"minimum_sample": 2**64}},
        {"\x00": 1},
    ],
)
async def test_a_hostile_document_is_refused(audit: httpx.AsyncClient, programme: str, change: dict[str, object]) -> None:
    """What the database could not keep is a 422 wherever it stands, in JSON and in YAML."""
    document = programme_document(programme) | change
    yaml_type = {"Content-Type": "application/yaml"}
    as_json = await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})
    as_yaml = await audit.put(
        f"/v1/programmes/{programme}", content=yaml.safe_dump(document), headers={"If-Match": '"1"', **yaml_type}
    )

    assert [answer.status_code for answer in (as_json, as_yaml)] == [422, 422]
    assert problem(as_json) == problem(as_yaml) == "invalid-request"
    assert (await audit.get(f"/v1/programmes/{programme}")).json()["revision"] == 1


@pytest.mark.parametrize(
    ("media_type", "body", "status"),
    [
        ("application/json", b"{", 400),
        ("application/json", b"[" * 100_000, 400),
        ("application/json", b"\xff", 400),
        ("application/yaml", b"a: [", 400),
        ("application/yaml", b"\xff\xfe\xff", 400),
        ("application/yaml", b"!!python/object/apply:os.getcwd []", 400),
        ("application/yaml", b"{" * 5000, 400),
        ("application/yaml", b"just text", 422),
        ("application/yaml", b"", 422),
        ("text/plain", b"{}", 415),
        ("application/json", b" " * 1_000_001, 413),
    ],
)
async def test_a_body_that_is_no_document_is_a_problem(
    audit: httpx.AsyncClient, programme: str, media_type: str, body: bytes, status: int
) -> None:
    """What cannot be read is 400, what is read and is no document 422, what is not read at all 413 and 415."""
    headers = {"Content-Type": media_type, "If-Match": '"1"'}
    answer = await audit.put(f"/v1/programmes/{programme}", content=body, headers=headers)

    assert problem(answer)
    assert answer.status_code == status


async def test_an_alias_bomb_is_defused(audit: httpx.AsyncClient, programme: str) -> None:
    """YAML whose aliases unfold to billions is refused without being unfolded."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{number}: &a{number} [{', '.join([f'*a{number - 1}'] * 9)}]" for number in range(1, 12)]
    headers = {"Content-Type": "application/yaml", "If-Match": '"1"'}
    async with asyncio.timeout(5):
        answer = await audit.put(f"/v1/programmes/{programme}", content="\n".join(lines), headers=headers)

    assert answer.status_code == 422


async def test_a_programme_is_created_once(audit: httpx.AsyncClient) -> None:
    """Of several first versions at the same moment one is taken; the others are told that the programme is there."""
    slug = f"p-{new_id().hex[-16:]}"
    documents = [programme_document(slug, name=f"Version {number}") for number in range(6)]
    answers = await asyncio.gather(*(audit.put(f"/v1/programmes/{slug}", json=document) for document in documents))

    assert sorted(answer.status_code for answer in answers) == [201, 428, 428, 428, 428, 428]


async def test_an_administrator_and_a_batch_may_change_the_document_at_once(audit: httpx.AsyncClient, programme: str) -> None:
    """A batch that teaches the programme new words and a person who edits it do not stand in each other's way."""
    document = programme_document(programme, register_unknown=["queues"])
    await audit.put(f"/v1/programmes/{programme}", json=document, headers={"If-Match": '"1"'})
    answers = await asyncio.gather(
        *(push(audit, programme, [audit_row(f"A-{number}", queue=f"q-{number}")]) for number in range(8)),
        *(
            audit.put(f"/v1/programmes/{programme}", json=document | {"name": f"Name {number}"}, headers={"If-Match": "*"})
            for number in range(4)
        ),
    )
    versions = (await audit.get(f"/v1/programmes/{programme}/versions")).json()["items"]

    assert [answer.status_code for answer in answers] == [201] * 8 + [200] * 4
    assert [version["revision"] for version in versions] == list(range(len(versions), 0, -1))
