"""What stands at the head of every page of a programme: whose numbers these are, of when, narrowed how."""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from sqlalchemy import Row

from reporting_api.dashboard.fields import chips, fields, others
from reporting_api.metrics.question import Narrowed, Question
from reporting_api.projection.routes import standing_of
from tallystick.schemas.metric import View
from tallystick.schemas.programme import Programme
from tallystick.service.auth import Principal
from tallystick.service.pages.address import Address
from tallystick.service.pages.navigation import home, pages


def seen(row: Row[Any], principal: Principal) -> Programme:
    """The programme as the feed last showed it and as the viewer may see it."""
    return Programme.model_validate(row.document).as_seen_by(principal.vendor)


def head(request: Request, principal: Principal, cursor: Row[Any], filtered: Narrowed, below: str) -> dict[str, Any]:
    """What the templates of a programme's pages want to know, whichever page it is."""
    document = seen(cursor, principal)
    address = Address(f"{home(document.slug)}{below}", request.query_params.multi_items())
    form = fields(document, filtered.filters, principal.vendor)
    return {
        "document": document,
        "vendor": next((each.name for each in document.vendors if each.slug == principal.vendor), principal.vendor),
        "projection": standing_of(cursor, datetime.now(UTC)),
        "pages": pages(principal, document.slug, address, below),
        "address": address,
        "asked": filtered,
        "fields": form,
        "others": others(address, form),
        "chips": chips(address, filtered.filters),
    }


def charts(request: Request, question: Question, *names: str, view: View | None = None) -> dict[str, str]:
    """Where the API serves the charts of a question, under the prefix that the gateway shows it by."""
    pairs = [("programme", question.programme), *([("view", view.value)] if view else [])]
    pairs += [(name, value) for name, values in question.filters.items() for value in values]
    pairs += [("from", question.start.isoformat())] if question.start else []
    pairs += [("to", question.end.isoformat())] if question.end else []
    root: str = request.app.state.settings.root_path
    return {name: f"{root}/v1/charts/{name}?{urlencode(pairs)}" for name in names}
