"""The schema of rca-api: the migrations lead to what the code says."""

from collections.abc import Callable
from typing import Any

import pytest
from alembic import command
from fastapi import FastAPI

from rca_api.app import metadata
from tallystick.service.migrate import migration_config


@pytest.mark.usefixtures("rca_app")
def test_the_migrations_lead_to_the_tables_of_the_code(settings: Callable[..., dict[str, Any]]) -> None:
    """Alembic finds no difference between the migrated database and the metadata."""
    command.check(migration_config("rca_api", settings("rca")["owner_database_url"], metadata))


async def test_the_service_answers_for_itself(rca_app: FastAPI) -> None:
    """Every operation of the OpenAPI document has a summary, and problems are described once."""
    document = rca_app.openapi()
    operations = [operation for path in document["paths"].values() for operation in path.values()]

    assert all(operation["summary"] for operation in operations)
    assert "Problem" in document["components"]["schemas"]
