"""The package that `benchmark new` writes around one architecture or task, from the templates in `template/`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template
from typing import Literal

import archbench
from archbench._errors import SelectionError, StoreError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST_NAME = 50
_OURS = ("plugins", "studies", "tasks", "all")  # archbench_plugins and so on are modules; all is a selector

FILES = {
    "pyproject.toml": "pyproject.toml",
    "README.md": "README.md",
    "tests/test_conformance.py": "test_conformance.py",
}
ARCHITECTURE_FILES = {"src/{module}/__init__.py": "architecture.py", "src/{module}/network.py": "network.py"}
TASK_FILES = {"src/{module}/__init__.py": "task.py"}


def write_package(
    name: str, parent: Path, *, kind: Literal["architecture", "task"], taken: Mapping[str, str]
) -> list[Path]:
    """Write the package `archbench-NAME` into a new folder of that name.

    Args:
        name: name of the architecture or task; distribution, module and entry point follow from it.
        parent: the folder in which the new one is made.
        kind: what the package registers.
        taken: names that are registered already and would clash, with the kind of item that has each.

    Returns:
        The files written; the first lies directly in the new folder.

    Raises:
        SelectionError: the name cannot be used.
        StoreError: there is something at that place already, or it cannot be written.
    """
    _check_name(name, taken)
    texts = _placeholders(name, kind)
    folder = parent / texts["distribution"]
    files = FILES | (ARCHITECTURE_FILES if kind == "architecture" else TASK_FILES)
    contents = {folder / path.format(**texts): _fill(template, texts) for path, template in files.items()}
    _write_files(folder, contents)
    return list(contents)


def _write_files(folder: Path, contents: Mapping[Path, str]) -> None:
    try:
        folder.mkdir(parents=True)
        for path, text in contents.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
    except FileExistsError:
        raise StoreError(f"{folder} exists already and is left as it is; choose another NAME, or remove it") from None
    except OSError as error:
        raise StoreError(f"{folder} cannot be written ({error.strerror}); choose another place with --out") from None


def _check_name(name: str, taken: Mapping[str, str]) -> None:
    if name.startswith("archbench-"):
        raise SelectionError(f"NAME is {name!r}; leave out 'archbench-', the distribution gets it by itself")
    if not _NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        raise SelectionError(
            f"NAME is {name!r}; use lower-case letters, digits and single '-', a letter first, such as tiny-net"
        )
    if name in _OURS:
        raise SelectionError(f"NAME is {name!r}, which the suite uses itself; choose another")
    if kind := taken.get(name):
        show = "benchmark study show" if kind == "study" else "benchmark show"
        raise SelectionError(f"there is {kind} {name!r} already, see `{show} {name}`; choose another name")


def _placeholders(name: str, kind: Literal["architecture", "task"]) -> dict[str, str]:
    """Return the text for each placeholder of the templates."""
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
    """Return the requirement for this release and later ones, up to the next that may break a plugin.

    That is the next minor release before 1.0, and the next major one after it.
    """
    major, minor = (int(part) for part in version.split(".")[:2])
    upper = f"{major + 1}" if major else f"0.{minor + 1}"
    return f">={major}.{minor},<{upper}"


def _fill(template: str, texts: dict[str, str]) -> str:
    source = resources.files("archbench.cli") / "template" / f"{template}.template"
    return Template(source.read_text(encoding="utf-8")).substitute(texts)
