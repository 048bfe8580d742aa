"""The typed client: what vendors, the `tallystick` command and the services themselves speak to Tallystick with.

    async with Tallystick("https://qa.example", token) as tallystick:
        result = await tallystick.audits.push("emea-video", rows)
        async for page in tallystick.changes("emea-video", after=cursor):
            ...

It needs httpx and the wire vocabulary, and no server.
"""

from tallystick.client.actions import Actions, CoachingSessions, Notices, Objectives, Plans
from tallystick.client.appeals import Appeals
from tallystick.client.audits import Audits, Batches
from tallystick.client.calibration import Calibration
from tallystick.client.cases import Cases
from tallystick.client.client import Tallystick
from tallystick.client.errors import (
    FeedRewoundError,
    ProblemError,
    TallystickError,
    UnexpectedAnswerError,
    UnreachableError,
)
from tallystick.client.exposure import Exposures
from tallystick.client.feed import FeedPage
from tallystick.client.items import Auditors, Items
from tallystick.client.lots import Lots
from tallystick.client.numbers import Filters
from tallystick.client.programmes import Programmes
from tallystick.client.sampling import Draws, SamplingPlans
from tallystick.client.staffing import StaffingPlans
from tallystick.client.transport import Outage, Token, Transport, renewed
from tallystick.client.webhooks import Webhooks

__all__ = [
    "Actions",
    "Appeals",
    "Auditors",
    "Audits",
    "Batches",
    "Calibration",
    "Cases",
    "CoachingSessions",
    "Draws",
    "Exposures",
    "FeedPage",
    "FeedRewoundError",
    "Filters",
    "Items",
    "Lots",
    "Notices",
    "Objectives",
    "Outage",
    "Plans",
    "ProblemError",
    "Programmes",
    "SamplingPlans",
    "StaffingPlans",
    "Tallystick",
    "TallystickError",
    "Token",
    "Transport",
    "UnexpectedAnswerError",
    "UnreachableError",
    "Webhooks",
    "renewed",
]
