"""The client as one object."""

from collections.abc import AsyncGenerator, Callable, Sequence
from types import TracebackType
from typing import Literal, Self

from tallystick.client.actions import Actions, CoachingSessions, Notices, Objectives, Plans
from tallystick.client.appeals import Appeals
from tallystick.client.audits import Audits, Batches
from tallystick.client.calibration import Calibration
from tallystick.client.cases import Cases
from tallystick.client.decisions import Decisions
from tallystick.client.exposure import Exposures
from tallystick.client.feed import FeedPage, follow
from tallystick.client.items import Auditors, Items
from tallystick.client.lots import Lots
from tallystick.client.numbers import Numbers
from tallystick.client.programmes import Programmes
from tallystick.client.sampling import Draws, SamplingPlans
from tallystick.client.staffing import StaffingPlans
from tallystick.client.transport import Outage, Token, Transport
from tallystick.client.webhooks import Webhooks


class Tallystick(Numbers):
    """Everything that Tallystick offers over HTTP.

    Args:
        url: the gateway's address. A service that talks to its neighbours directly names their addresses instead.
        token: an access token, or a function (plain or async) that provides one; `renewed` makes such a function.
        audit: the address of audit-api, where it is not the gateway's `/audit`.
        rca: the address of rca-api, where it is not the gateway's `/rca`.
        reporting: the address of reporting-api, where it is not the gateway's `/reporting`.
        patience_s: for how many seconds a request is tried again when a failure is safe to repeat.
        unreached_patience_s: the most of these seconds as long as no connection has ever been made.
        on_outage: told before every wait for such a repetition.
    """

    def __init__(
        self,
        url: str = "",
        token: Token = "",
        *,
        audit: str | None = None,
        rca: str | None = None,
        reporting: str | None = None,
        patience_s: float = 30,
        unreached_patience_s: float = float("inf"),
        on_outage: Callable[[Outage], None] | None = None,
    ) -> None:
        gateway = url.rstrip("/")
        self._audit = audit or f"{gateway}/audit"
        self._rca = rca or f"{gateway}/rca"
        self._reporting = reporting or f"{gateway}/reporting"
        self.transport = Transport(token, patience_s=patience_s, unreached_patience_s=unreached_patience_s, on_outage=on_outage)
        self.programmes = Programmes(self.transport, self._audit)
        self.audits = Audits(self.transport, self._audit)
        self.batches = Batches(self.transport, self._audit)
        self.decisions = Decisions(self.transport, self._audit)
        self.appeals = Appeals(self.transport, self._audit)
        self.calibration = Calibration(self.transport, self._audit)
        self.sampling_plans = SamplingPlans(self.transport, self._audit)
        self.draws = Draws(self.transport, self._audit)
        self.items = Items(self.transport, self._audit)
        self.auditors = Auditors(self.transport, self._audit)
        self.exposure = Exposures(self.transport, self._audit)
        self.staffing_plans = StaffingPlans(self.transport, self._audit)
        self.lots = Lots(self.transport, self._audit)
        self.webhooks = Webhooks(self.transport, self._audit)
        self.cases = Cases(self.transport, self._rca)
        self.actions = Actions(self.transport, self._rca)
        self.plans = Plans(self.transport, self._rca)
        self.notices = Notices(self.transport, self._rca)
        self.coaching = CoachingSessions(self.transport, self._rca)
        self.objectives = Objectives(self.transport, self._rca)
        self.webhooks_of_work = Webhooks(self.transport, self._rca)
        super().__init__(self.transport, self._reporting)

    async def __aenter__(self) -> Self:
        await self.transport.__aenter__()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self.transport.__aexit__(kind, error, trace)

    def changes(
        self,
        programme: str,
        *,
        source: Literal["audit", "rca", "reporting"] = "audit",
        after: str | None = None,
        wait: float = 20,
        limit: int = 1000,
        fields: Sequence[str] = (),
    ) -> AsyncGenerator[FeedPage, None]:
        """Follow the changes of a programme, page by page, from the cursor `after` or from the beginning.

        With `wait` the service holds each request for so many seconds until something changes. The iterator then never
        ends: it goes on from its last cursor after any failure of the connection, and yields an empty page when nothing
        changed, so that its reader can look around now and then. With `wait=0` it ends where the stream ends.
        Of nouns that `fields` names, such as `audit.verdict`, these fields come alone; all others come whole.

        Raises:
            FeedRewoundError: the stream has started a new life, or takes the cursor no more; start again without one.
            ProblemError: the caller may not read this stream.
        """
        addresses = {"audit": self._audit, "rca": self._rca, "reporting": self._reporting}
        return follow(self.transport, addresses[source], programme, after=after, wait=wait, limit=limit, fields=fields)
