"""Every type of problem has its page, and every page its problem."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tallystick.service.problems import all_problems

_OURS = ("tallystick.", "audit_api.", "rca_api.", "reporting_api.")
_OF_GATEWAY = re.compile(r'import problem (\d+) ([a-z-]+) "([^"]*)"')


@pytest.fixture
def problems(root: Path, openapi: Mapping[str, dict[str, Any]]) -> dict[str, tuple[int, str]]:
    """Status and title of every problem of the services and of the gateway, by the last part of its type."""
    assert openapi  # with it every module of every service has been imported
    gateway = _OF_GATEWAY.findall((root / "deploy/Caddyfile").read_text())
    return {slug: (int(status), title) for status, slug, title in gateway} | {
        problem.slug(): (problem.status, problem.title)
        for problem in all_problems()
        if problem.__module__.startswith(_OURS) and problem.__subclasses__() == []
    }


def test_every_problem_has_its_page(root: Path, problems: dict[str, tuple[int, str]]) -> None:
    """`type` leads to docs/problems/{slug}.md; there is no page without a problem."""
    pages = {page.stem for page in (root / "docs/problems").glob("*.md")} - {"README"}

    assert pages == problems.keys()


def test_a_page_begins_with_title_type_and_status(root: Path, problems: dict[str, tuple[int, str]]) -> None:
    """The page says what the document says."""
    for slug, (status, title) in problems.items():
        page = (root / f"docs/problems/{slug}.md").read_text()

        assert page.startswith(f"# {title}\n\n`{slug}`, status {status}\n\n"), slug
        assert "\n## What to do\n\n" in page, slug


def test_the_index_lists_every_problem(root: Path, problems: dict[str, tuple[int, str]]) -> None:
    """docs/problems/README.md has them all, with status and title."""
    rows = re.findall(
        r"^\| (\d+) \| \[([a-z-]+)\]\(\2\.md\) \| (.*) \|$", (root / "docs/problems/README.md").read_text(), re.MULTILINE
    )

    assert {slug: (int(status), title) for status, slug, title in rows} == problems


def test_every_problem_explains_itself(openapi: Mapping[str, dict[str, Any]]) -> None:
    """The docstring of a problem is a sentence that stands in OpenAPI, so there is one."""
    assert openapi
    silent = [problem.__name__ for problem in all_problems() if not (problem.__doc__ or "").strip()]

    assert silent == []
