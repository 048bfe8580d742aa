"""Batches of audits as tests send and read them."""

import csv
import io
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import httpx

NDJSON, JSON, CSV = "application/x-ndjson", "application/json", "text/csv"

Row = dict[str, Any]
Stored = Callable[[], Awaitable[dict[str, list[str]]]]
Found = Callable[[str], Awaitable[list[str]]]


def encoded(rows: Sequence[Row], media_type: str = NDJSON) -> bytes:
    """The rows in one of the three formats. In CSV an absent field is an empty cell."""
    if media_type == NDJSON:
        return b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    if media_type == JSON:
        return json.dumps(rows).encode()
    columns = list(dict.fromkeys(name for row in rows for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, columns)
    writer.writeheader()
    writer.writerows({name: "" if value is None else value for name, value in row.items()} for row in rows)
    return text.getvalue().encode()


async def push(
    client: httpx.AsyncClient,
    programme: str,
    rows: Sequence[Row] | bytes,
    *,
    media_type: str = NDJSON,
    headers: dict[str, str] | None = None,
    **query: Any,
) -> httpx.Response:
    """Push rows, or a body as it is."""
    body = rows if isinstance(rows, bytes) else encoded(rows, media_type)
    return await client.post(
        "/v1/audit-batches",
        params={"programme": programme, **query},
        content=body,
        headers={"Content-Type": media_type, **(headers or {})},
    )


async def pushed(client: httpx.AsyncClient, programme: str, rows: Sequence[Row] | bytes, **how: Any) -> dict[str, Any]:
    """Push rows that are to be taken in, and answer the batch; its counts are those of its rows."""
    answer = await push(client, programme, rows, **how)
    assert answer.status_code in {200, 201}, answer.text
    batch: dict[str, Any] = answer.json()
    counted = Counter(result["verdict"] for result in batch["results"])
    counts = dict(batch["counts"])
    assert counts.pop("rows") == len(batch["results"]) == sum(counts.values())
    assert {verdict: number for verdict, number in counts.items() if number} == counted
    assert [result["row"] for result in batch["results"]] == list(range(1, len(batch["results"]) + 1))
    return batch


def verdicts(batch: dict[str, Any]) -> list[str]:
    """The verdicts on the rows of a batch, in their order."""
    return [result["verdict"] for result in batch["results"]]


def ids(batch: dict[str, Any]) -> list[str | None]:
    """The audits that the rows of a batch are about, in their order."""
    return [result["audit_id"] for result in batch["results"]]


def faults(result: dict[str, Any]) -> list[tuple[str, str]]:
    """Pointer and code of everything that is wrong with a row."""
    return [(error["pointer"], error["code"]) for error in result["errors"]]


def problem(answer: httpx.Response) -> str:
    """The kind of the problem that an answer is: the last part of its type."""
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    document = answer.json()
    assert {"type", "title", "status", "detail", "instance", "request_id", "errors"} <= document.keys()
    assert document["status"] == answer.status_code
    assert document["request_id"] == answer.headers["x-request-id"]
    kind: str = document["type"].rpartition("/problems/")[2]
    return kind
