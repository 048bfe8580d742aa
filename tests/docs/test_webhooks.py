"""What receivers of webhooks are told is so."""

import re
from datetime import timedelta
from pathlib import Path

from audit_api.metadata import webhooks as of_audits
from rca_api.metadata import webhooks as of_work
from tallystick.schemas.webhook import DeliveryReason
from tallystick.service.webhooks.delivery import DELAYS
from tallystick.service.webhooks.records import TEST

_UNITS = {"s": "seconds", "min": "minutes", "h": "hours"}


def test_the_page_of_webhooks_names_every_type_and_every_reason(root: Path) -> None:
    """docs/webhooks.md has a row for each type of notice and for each reason why none was answered, and no other."""
    named = re.findall(r"^\| `([a-z._]+)` \|", (root / "docs/webhooks.md").read_text(), re.MULTILINE)

    assert named == [*of_audits.events, *of_work.events, TEST, *DeliveryReason]


def test_the_page_of_webhooks_tells_the_schedule(root: Path) -> None:
    """Ten attempts, with the delays between them."""
    [row] = re.findall(r"^\| after the one before \| at once \| (.*) \|$", (root / "docs/webhooks.md").read_text(), re.MULTILINE)
    told = [cell.split() for cell in row.split(" | ")]

    assert tuple(timedelta(**{_UNITS[unit]: int(number)}) for number, unit in told) == DELAYS
