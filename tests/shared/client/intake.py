"""A small intake of audits behind a stub: rows are known by their id, a `bad` verdict is rejected."""

import csv
import io
from typing import Any
from uuid import UUID

import orjson
import zstandard

from shared.client.stub import Answer, Seen, json_answer, problem
from tallystick.schemas.base import new_id


class Intake:
    """What has been pushed to `/audit/v1/audit-batches`."""

    def __init__(self) -> None:
        self.rows: dict[str, str] = {}
        self.requests: list[list[str]] = []
        self.batches: set[UUID] = set()
        self.most_rows = 1_000_000

    def __call__(self, seen: Seen) -> Answer:
        if seen.method == "GET":
            batch = UUID(seen.path.rsplit("/", 1)[-1])
            if batch not in self.batches:
                return problem(404, "not-found")
            return json_answer(self._document(batch, [], dict(seen.query)))
        body = zstandard.decompress(seen.body) if seen.headers.get("content-encoding") == "zstd" else seen.body
        records = _records(seen.headers["content-type"], body)
        if len(records) > self.most_rows:
            return problem(413, "body-too-large")
        query = dict(seen.query)
        results = [self._take(number, *record, query["dry_run"] == "true") for number, record in enumerate(records, 1)]
        self.requests.append([record[0] for record in records])
        batch = new_id()
        self.batches.add(batch)
        return json_answer(self._document(batch, results, query), 201)

    def _take(self, number: int, external_id: str, verdict: str, dry_run: bool) -> dict[str, Any]:
        result: dict[str, Any] = {"row": number, "external_id": external_id or None, "audit_id": None, "errors": []}
        if verdict not in {"correct", "incorrect"}:
            error = {"pointer": "/verdict", "code": "enum", "detail": 'Neither "correct" nor "incorrect".'}
            return {**result, "verdict": "rejected", "errors": [error]}
        known = self.rows.get(external_id)
        if known is None:
            if not dry_run:
                self.rows[external_id] = verdict
            return {**result, "verdict": "created", "audit_id": str(new_id())}
        return {**result, "verdict": "duplicate" if known == verdict else "conflict", "audit_id": str(new_id())}

    def _document(self, batch: UUID, results: list[dict[str, Any]], query: dict[str, str]) -> dict[str, Any]:
        kinds = ("created", "duplicate", "conflict", "rejected", "revised")
        counts = {kind: sum(result["verdict"] == kind for result in results) for kind in kinds}
        return {
            "id": str(batch),
            "programme": query["programme"],
            "vendor": None,
            "profile": query.get("profile"),
            "atomicity": "rows",
            "on_conflict": query.get("on_conflict", "reject"),
            "dry_run": query.get("dry_run") == "true",
            "counts": {"rows": len(results), **counts},
            "recorded_by": "tests",
            "recorded_at": "2026-09-01T00:00:00Z",
            "results": results,
        }


def _records(media_type: str, body: bytes) -> list[tuple[str, str]]:
    """The external ids and verdicts of a body."""
    if media_type == "text/csv":
        reader = csv.DictReader(io.StringIO(body.decode(), newline=""))
        return [(row.get("external_id") or "", row.get("verdict") or "") for row in reader]
    lines = [orjson.loads(line) for line in body.split(b"\n") if line.strip()]
    return [(line.get("external_id", ""), line.get("verdict", "")) for line in lines]
