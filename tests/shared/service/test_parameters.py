"""Query parameters that are read together."""

from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, Query
from fastapi.openapi.utils import get_openapi

from tallystick.service.parameters import FromQuery, declared


async def _colours(
    colour: Annotated[list[str], Query(max_length=2)] = [],  # noqa: B006 - nobody changes it
    from_: Annotated[int, Query(alias="from", ge=1)] = 1,
) -> tuple[list[str], int]:
    return colour, from_


async def _shapes(
    name: Annotated[str, Query()],
    colours: Annotated[tuple[list[str], int], Depends(FromQuery(_colours))],
    size: Annotated[int | None, Query(le=9, description="Of each.")] = None,
) -> tuple[str, tuple[list[str], int], int | None]:
    return name, colours, size


async def _read(shapes: Annotated[tuple[str, tuple[list[str], int], int | None], Depends(FromQuery(_shapes))]) -> object:
    return shapes


async def _read_one_by_one(
    name: Annotated[str, Query()],
    size: Annotated[int | None, Query(le=9, description="Of each.")] = None,
    colour: Annotated[list[str], Query(max_length=2)] = [],  # noqa: B006
    from_: Annotated[int, Query(alias="from", ge=1)] = 1,
) -> object:
    return name, (colour, from_), size


@pytest.mark.parametrize(
    "query",
    ["name=a", "name=a&size=3&colour=red&colour=blue&from=2", "size=10&colour=a&colour=b&colour=c&from=0", "name=a&size=x"],
)
async def test_parameters_read_together_are_answered_and_refused_as_one_by_one(query: str) -> None:
    """Values, defaults and faults: all faults are told at once, those of nested functions too."""
    app = FastAPI()
    app.get("/together")(_read)
    app.get("/one-by-one")(_read_one_by_one)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://probe") as client:
        together, one_by_one = await client.get(f"/together?{query}"), await client.get(f"/one-by-one?{query}")

    assert (together.status_code, together.json()) == (one_by_one.status_code, one_by_one.json())


def test_parameters_read_together_are_described_as_one_by_one() -> None:
    """OpenAPI shows each of them, and a second look shows the same."""
    app = FastAPI()
    app.get("/together")(_read)
    app.get("/one-by-one")(_read_one_by_one)

    for _ in range(2):
        with declared(app.routes):
            paths = get_openapi(title="Probe", version="1", routes=app.routes)["paths"]
        assert paths["/together"]["get"]["parameters"] == paths["/one-by-one"]["get"]["parameters"]
