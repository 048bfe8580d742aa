"""Facts about the whole tree: licence, docstrings, and what must not stand in any file."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

_REGISTRIES = (
    "pypi", "pythonhosted", "npmjs", "docker.io", "ghcr", "quay", "anaconda", "jsdelivr", "unpkg", "crates", "golang",
    "googleapis",
)  # fmt: skip
_HOST = re.compile(rf"\b[\w.-]*\b(?:{'|'.join(map(re.escape, _REGISTRIES))})(?:\.(?:org|com|io|net)|(?<=\.io))\b")
_MACHINE = re.compile(r"(?<![\w.*}-])/(?:work|root|home|Users)/")
_INDEX = re.compile(r"^\s*(?:--(?:extra-)?index-url|-i |--find-links)|\bindex-url\s*=", re.MULTILINE)
_TEXT = {
    ".py",
    ".md",
    ".toml",
    ".yml",
    ".yaml",
    ".sql",
    ".txt",
    ".in",
    ".conf",
    ".mako",
    ".html",
    ".css",
    ".js",
    ".json",
    ".svg",
    "",
}


def _texts(tree: list[Path]) -> Iterator[tuple[Path, str]]:
    for path in tree:
        if path.suffix in _TEXT and path != Path(__file__):
            yield path, path.read_text(errors="replace")


def test_every_distribution_is_licensed_under_apache(root: Path, tree: list[Path]) -> None:
    """The licence is Apache-2.0, in words and in the metadata of each distribution."""
    licences = {
        path.parent.name: tomllib.loads(path.read_text())["project"]["license"]
        for path in tree
        if path.name == "pyproject.toml" and path.parent != root
    }

    assert len(licences) >= 5
    assert set(licences.values()) == {"Apache-2.0"}
    assert "Apache License\n                           Version 2.0" in (root / "LICENSE").read_text()


def test_no_file_names_the_host_of_a_registry(root: Path, tree: list[Path]) -> None:
    """Where packages and images come from is the business of those who install them."""
    found = [(str(path.relative_to(root)), host) for path, text in _texts(tree) for host in _HOST.findall(text)]

    assert found == []


def test_the_pins_name_no_index_and_a_hash_each(root: Path) -> None:
    """requirements/*.txt install from any index, and exactly what was pinned."""
    for name in ("run", "dev"):
        text = (root / f"requirements/{name}.txt").read_text()
        pins = re.findall(r"^[a-zA-Z0-9].*?(?=^[a-zA-Z0-9]|\Z)", text, re.MULTILINE | re.DOTALL)

        assert _INDEX.findall(text) == []
        assert [pin.partition(" ")[0] for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []


def test_no_file_names_a_path_of_one_machine(root: Path, tree: list[Path]) -> None:
    """What is written works on any machine."""
    found = [
        (str(path.relative_to(root)), line.strip())
        for path, text in _texts(tree)
        for line in text.splitlines()
        if _MACHINE.search(line)
    ]

    assert found == []


def test_everything_public_has_a_docstring(root: Path, tree: list[Path]) -> None:
    """Modules, classes, functions and methods whose names begin with a letter say what they are for."""
    silent = []
    for path in tree:
        if path.suffix == ".py" and "src" in path.parts and not re.match("_[^_]", path.stem):
            module = ast.parse(path.read_text())
            if module.body and ast.get_docstring(module) is None:
                silent.append((str(path.relative_to(root)), "module"))
            silent += [(str(path.relative_to(root)), name) for name in _silent(module)]

    assert silent == []


def _silent(node: ast.Module | ast.ClassDef) -> Iterator[str]:
    for child in node.body:
        if isinstance(child, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and not child.name.startswith("_"):
            if ast.get_docstring(child) is None:
                yield child.name
            if isinstance(child, ast.ClassDef):
                yield from (f"{child.name}.{name}" for name in _silent(child))
