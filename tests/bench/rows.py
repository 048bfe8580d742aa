"""Generated audits such as a BPO pushes: two vendors, twelve weeks, nine in a hundred with an error. Synthetic throughout."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

FIRST_DAY = datetime(2026, 6, 1, tzinfo=UTC)  # a Monday
WEEKS = 12
SITES = {"northwind": ("harbour", "old-mill", "station"), "eastgale": ("terrace", "riverside", "quarry")}
QUEUES = ("comments", "live", "profiles", "video", "messages")
MARKETS = {"DE": "de", "FR": "fr", "ES": "es", "PL": "pl", "IT": "it", "NL": "nl", "PT": "pt", "SE": "sv"}
POLICIES = ("harassment", "hate", "spam")
MODERATORS_A_SITE = 40
AUDITORS = 30
AUDITS_A_DAY = 1200
ERRORS = (
    ("FN-MISSED", "false_negative", "major"),
    ("FN-THREAT", "false_negative", "critical"),
    ("FP-BANTER", "false_positive", "major"),
    ("FP-SATIRE", "false_positive", "minor"),
    ("WS-OTHER", "wrong_selection", "minor"),
)
ERROR_RATE = 0.09


def programme_document(slug: str) -> dict[str, Any]:
    """A programme that takes the rows."""
    return {
        "slug": slug,
        "name": "Bench (synthetic data)",
        "time_zone": "Europe/Berlin",
        "vendors": [{"slug": vendor, "name": vendor.title(), "sites": list(sites)} for vendor, sites in SITES.items()],
        "queues": list(QUEUES),
        "markets": list(MARKETS),
        "languages": list(MARKETS.values()),
        "policy_set": {
            "version": "2026-05",
            "policies": [{"code": code, "name": code} for code in ("no_violation", *POLICIES)],
        },
        "error_taxonomy": {
            "version": "3",
            "codes": [
                {"code": code, "name": code, "error_class": error_class, "severity": severity}
                for code, error_class, severity in ERRORS
            ],
        },
        "targets": {"accuracy": 0.93},
    }


def ndjson(count: int, *, start: int = 0) -> bytes:
    """So many audits, one a line, about 500 bytes each; other numbers, other audits.

    They go on in time as their numbers do, 1,200 a day, those of a day mixed: as people work, and as what they did is exported.
    """
    chance = random.Random(start + 7)  # noqa: S311 - reproducible rows, no secret
    return b"\n".join(orjson.dumps(_row(chance, number)) for number in range(start, start + count)) + b"\n"


def _row(chance: random.Random, number: int) -> dict[str, Any]:
    vendor = chance.choice(tuple(SITES))
    site = chance.choice(SITES[vendor])
    market = chance.choice(tuple(MARKETS))
    policy = chance.choice(POLICIES)
    audited_at = FIRST_DAY + timedelta(days=number // AUDITS_A_DAY, seconds=chance.randrange(86_400))
    handling_time_s = chance.randrange(15, 240)
    row = {
        "external_id": f"QA-2026-{number:08d}",
        "vendor": vendor,
        "content_ref": f"item:{chance.getrandbits(64):016x}",
        "site": site,
        "queue": chance.choice(QUEUES),
        "market": market,
        "language": MARKETS[market],
        "moderator": f"m-{site}-{chance.randrange(MODERATORS_A_SITE):02d}",
        "decided_at": _instant(audited_at - timedelta(seconds=chance.randrange(1800, 259_200))),
        "action": "remove",
        "policy": policy,
        "automated_detection": chance.random() < 0.35,
        "auditor": f"qa-{chance.randrange(AUDITORS):02d}",
        "audit_party": "vendor" if chance.random() < 0.15 else "client",
        "claimed_at": _instant(audited_at - timedelta(seconds=handling_time_s)),
        "audited_at": _instant(audited_at),
        "handling_time_s": handling_time_s,
        "benchmark_action": "remove",
        "benchmark_policy": policy,
        "verdict": "correct",
    }
    if chance.random() < ERROR_RATE:
        code, error_class, severity = chance.choice(ERRORS)
        row |= {"verdict": "incorrect", "error_class": error_class, "error_code": code, "severity": severity}
        row |= {"attributable_to": "moderator", "comment": "The context of the thread was not opened before the decision."}
    return row


def _instant(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
