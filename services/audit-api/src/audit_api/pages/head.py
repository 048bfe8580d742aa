"""What stands at the head of every page of a programme that audit-api serves."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Path, Request

from audit_api.programmes.records import read_document
from tallystick.schemas.base import Slug
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.service.auth import Principal
from tallystick.service.clock import now
from tallystick.service.database import ReadSession
from tallystick.service.pages.address import Address
from tallystick.service.pages.navigation import home, pages
from tallystick.service.problems import NotFound

Shown = TypeVar("Shown")

OfProgramme = Annotated[Slug, Path(description="The programme's slug.")]


async def seen(session: ReadSession, programme: str) -> Programme:
    """The document of a programme as the session's principal may see it; a programme that is not theirs is not there."""
    document = (await read_document(session, programme)).as_seen_by(session.principal.vendor)
    if not document.vendors:
        raise NotFound("There is no such programme.")
    return document


def first_of(found: Sequence[Shown], most: int) -> tuple[Sequence[Shown], bool]:
    """As many as a page shows of what was found, and whether there are more."""
    return found[:most], len(found) > most


def head(request: Request, principal: Principal, document: Programme, below: str) -> dict[str, Any]:
    """What the templates of a programme's pages want to know, whichever page it is."""
    address = Address(f"{home(document.slug)}{below}", request.query_params.multi_items())
    return {
        "document": document,
        "zone": document.time_zone,
        "vendor": next((each.name for each in document.vendors if each.slug == principal.vendor), principal.vendor),
        "vendors": {each.slug: each.name for each in document.vendors},
        "pages": pages(principal, document.slug, address, below),
        "now": now(request),
        "steers": principal.holds(Role.ADMIN, Role.QUALITY_MANAGER),
    }
