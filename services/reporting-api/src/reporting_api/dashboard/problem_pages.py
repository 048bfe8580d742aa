"""A page for each type of problem, at the address that the problem's `type` holds. The texts are those of `docs/problems`."""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from fastapi import APIRouter, Request, Response
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from tallystick.service.pages.page import TAG, page
from tallystick.service.problems import NotFound

router = APIRouter(tags=[TAG], include_in_schema=False)


@dataclass(frozen=True, slots=True)
class ProblemPage:
    """The page of one type of problem."""

    slug: str
    status: int
    title: str
    body: Markup


@router.get("/problems")
async def list_problems(request: Request) -> Response:
    """All types of problem."""
    return page(request, "problems.html", pages=problem_pages().values())


@router.get("/problems/{slug}")
async def show_problem(request: Request, slug: str) -> Response:
    """What a problem means, and what to do about it."""
    found = problem_pages().get(slug)
    if found is None:
        raise NotFound("There is no such type of problem.")
    return page(request, "problem-page.html", found=found)


@cache
def problem_pages() -> dict[str, ProblemPage]:
    """Every page by its slug, in the order of their statuses."""
    sources = {file.name.removesuffix(".md"): file.read_text() for file in (files(__package__) / "problems").iterdir()}
    sources.pop("README", None)
    pages = [_rendered(slug, source, set(sources)) for slug, source in sources.items()]
    return {each.slug: each for each in sorted(pages, key=lambda each: (each.status, each.title))}


def _rendered(slug: str, source: str, known: set[str]) -> ProblemPage:
    """A page without its first heading, which becomes its title. Links to other problems lead to their pages."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(source)
    title = slug
    status = re.search(r"\bstatus (\d{3})\b", source)
    if tokens and tokens[0].type == "heading_open":
        title, tokens = tokens[1].content.replace("`", ""), tokens[3:]
    for token in tokens:
        token.children = _with_links(token.children, known) if token.children else token.children
    body = Markup(markdown.renderer.render(tokens, markdown.options, {}))  # noqa: S704 - our own text
    return ProblemPage(slug, int(status[1]) if status else 0, title, body)


def _with_links(tokens: list[Token], known: set[str]) -> list[Token]:
    """Links to problems led to their pages; links into the rest of the documentation become plain text."""
    kept: list[Token] = []
    dropped = 0
    for token in tokens:
        if token.type == "link_open":
            target = str(token.attrs["href"]).partition("#")[0].removeprefix("./").removesuffix(".md")
            if target not in known:
                dropped += 1
                continue
            token.attrs["href"] = f"/problems/{target}"
        elif token.type == "link_close" and dropped:
            dropped -= 1
            continue
        kept.append(token)
    return kept
