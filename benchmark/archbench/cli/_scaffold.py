"""`benchmark new`: a small package around one architecture or one task, written from templates that ship with us."""

from __future__ import annotations

import re
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from string import Template
from typing import Literal

import archbench
from archbench._errors import SelectionError, StoreError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 50
_OURS = ("plugins", "tasks", "all")  # archbench_plugins and archbench_tasks are the suite's own modules

FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "tests/test_conformance.py": "test_conformance.py",
}
ARCHITECTURE_FILES = {"src/{module}/__init__.py": "architecture.py", "src/{module}/network.py": "network.py"}
TASK_FILES = {"src/{module}/__init__.py": "task.py"}


def write_package(
    name: str, parent: Path, *, kind: Literal["architecture", "task"], taken: Iterable[str]
) -> list[Path]:
    """Write the package `archbench-NAME` into a new folder of that name.

    Args:
        name: of the architecture or task; distribution, module and entry point follow from it.
        parent: where the folder goes.
        kind: what the package registers.
        taken: names that are registered already.

    Returns:
        The files written; the first one lies in the new folder itself.

    Raises:
        SelectionError: the name cannot be used.
        StoreError: there is something at that place already, or it cannot be written.
    """
    _check_name(name, kind, taken)
    words = _words(name, kind)
    folder = parent / words["distribution"]
    files = FILES | (ARCHITECTURE_FILES if kind == "architecture" else TASK_FILES)
    contents = {folder / path.format(**words): _fill(template, words) for path, template in files.items()}
    try:
        folder.mkdir(parents=True)
        for path, text in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except FileExistsError:
        raise StoreError(f"{folder} exists already and is left as it is; choose another NAME, or remove it") from None
    except OSError as error:
        raise StoreError(f"{folder} cannot be written ({error.strerror}); choose another place with --out") from None
    return list(contents)


def _check_name(name: str, kind: str, taken: Iterable[str]) -> None:
    if name.startswith("archbench-"):
        raise SelectionError(f"NAME is {name!r}; leave out 'archbench-', the distribution gets it by itself")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise SelectionError(
            f"NAME is {name!r}; use lower-case letters, digits and single '-', a letter first, such as tiny-net"
        )
    if name in _OURS:
        raise SelectionError(f"NAME is {name!r}, which the suite uses itself; choose another")
    if name in taken:
        raise SelectionError(f"there is {kind} {name!r} already, see `benchmark show {name}`; choose another name")


def _words(name: str, kind: Literal["architecture", "task"]) -> dict[str, str]:
    """What the templates may refer to."""
    run = f"benchmark run {name} --protocol smoke"
    if kind == "task":
        run = f"benchmark run all --task {name} --protocol smoke"
    return {
        "name": name,
        "kind": kind,
        "title": name.replace("-", " ").capitalize(),
        "summary": f"{name.replace('-', ' ').capitalize()}, a new {kind}",
        "distribution": f"archbench-{name}",
        "module": f"archbench_{name.replace('-', '_')}",
        "bounds": version_bounds(archbench.__version__),
        "run": run,
        "test_arguments": "" if kind == "architecture" else ', kind="task"',
    }


def version_bounds(version: str) -> str:
    """From this release to the next that may break something: a minor one before 1.0, then a major one."""
    major, minor = (int(part) for part in version.split(".")[:2])
    upper = f"{major + 1}" if major else f"0.{minor + 1}"
    return f">={major}.{minor},<{upper}"


def _fill(template: str, words: dict[str, str]) -> str:
    source = resources.files("archbench.cli") / "template" / f"{template}.template"
    return Template(source.read_text(encoding="utf-8")).substitute(words)
