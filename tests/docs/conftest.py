"""The tree, its pages, and what the services say of themselves: what the documentation is held against. Needs no database."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI

from audit_api.settings import AuditSettings
from rca_api.settings import RcaSettings
from reporting_api.settings import ReportingSettings
from tallystick.service.settings import Settings
from unstarted import unstarted

_NOT_OURS = {"__pycache__", "build", "data", "dist", "htmlcov", "output"}
_HIDDEN = {".ci", ".env.example", ".gitignore", ".dockerignore"}


@pytest.fixture(scope="session")
def root() -> Path:
    """The top of the repository."""
    return Path(__file__).parents[2]


@pytest.fixture(scope="session")
def tree(root: Path) -> list[Path]:
    """Every file that belongs to the repository; links to others are not followed."""
    found: list[Path] = []
    for folder, folders, files in os.walk(root):
        folders[:] = [name for name in folders if _is_ours(name)]
        found += [Path(folder, name) for name in files if _is_ours(name) and not Path(folder, name).is_symlink()]
    return found


def _is_ours(name: str) -> bool:
    return name in _HIDDEN or not (name in _NOT_OURS or name.startswith(".") or name.endswith((".egg-info", ".pyc")))


@pytest.fixture(scope="session")
def pages(tree: list[Path]) -> dict[Path, str]:
    """Every page of Markdown, by its place."""
    return {path: path.read_text() for path in tree if path.suffix == ".md"}


@pytest.fixture(scope="session")
def settings_types() -> list[type[Settings]]:
    """The settings of each service."""
    return [AuditSettings, RcaSettings, ReportingSettings]


@pytest.fixture(scope="session")
def apps() -> Mapping[str, FastAPI]:
    """Each service, not started, by the prefix under which the gateway shows it."""
    return unstarted()


@pytest.fixture(scope="session")
def openapi(apps: Mapping[str, FastAPI]) -> Mapping[str, dict[str, Any]]:
    """The OpenAPI document of each service, by its prefix."""
    return {prefix: app.openapi() for prefix, app in apps.items()}
