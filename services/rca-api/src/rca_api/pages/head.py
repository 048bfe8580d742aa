"""What stands at the head of every page of a programme that rca-api serves."""

from typing import Annotated, Any

from fastapi import Path, Request

from tallystick.schemas.base import Slug
from tallystick.schemas.principal import Role
from tallystick.schemas.programme import Programme
from tallystick.service.auth import Principal
from tallystick.service.clock import now
from tallystick.service.pages.address import Address
from tallystick.service.pages.navigation import NUMBERS, home, pages

OfProgramme = Annotated[Slug, Path(description="The programme's slug.")]


def head(request: Request, principal: Principal, document: Programme, below: str) -> dict[str, Any]:
    """What the templates of a programme's pages want to know, whichever page it is."""
    address = Address(f"{home(document.slug)}{below}", request.query_params.multi_items())
    return {
        "document": document,
        "zone": document.time_zone,
        "vendor": next((each.name for each in document.vendors if each.slug == principal.vendor), principal.vendor),
        "vendors": {each.slug: each.name for each in document.vendors},
        "pages": pages(principal, document.slug, address, below),
        "address": address,
        "now": now(request),
        "steers": principal.holds(Role.ADMIN, Role.QUALITY_MANAGER),
        "speaks": principal.holds(Role.ADMIN, Role.QUALITY_MANAGER, Role.AUDITOR, Role.VENDOR_POC),
        "reads_numbers": principal.holds(*NUMBERS),
    }
