"""What may be handed to whom: skills, conflicts, and what protects people."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, FromClause, all_, literal, tuple_

from audit_api.exposure.gate import Gate
from tallystick.schemas.programme import Programme
from tallystick.schemas.staffing import NewAuditor


@dataclass(frozen=True)
class Asking:
    """Somebody who asks for work."""

    me: str
    auditor: NewAuditor
    gate: Gate
    lighter: bool
    """Whether they ask for something light."""

    def may(self, items: FromClause) -> list[ColumnElement[bool]]:
        """The conditions on items that are for this person, whatever harm is in them."""
        c, auditor, conflicts = items.c, self.auditor, self.auditor.conflicts
        conditions = [c.moderator.not_in([self.me, *conflicts.moderators]), literal(self.me) != all_(c.passed_by)]
        if auditor.languages:
            conditions.append(c.language.in_(auditor.languages))
        if auditor.policies:
            conditions.append(c.policy.in_(auditor.policies))
        if conflicts.vendors:
            conditions.append(c.vendor.not_in(conflicts.vendors))
        if conflicts.sites:
            sites = [tuple(site.split("/", 1)) for site in conflicts.sites]
            conditions.append(tuple_(c.vendor, c.site).not_in(sites))
        return conditions

    def protected(self, items: FromClause, programme: Programme) -> list[ColumnElement[bool]]:
        """The conditions on items that keep what this person is not to be shown now."""
        conditions = self.gate.protects(items, programme.exposure, programme.handing.seconds_per_item)
        return [*conditions, items.c.harm < programme.exposure.heavy_from] if self.lighter else conditions
