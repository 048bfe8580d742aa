"""A fresh stack, and the export of a BPO in the folder that DATA names (see CONTRIBUTING.md)."""

import asyncio
import csv
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tallystick.schemas.principal import Role
from tallystick_embedded.stack import Stack

PROGRAMME = "emea"


@dataclass
class Fresh:
    """A stack that was empty before the acceptance began, the export, and a directory to work in."""

    stack: Stack
    export: Path
    directory: Path

    async def tallystick(self, *arguments: str | Path, role: Role = Role.ADMIN) -> tuple[int, str]:
        """Run the product's own command; the exit code and what it wrote."""
        token = self.directory / role.value
        token.write_text(self.stack.token(role))
        process = await asyncio.create_subprocess_exec(
            *(Path(sys.executable).with_name("tallystick"), *arguments, "--url", self.stack.url, "--token-file", token),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        return process.returncode or 0, (output or errors).decode()

    async def read(self, path: str, **query: Any) -> dict[str, Any]:
        """GET a JSON answer through the gateway."""
        headers = {"Authorization": f"Bearer {self.stack.token(Role.QUALITY_MANAGER)}"}
        async with httpx.AsyncClient(base_url=self.stack.url, headers=headers, timeout=60, trust_env=False) as client:
            answer = (await client.get(path, params={"programme": PROGRAMME, **query})).raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def programme_of(export: Path) -> dict[str, Any]:
    """A strict programme that knows the words of the export, with the profile that maps its columns."""
    with export.open(newline="") as file:
        rows = list(csv.DictReader(file))
    words = {name: sorted({row[name] for row in rows if row[name]}) for name in rows[0]}
    sites = {vendor: sorted({row["site"] for row in rows if row["vendor"] == vendor}) for vendor in words["vendor"]}
    classes = {row["error_code"]: row["error_class"] for row in rows if row["error_code"]}
    policies = sorted({*words["moderator_policy"], *words["benchmark_policy"]})
    return {
        "slug": PROGRAMME,
        "name": "EMEA",
        "time_zone": "UTC",
        "vendors": [{"slug": vendor, "name": vendor.title(), "sites": sites[vendor]} for vendor in sites],
        "queues": words["queue"],
        "markets": words["market"],
        "languages": words["language"],
        "policy_set": {"version": "1", "policies": [{"code": policy, "name": policy} for policy in policies]},
        "error_taxonomy": {
            "version": "1",
            "codes": [{"code": code, "name": code, "error_class": classes[code]} for code in sorted(classes)],
        },
        "targets": {"accuracy": 0.92},
        "import_profiles": [
            {
                "slug": "bpo-export",
                "columns": {
                    "external_id": "ticket_id",
                    "content_ref": "content_id",
                    "moderator": "moderator_id",
                    "action": "moderator_action",
                    "policy": "moderator_policy",
                    "auditor": "auditor_id",
                },
            }
        ],
    }


@pytest.fixture(scope="session")
async def fresh(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Fresh]:
    """The stack, with its programme applied by the command."""
    directory = tmp_path_factory.mktemp("acceptance")
    export = Path(os.environ["DATA"]) / "bpo-export.csv"
    async with Stack(directory / "data", port=0, environment={"TALLYSTICK_DETECT_AFTER_SECONDS": "1"}) as stack:
        fresh = Fresh(stack, export, directory)
        document = directory / "programme.yaml"
        document.write_text(yaml.safe_dump(programme_of(export)))
        code, said = await fresh.tallystick("programme", "apply", document)
        assert code == 0, said
        yield fresh
