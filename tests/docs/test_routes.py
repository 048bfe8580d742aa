"""Every route is documented, and no other."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from security.doors import routes

_SECTION = re.compile(r"^## (.*)$", re.MULTILINE)
_ROW = re.compile(r"^\| ([A-Z]+) \| `(/[^`]*)` \| \S", re.MULTILINE)
_COMMON = {"/livez", "/readyz", "/version", "/metrics"}


def _documented(page: str) -> dict[str, set[tuple[str, str]]]:
    """Method and route by the title of the section."""
    _, *parts = _SECTION.split(page)
    return {title: set(_ROW.findall(text)) for title, text in zip(parts[::2], parts[1::2], strict=True)}


def _routes(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method.upper(), route) for route, operations in document["paths"].items() for method in operations}


def test_the_page_lists_every_route_of_every_service(root: Path, openapi: Mapping[str, dict[str, Any]]) -> None:
    """docs/http-api.md has each operation of the OpenAPI documents in the table of its service, and nothing else."""
    documented = _documented((root / "docs/http-api.md").read_text())
    listed = {prefix: {*routes} for title, routes in documented.items() for prefix in openapi if f"under `{prefix}`" in title}
    served = {
        prefix: {(method, route) for method, route in _routes(document) if route not in _COMMON}
        for prefix, document in openapi.items()
    }

    assert listed == served


def test_the_page_lists_what_every_service_has(root: Path, apps: Mapping[str, FastAPI]) -> None:
    """Health, version and metrics are the same in all services, and listed once."""
    documented = _documented((root / "docs/http-api.md").read_text())["Every service"]

    for app in apps.values():
        assert {(method, route) for method, route in routes(app) if route in _COMMON} == documented


def test_the_page_lists_every_page_that_people_see(
    root: Path, apps: Mapping[str, FastAPI], openapi: Mapping[str, dict[str, Any]]
) -> None:
    """Routes outside the OpenAPI documents are pages, whichever service they are from, and listed too."""
    documented = _documented((root / "docs/http-api.md").read_text())["Pages"]
    hidden = {prefix: {*routes(app)} - _routes(openapi[prefix]) for prefix, app in apps.items()}
    pages = {prefix: {each for each in found if each[1] not in {*_COMMON, "/openapi.json"}} for prefix, found in hidden.items()}

    assert set().union(*pages.values()) == documented


def test_every_post_happens_once(openapi: Mapping[str, dict[str, Any]]) -> None:
    """It takes a key to repeat it under, or names the version that it moves on; what changes nothing twice needs neither."""
    unsafe = {
        route
        for document in openapi.values()
        for route, operations in document["paths"].items()
        if "post" in operations
        and not {"idempotency-key", "if-match"} & {each["name"].lower() for each in operations["post"].get("parameters", ())}
    }

    assert unsafe == {
        "/v1/calibration-sessions/{session_id}/rating-batches",
        "/v1/sampling-plan-previews",
        "/v1/draws/{draw_id}/drawing",
        "/v1/sample-item-claims",
        "/v1/decision-batches",
    }


def test_every_operation_says_what_it_is_for(openapi: Mapping[str, dict[str, Any]]) -> None:
    """Each operation has a summary, a description and its successful answer described."""
    silent = [
        (prefix, method, route)
        for prefix, document in openapi.items()
        for route, operations in document["paths"].items()
        for method, operation in operations.items()
        if not (operation.get("summary") and operation.get("description") and operation["responses"])
    ]

    assert silent == []


@pytest.mark.parametrize("prefix", ["/audit", "/rca"])
def test_every_operation_about_a_thing_is_reached_by_a_link(openapi: Mapping[str, dict[str, Any]], prefix: str) -> None:
    """From what made the thing or told of it, with parameters that there are: tools that follow links reach all.

    Who changes a thing is given its version.
    """
    document = openapi[prefix]
    operations = {each["operationId"]: (route, each) for route, of in document["paths"].items() for each in of.values()}
    answers = [answer for _, operation in operations.values() for answer in operation["responses"].values()]
    links = [link for answer in answers for link in answer.get("links", {}).values()]
    taken = {name: {each["name"] for each in operation.get("parameters", ())} for name, (_, operation) in operations.items()}

    about = {name for name, (route, _) in operations.items() if re.search(r"_id}|{auditor}", route)}
    versioned = {link["operationId"] for link in links if "if-match" in link["parameters"]}

    assert about
    assert about - {link["operationId"] for link in links} == set()
    assert {name for name in about if "if-match" in taken[name]} - versioned == set()
    assert [link for link in links if not set(link["parameters"]) <= taken[link["operationId"]]] == []
