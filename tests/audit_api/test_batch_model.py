"""Whatever is sent, however it is split and written, the verdicts and the audits are those of a model of a page of Python."""

from dataclasses import dataclass, field
from typing import Any

import httpx
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batches import CSV, JSON, NDJSON, pushed
from conftest import Caller
from factories import audit_row, missed, programme_document
from tallystick.schemas.base import new_id
from tallystick.schemas.principal import Role

FACTS = {"queue", "action", "policy"}


@dataclass
class Model:
    """What audit-api promises of a push, without a database."""

    audits: dict[tuple[str, str], list[dict[str, Any]]] = field(default_factory=dict)
    """All versions of each audit that rows have brought, the current one last."""

    def verdict(self, row: dict[str, Any], *, revise: bool) -> str:
        """The verdict on a row, and its effect."""
        if row.get("market") not in {"PL", "ES"} or row["verdict"] == "perhaps":
            return "rejected"
        versions = self.audits.setdefault((row["vendor"], row["external_id"]), [])
        if not versions:
            versions.append(row)
            return "created"
        if row in versions:
            return "duplicate"
        if not revise or any(row[name] != versions[-1][name] for name in FACTS):
            return "conflict"
        versions.append(row)
        return "revised"

    def current(self) -> set[tuple[Any, ...]]:
        """What the audits say at the end."""
        return {
            (*name, rows[-1]["queue"], rows[-1]["comment"], rows[-1]["verdict"], rows[0]["verdict"], len(rows))
            for name, rows in self.audits.items()
            if rows
        }


def _row(number: int, vendor: str, comment: str, queue: str, market: str, verdict: str) -> dict[str, Any]:
    of_vendor = {"vendor": vendor, "site": "lisbon" if vendor == "acme" else "krakow"}
    said = {"comment": comment, "queue": queue, "market": market}
    if verdict == "incorrect":
        return missed(f"A-{number}", **of_vendor, **said)
    return audit_row(f"A-{number}", **of_vendor, **said, verdict=verdict)


_ROWS = st.lists(
    st.builds(
        _row,
        st.integers(0, 4),
        st.sampled_from(["acme", "acme", "borealis"]),
        st.sampled_from(["a", "b", "ä\n"]),
        st.sampled_from(["live", "live", "live", "comments"]),
        st.sampled_from(["PL", "PL", "PL", "XX"]),
        st.sampled_from(["correct", "incorrect", "incorrect", "perhaps"]),
    ),
    min_size=1,
    max_size=12,
)
_BATCHES = st.lists(st.tuples(_ROWS, st.sampled_from([NDJSON, JSON, CSV]), st.booleans()), max_size=5)


async def _stands(client: httpx.AsyncClient, programme: str) -> set[tuple[Any, ...]]:
    items = (await client.get("/v1/audits", params={"programme": programme, "limit": 1000})).json()["items"]
    return {
        (
            item["vendor"], item["external_id"], item["queue"], item["comment"], item["verdict"],
            (item["first_scored"] or item)["verdict"], item["revision"],
        )
        for item in items
    }  # fmt: skip


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=_BATCHES)
async def test_pushing_does_what_the_model_does(
    audit_app: FastAPI, caller: Caller, batches: list[tuple[list[dict[str, Any]], str, bool]]
) -> None:
    """Verdicts, ids and the final audits equal the model's; everything once more changes nothing."""
    client, programme, model = caller(audit_app, Role.ADMIN), f"m-{new_id().hex[-16:]}", Model()
    await client.put(f"/v1/programmes/{programme}", json=programme_document(programme))
    names: dict[tuple[str, str], str] = {}
    for rows, media_type, revise in batches:
        mode = "revise" if revise else "reject"
        batch = await pushed(client, programme, rows, media_type=media_type, on_conflict=mode)
        expected = [model.verdict(row, revise=revise) for row in rows]
        for row, result, verdict in zip(rows, batch["results"], expected, strict=True):
            assert result["verdict"] == verdict
            if verdict != "rejected":
                assert result["audit_id"] == names.setdefault((row["vendor"], row["external_id"]), result["audit_id"])
    before = await _stands(client, programme)
    for rows, media_type, _ in batches:
        await pushed(client, programme, rows, media_type=media_type)

    assert before == model.current()
    assert await _stands(client, programme) == before
