"""Every task of the Makefile is documented, and no task that is not there."""

import re
from pathlib import Path

_TARGET = re.compile(r"^([a-z-]+):.*## .", re.MULTILINE)
_USE = re.compile(r"`make ([a-z-]+)|^make ([a-z-]+)", re.MULTILINE)


def test_every_target_is_in_the_readme_or_for_contributors(root: Path) -> None:
    """A target with a description is named where people look for it."""
    told = (root / "README.md").read_text() + (root / "CONTRIBUTING.md").read_text()
    missing = [name for name in _TARGET.findall((root / "Makefile").read_text()) if not re.search(rf"\bmake {name}\b", told)]

    assert missing == []


def test_every_target_that_a_page_names_exists(root: Path, pages: dict[Path, str]) -> None:
    """`make x` in any page is a target with a description."""
    targets = set(_TARGET.findall((root / "Makefile").read_text()))
    wrong = {(path.name, name) for path, text in pages.items() for found in _USE.findall(text) for name in found if name} - {
        (path.name, name) for path in pages for name in targets
    }

    assert wrong == set()


def test_the_readme_begins_with_two_commands(root: Path) -> None:
    """The first two commands of the README are `make demo` and `make test`."""
    blocks = re.findall(r"^```\w*\n(.*?)^```", (root / "README.md").read_text(), re.MULTILINE | re.DOTALL)
    commands = [line.partition("#")[0].strip() for line in "".join(blocks).splitlines()]

    assert [command for command in commands if command][:2] == ["make demo", "make test"]
