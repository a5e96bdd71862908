"""The Markdown pages of the project: their code blocks, commands, links and headings."""

from __future__ import annotations

import importlib
import re
import shlex
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def _written_by_hand() -> list[str]:
    paths = [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/**/*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


PAGES = _written_by_hand()
"""All pages that people write, relative to the root."""


def read_page(page: str) -> str:
    """Return the text of a page."""
    return (ROOT / page).read_text(encoding="utf-8")


def read_prose(page: str) -> str:
    """Return the text of a page without its code blocks."""
    return _FENCE.sub("", read_page(page))


def blocks(page: str, *languages: str) -> list[str]:
    """Return the code blocks of a page in these languages, in order."""
    return [code for language, code in _FENCE.findall(read_page(page)) if language in languages]


def commands(page: str) -> list[list[str]]:
    """Return the commands of the `sh` blocks of a page, as words; `a && b` is two commands."""
    found = []
    for line in "".join(blocks(page, "sh")).splitlines():
        words = shlex.split(line, comments=True)
        while "&&" in words:
            end = words.index("&&")
            found.append(words[:end])
            words = words[end + 1 :]
        found.append(words)
    return [words for words in found if words]


def spans(page: str) -> list[str]:
    """Return the code spans in the text of a page."""
    return re.findall(r"`([^`\n]+)`", read_prose(page))


def links(page: str) -> Iterator[tuple[Path, str]]:
    """Yield the target of each relative link of a page: an absolute path, and a heading or an empty text."""
    for target in _LINK.findall(read_prose(page)):
        if not target.startswith(("https://", "http://", "data:")):
            name, _, heading = target.partition("#")
            path = (ROOT / page).parent / name if name else ROOT / page
            yield path.resolve(), heading


def headings(text: str) -> set[str]:
    """Return the headings of a page, as links name them."""
    found = re.findall(r"^#+ (.*)$", _FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in found}


def plugin_file(page: str) -> str:
    """Return the one-file plugin of a page; that of README if the page has none."""
    for code in blocks(page, "python"):
        if "import archbench\n" in code and "@archbench.hookimpl" in code:
            return code
    return plugin_file("README.md")


def protocol_files(page: str) -> dict[str, str]:
    """Return the protocols of a page by the file name in their first line."""
    named = {}
    for code in blocks(page, "toml"):
        if name := re.match(r"# (\S+\.toml)\n", code):
            named[name[1]] = code
    return named


def script_of_docs(name: str) -> ModuleType:
    """Return a module of docs/, such as the one that makes the tables of a page."""
    if (folder := str(ROOT / "docs")) not in sys.path:
        sys.path.append(folder)
    return importlib.import_module(name)
