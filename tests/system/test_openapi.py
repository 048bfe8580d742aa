"""What the OpenAPI documents promise holds: Schemathesis calls every operation of all three services through the gateway."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from system.conftest import System
from system.drawing import done, draw_by_queue
from tallystick.client import Tallystick
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Weekday

CONFIG = """
# No schema can say which cursors were issued and which version of a thing stands: 400, 412 and 428 are right answers to others.
[checks]
negative_data_rejection.expected-statuses = ["4xx"]
positive_data_acceptance.expected-statuses = ["2xx", "304", "400", "403", "404", "409", "410", "412", "428", "429"]

[parameters]
"query.programme" = "{programme}"
"path.programme" = "{programme}"
{known}

# Nor that the columns of a CSV are fields, and that the names within a document differ.
# Nor that a period ends after it begins, an idempotency key belongs to one payload, and an address is one over TLS.
[[operations]]
include-name = [
  "GET /v1/metrics", "GET /v1/reports/quality-summary", "GET /v1/reports/top-error-trends", "GET /v1/reports/appeals",
  "GET /v1/reports/calibration", "GET /v1/reports/rca", "GET /v1/reports/weekly-summary",
  "GET /v1/reports/coverage",
  "GET /v1/charts/cases-by-age", "GET /v1/decomposition", "GET /v1/effect",
  "GET /v1/charts/decomposition", "GET /v1/charts/effect",
  "GET /v1/charts/accuracy-over-time", "GET /v1/charts/error-pareto",
  "GET /v1/charts/coverage-over-time", "GET /v1/charts/appeals-over-time", "GET /v1/charts/overturn-rate-over-time",
  "GET /v1/signals", "GET /v1/audits", "GET /v1/appeals",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "304", "400", "404", "422"]

[[operations]]
include-name = [
  "POST /v1/audits", "POST /v1/cases", "POST /v1/cases/{{case_id}}/messages", "POST /v1/cases/{{case_id}}/whys",
  "POST /v1/cases/{{case_id}}/causes", "POST /v1/cases/{{case_id}}/links", "POST /v1/cases/{{case_id}}/actions",
  "POST /v1/coaching-sessions", "POST /v1/objectives", "POST /v1/sampling-plans", "POST /v1/sampling-plan-previews",
  "POST /v1/staffing-plans",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "403", "404", "409", "422"]

# Nor that a change names something, that some steps need their reason, and which days there are.
[[operations]]
include-name = [
  "PATCH /v1/cases/{{case_id}}", "POST /v1/cases/{{case_id}}/steps", "PATCH /v1/cases/{{case_id}}/whys/{{why_id}}",
  "PATCH /v1/cases/{{case_id}}/causes/{{cause_id}}", "POST /v1/cases/{{case_id}}/causes/{{cause_id}}/decision",
  "PATCH /v1/actions/{{action_id}}", "POST /v1/actions/{{action_id}}/steps",
  "PUT /v1/cases/{{case_id}}/plan", "POST /v1/cases/{{case_id}}/plan/extensions", "PUT /v1/sampling-plans/{{plan_id}}",
  "PUT /v1/auditors/{{auditor}}", "PUT /v1/exposure/opt-outs",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "403", "404", "409", "412", "422", "428"]

# Nor that a faulty line of decisions is rejected by itself.
[[operations]]
include-name = "POST /v1/decision-batches"
checks.negative_data_rejection.expected-statuses = ["2xx", "4xx"]

[[operations]]
include-name = "POST /v1/audit-batches"
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404", "409", "415", "422"]

# Nor that the raters and the categories of a session differ, and that an item is of an audit or by reference.
[[operations]]
include-name = [
  "POST /v1/calibration-sessions", "PUT /v1/calibration-sessions/{{session_id}}",
  "POST /v1/calibration-sessions/{{session_id}}/items",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "400", "404", "409", "412", "422", "428"]

[[operations]]
include-name = [
  "POST /v1/webhook-endpoints", "PUT /v1/webhook-endpoints/{{endpoint_id}}", "POST /v1/webhook-endpoints/{{endpoint_id}}/test",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "404", "409", "412", "422", "428"]

# Nor that an item shows something, that categories differ, and that only an amendment brings a judgement.
[[operations]]
include-name = [
  "POST /v1/calibration-sessions", "PUT /v1/calibration-sessions/{{session_id}}",
  "POST /v1/calibration-sessions/{{session_id}}/items", "POST /v1/appeals/{{appeal_id}}/decision",
]
checks.positive_data_acceptance.expected-statuses = ["2xx", "404", "409", "412", "422", "428"]

[[operations]]
include-name = "PUT /v1/programmes/{{programme}}"
checks.positive_data_acceptance.expected-statuses = ["2xx", "409", "412", "422", "428"]
"""


KNOWN = {
    "audit": """
"header.if-match" = { dictionary = "any_version", probability = 0.5 }
""",
    "rca": """
# What is made up at random names nothing that the programme knows, and would get no further than that.
"header.if-match" = { dictionary = "any_version", probability = 0.5 }
"body.vendor" = { dictionary = "vendor", probability = 0.5 }
"body.scope.vendor" = { dictionary = "vendor", probability = 0.5 }
"body.owner_vendor" = { dictionary = "vendor", probability = 0.5 }
"body.owner" = { dictionary = "person", probability = 0.5 }
"body.planned_for" = { dictionary = "soon", probability = 0.9 }
"body.code" = { dictionary = "cause", probability = 0.9 }
"body.period.from" = { dictionary = "first_day", probability = 0.9 }
"body.period.to" = { dictionary = "next_day", probability = 0.9 }
"body.baseline.from" = { dictionary = "first_day", probability = 0.9 }
"body.baseline.to" = { dictionary = "next_day", probability = 0.9 }
"body.baseline.time_zone" = { dictionary = "zone", probability = 0.9 }
"body.verification.from" = { dictionary = "third_day", probability = 0.9 }
"body.verification.to" = { dictionary = "last_day", probability = 0.9 }
"body.verification.time_zone" = { dictionary = "zone", probability = 0.9 }
""",
}
MORE = {
    "audit": """
[dictionaries]
any_version = { values = ["*"] }

# What would be guessed besides crowds out the links of the document.
[phases.stateful.inference]
algorithms = []
""",
    "rca": """
[dictionaries]
vendor = { values = ["acme", "borealis"] }
person = { values = ["someone", "pia"] }
soon = { values = ["2189-12-01T08:00:00Z"] }
zone = { values = ["Europe/Berlin"] }
first_day = { values = ["2026-08-03"] }
next_day = { values = ["2026-08-31"] }
third_day = { values = ["2190-01-04"] }
last_day = { values = ["2190-02-01", "2190-03-01"] }
cause = { values = ["training_gap", "workflow"] }
any_version = { values = ["*"] }

[[operations]]
include-name = "POST /v1/cases/{case_id}/plan/extensions"
parameters."body.to" = { dictionary = "last_day", probability = 0.9 }

# Every operation is reached by a link of the document: what would be guessed besides crowds these out.
[phases.stateful.inference]
algorithms = []
""",
}

HOOKS = """
import schemathesis

schemathesis.serializer.alias("application/x-ndjson", "text/plain")
"""


@pytest.mark.parametrize("service", ["audit", "rca", "reporting"])
async def test_every_operation_keeps_what_its_document_says(
    system: System, gateway: Callable[..., httpx.AsyncClient], service: str, programme: str, tmp_path: Path
) -> None:
    """All checks of Schemathesis, with examples, edge cases and sequences along the links, find no failure."""
    if service == "audit":
        await _give_work(system, gateway, programme)
    config = tmp_path / "schemathesis.toml"
    config.write_text(CONFIG.format(programme=programme, known=KNOWN.get(service, "")) + MORE.get(service, ""))
    (tmp_path / "hooks.py").write_text(HOOKS)
    async with Tallystick(system.url, system.token(Role.ADMIN)) as tallystick, asyncio.timeout(60):
        while not [each for each in (await tallystick.projections(programme)).items if each.work and each.work.caught_up_at]:
            await asyncio.sleep(0.05)
    process = await asyncio.create_subprocess_exec(
        *(Path(sys.executable).with_name("schemathesis"), "--config-file", config),
        *("run", f"{system.url}/{service}/openapi.json", "--url", f"{system.url}/{service}"),
        *("--header", f"Authorization: Bearer {system.token(Role.ADMIN, Role.QUALITY_MANAGER)}"),
        *("--checks", "all", "--max-examples", os.environ.get("SCHEMATHESIS_EXAMPLES", "5"), "--seed", "1", "--no-color"),
        cwd=tmp_path,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "hooks"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()

    assert process.returncode == 0, output.decode()[-20_000:]


async def _give_work(system: System, gateway: Callable[..., httpx.AsyncClient], programme: str) -> None:
    """Draw, and hand the caller an item, which claims answer then: nothing that is made up at random makes a draw."""
    where = {"programme": programme}
    async with gateway(Role.ADMIN) as admin:
        admin.base_url = admin.base_url.join("/audit/v1/")
        await draw_by_queue(system, admin, where)
        await done(admin.put("/auditors/someone", params=where, json={"name": "Someone", "minutes": dict.fromkeys(Weekday, 480)}))
        assert (await done(admin.post("/sample-item-claims", params=where, json={})))["item"]
