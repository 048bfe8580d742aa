"""Every link of the documentation leads somewhere, and every page is found."""

import pkgutil
import re
from pathlib import Path

_FENCE = re.compile(r"^( *)```.*?^\1```", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+?)\s*$", re.MULTILINE)
_PAGE = re.compile(r"\bdocs/[\w./-]+\.md\b")


def _anchors(text: str) -> set[str]:
    """The anchors of a page's headings, as they are made where Markdown is shown."""
    found: set[str] = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        base = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        anchor, again = base, 0
        while anchor in found:
            again += 1
            anchor = f"{base}-{again}"
        found.add(anchor)
    return found


def _links(text: str) -> list[str]:
    return [link for link in _LINK.findall(_CODE.sub("", _FENCE.sub("", text))) if not re.match(r"[a-z]+:", link)]


def test_every_relative_link_and_anchor_resolves(pages: dict[Path, str]) -> None:
    """A link names a file of the repository, and its anchor a heading of that page."""
    broken = []
    for path, text in pages.items():
        for link in _links(text):
            place, _, anchor = link.partition("#")
            target = (path.parent / place).resolve() if place else path
            if not target.exists() or (anchor and anchor not in _anchors(pages.get(target, ""))):
                broken.append((path.name, link))

    assert broken == []


def test_every_page_is_reached_from_the_readme(root: Path, pages: dict[Path, str]) -> None:
    """Following links from README.md one comes to every page."""
    reached: set[Path] = set()
    ahead = [root / "README.md"]
    while ahead:
        page = ahead.pop()
        if page in reached or page not in pages:
            continue
        reached.add(page)
        ahead += [(page.parent / link.partition("#")[0]).resolve() for link in _links(pages[page])]

    assert {page for page in pages if page not in reached and page.name != "README.md"} == set()


def test_every_page_that_the_sources_name_exists(root: Path, tree: list[Path]) -> None:
    """A comment or message that sends its reader to a page sends it to one that is there."""
    kinds = {".py", ".toml", ".yml", ".yaml", ".sql", ".md", ".conf", ""}
    named = {
        (path.name, page) for path in tree if path.suffix in kinds for page in _PAGE.findall(path.read_text(errors="replace"))
    }

    assert [(name, page) for name, page in sorted(named) if not (root / page).exists()] == []


def test_every_path_that_a_page_names_exists(root: Path, pages: dict[Path, str]) -> None:
    """A file or folder of the repository that stands in a page as code is there."""
    named = {
        (path.name, place)
        for path, text in pages.items()
        for place in re.findall(r"`((?:shared|services|deploy|tests|docs|requirements)/[\w./-]+)`", text)
    }

    assert [(page, place) for page, place in sorted(named) if not (root / place).exists()] == []


def test_every_name_of_the_code_that_a_page_names_exists(pages: dict[Path, str]) -> None:
    """A dotted name of one of the packages can be found where it says."""
    named = {
        (path.name, name)
        for path, text in pages.items()
        for name in re.findall(r"`((?:tallystick|audit_api|rca_api|reporting_api)(?:\.\w+)+)`", text)
        if name != "tallystick.commands"  # a group of entry points
    }

    assert [(page, name) for page, name in sorted(named) if not _found(name)] == []


def _found(name: str) -> bool:
    try:
        pkgutil.resolve_name(name)
    except (ImportError, AttributeError):
        return False
    return True
