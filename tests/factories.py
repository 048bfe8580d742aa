"""Documents that tests start from."""

from typing import Any


def programme_document(slug: str, **changes: Any) -> dict[str, Any]:
    """A programme with two vendors, strict vocabularies and one import profile."""
    document: dict[str, Any] = {
        "slug": slug,
        "name": "Test programme",
        "time_zone": "Europe/Berlin",
        "vendors": [
            {"slug": "acme", "name": "Acme", "sites": ["lisbon", "cairo"]},
            {"slug": "borealis", "name": "Borealis", "sites": ["krakow"]},
        ],
        "queues": ["live", "comments"],
        "markets": ["PL", "ES"],
        "languages": ["pl", "es"],
        "policy_set": {
            "version": "2026-07",
            "policies": [{"code": code, "name": code} for code in ("no_violation", "harassment", "hate")],
        },
        "error_taxonomy": {
            "version": "1",
            "codes": [
                {"code": "FN-HARASS", "name": "Harassment missed", "error_class": "false_negative"},
                {"code": "FP-HARASS", "name": "Harassment seen where none is", "error_class": "false_positive"},
                {"code": "WS-HATE", "name": "Hate taken for harassment", "error_class": "wrong_selection"},
            ],
        },
        "targets": {"accuracy": 0.95, "minimum_sample": 30},
        "import_profiles": [
            {
                "slug": "vendor-export",
                "columns": {"external_id": "Ticket", "moderator": "Agent"},
                "constants": {"audit_party": "client"},
                "values": {"verdict": {"ok": "correct", "nok": "incorrect"}},
                "dates": {"pattern": "%d.%m.%Y %H:%M", "time_zone": "Europe/Berlin"},
                "ignore": ["Remark"],
            }
        ],
    }
    return document | changes


def audit_row(external_id: str = "A-1", **changes: Any) -> dict[str, Any]:
    """A correct audit of a decision of acme, as it is pushed."""
    row: dict[str, Any] = {
        "external_id": external_id,
        "vendor": "acme",
        "content_ref": f"item:{external_id}",
        "site": "lisbon",
        "queue": "live",
        "market": "ES",
        "language": "es",
        "moderator": "m-1",
        "decided_at": "2026-09-01T08:00:00Z",
        "action": "remove",
        "policy": "harassment",
        "auditor": "qa-1",
        "audited_at": "2026-09-01T10:00:00Z",
        "benchmark_action": "remove",
        "benchmark_policy": "harassment",
        "verdict": "correct",
        "handling_time_s": 40,
    }
    return row | changes


def missed(external_id: str = "A-1", **changes: Any) -> dict[str, Any]:
    """An audit that found a harassment missed: a false negative."""
    found = {
        "action": "keep",
        "policy": "no_violation",
        "verdict": "incorrect",
        "error_class": "false_negative",
        "error_code": "FN-HARASS",
        "severity": "major",
    }
    return audit_row(external_id, **(found | changes))


def decision_row(decision_id: str = "D-1", **changes: Any) -> dict[str, Any]:
    """A decision of acme, as a line of a batch."""
    row: dict[str, Any] = {
        "decision_id": decision_id,
        "vendor": "acme",
        "site": "lisbon",
        "queue": "live",
        "market": "ES",
        "language": "es",
        "moderator": "m-1",
        "decided_at": "2026-09-01T08:00:00Z",
        "action": "remove",
        "policy": "harassment",
        "content_ref": f"item:{decision_id}",
    }
    return row | changes
