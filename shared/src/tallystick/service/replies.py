"""Answers: JSON straight from the serializer, strong ETags, and the preconditions of writes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any
from uuid import UUID

import orjson
from fastapi import Header, Request, Response
from pydantic import BaseModel
from starlette.datastructures import Headers

from tallystick.service.problems import PreconditionFailed, PreconditionRequired

_FORM = re.compile(r'("\d+)-[\w-]+"')

IfMatch = Annotated[str | None, Header(description="The `ETag` of the version that the change is meant for.")]


def reply(
    content: BaseModel | Mapping[str, Any] | bytes,
    *,
    status: int = 200,
    etag: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """A JSON answer. Mappings may hold UUIDs and UTC datetimes; bytes are JSON already."""
    if isinstance(content, BaseModel):
        content = content.__pydantic_serializer__.to_json(content)
    response = Response(content if isinstance(content, bytes) else json_of(content), status, headers, "application/json")
    if etag is not None:
        response.headers["ETag"] = etag
    return response


def json_of(content: Mapping[str, Any] | Sequence[Any]) -> bytes:
    """A mapping or a list as JSON. Besides what JSON knows it may hold UUIDs, dates, UTC datetimes, models and fragments."""
    return orjson.dumps(content, default=_plain, option=orjson.OPT_UTC_Z)


def _plain(value: object) -> str | orjson.Fragment:
    """What the serializer does not know: the driver's own kind of UUID, and models inside mappings."""
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, BaseModel):
        return orjson.Fragment(value.__pydantic_serializer__.to_json(value))
    raise TypeError(f"{type(value).__name__} is not part of any answer")


def created_at(collection: str, thing: object, programme: str) -> dict[str, str]:
    """The `Location` of a thing that a POST to its collection created, relative to that address: it holds behind any gateway."""
    return {"Location": f"{collection}/{thing}?programme={programme}"}


def links(parameters: Mapping[str, str], *reading: str, changing: Iterable[str] = (), body: Any = None) -> dict[str, Any]:
    """OpenAPI links from an answer to the operations that go on with it, each with these parameters.

    Those of `changing` are given the answer's ETag for their If-Match; `body` holds what a request's body takes over.
    """
    matching = {**parameters, "if-match": "$response.header.ETag"}
    more = {} if body is None else {"requestBody": body}
    return {
        **{operation: {"operationId": operation, "parameters": dict(parameters), **more} for operation in reading},
        **{operation: {"operationId": operation, "parameters": matching, **more} for operation in changing},
    }


def revision_etag(revision: int, *forms: str) -> str:
    """The strong ETag of a thing's revision, in the form that it has for this reader at this time where it has several."""
    return f'"{"-".join([str(revision), *forms])}"'


def not_modified(request: Request, etag: str | None) -> Response | None:
    """The 304 for a reader that has this version already; None for all others, and where the version has no name beforehand."""
    return Response(status_code=304, headers={"ETag": etag}) if etag and is_known(request.headers, etag) else None


def is_known(asked: Headers, etag: str) -> bool:
    """Whether the headers of a request name this version as one that the reader has."""
    known = {tag.strip().removeprefix("W/") for tag in asked.get("if-none-match", "").split(",")}
    return not known.isdisjoint({etag, "*"})


def require_match(if_match: str | None, etag: str) -> None:
    """Refuse a change that names no version (428) or another one than stands (412), in whichever form it was read."""
    if if_match is None:
        raise PreconditionRequired("Send If-Match with the ETag of the version that you read.")
    if if_match != "*" and etag not in map(_revision, if_match.split(",")):
        raise PreconditionFailed("It is now another version than the one your If-Match names.")


def _revision(tag: str) -> str:
    """A tag without the form that the revision has for its reader."""
    tag = tag.strip()
    found = _FORM.fullmatch(tag)
    return f'{found[1]}"' if found else tag
