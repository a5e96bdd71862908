"""Answers of `list`, `plugins` and `--help`, kept until a file that they depend on changes: no plugin is imported.

An answer lies in the user's cache folder, under a hash of the command line, the environment, the search path and the
versions. It names all files and folders that decided it, each with its times and size: the loaded modules, what lies in
the packages of plugins, the metadata of installed distributions, and the data whose state is shown. A broken plugin
may be mended by anything, so the answer that names it is not kept.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from archbench._downloads import cache_folder, deciding_paths
from archbench._version import __version__

if TYPE_CHECKING:
    from archbench._plugins import Plugins, Registered

KEPT = ("--help", "-h", "list", "plugins")
MOST_ANSWERS = 50
MOST_PATHS = 10_000
"""An answer that depends on more is not kept: looking at them all would take longer than to make it again."""

_PASSING = ("_", "OLDPWD", "PWD", "SHLVL")
"""Variables of the environment that differ from one shell to the next and decide nothing."""
_METADATA = ("entry_points.txt", "METADATA", "PKG-INFO", "direct_url.json")
_BESIDE = "resolution.json"


class _Asked:
    """The command line of this process, as it was before any plugin could change the environment."""

    path: ClassVar[Path | None] = None
    folders: ClassVar[list[str]] = []
    nanoseconds: ClassVar[int] = 0


def print_kept_answer() -> bool:
    """Print the answer that was kept for this command line; return whether there was one and all of it was written."""
    _Asked.path = None
    if sys.argv[1:2] not in [[verb] for verb in KEPT] or not sys.stdout or sys.stdout is not sys.__stdout__:
        return False
    try:
        _Asked.folders, _Asked.nanoseconds = [folder or os.getcwd() for folder in sys.path], time.time_ns()
        _Asked.path = cache_folder() / "answers" / _hash_question()
        kept = json.loads(_Asked.path.read_bytes())
        if any(_state(path) != state for path, state in kept["paths"].items()):
            return False
        _write(2, kept["problems"], sys.stderr)
        _write(1, kept["answer"], sys.stdout)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return False  # whatever is wrong, the verb says it better
    return True


def keep_answer(answer: str, problems: str, plugins: Plugins) -> None:
    """Keep an answer for the next time, if nothing that decides it has changed since this process began.

    Args:
        answer: what the verb printed on standard output.
        problems: what it printed on standard error.
        plugins: what it has asked; none of them is broken.
    """
    if _Asked.path is None:
        return
    paths = {path: _state(path) for path in sorted({*_deciding(plugins)})}
    newest = max((time for state in paths.values() if state for time in state[:2]), default=0)
    if newest < _Asked.nanoseconds and len(paths) <= MOST_PATHS:
        _store(_Asked.path, json.dumps({"paths": paths, "problems": problems, "answer": answer}))


def _hash_question() -> str:
    """Return a hash of all that decides an answer beside files."""
    try:
        columns = os.get_terminal_size(1).columns
    except OSError:
        columns = 0
    environment = sorted(item for item in os.environ.items() if item[0] not in _PASSING)
    place = [os.getcwd(), *sys.path, sys.version, sys.prefix, __version__, str(Path(__file__))]
    question = repr((sys.argv[1:], place, columns, environment))
    return hashlib.sha256(question.encode(errors="surrogateescape")).hexdigest()


def _state(path: str) -> list[int] | None:
    """Return times and size of a file or a folder; None if there is none."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return [found.st_mtime_ns, found.st_ctime_ns, found.st_size]


def _write(descriptor: int, text: str, like: Any) -> None:
    data = text.replace("\n", os.linesep).encode(like.encoding, like.errors)
    while data:
        data = data[os.write(descriptor, data) :]


def _deciding(plugins: Plugins) -> Iterator[str]:
    """Yield the paths whose content decides what the plugins are."""
    loaded = (getattr(module, "__dict__", {}).get("__file__") for module in [*sys.modules.values()])
    yield from (file for file in loaded if isinstance(file, str))
    with_files: list[Registered[Any]] = [*plugins.architectures, *plugins.tasks]
    others: list[Registered[Any]] = [*plugins.readers, *plugins.studies, *plugins.claims, *plugins.protocols]
    names = {each.source.value.partition(":")[0] for each in with_files + others}
    for name in names:
        if file := getattr(sys.modules.get(name), "__file__", None):
            yield str(Path(file).with_name(_BESIDE))
    for top in {name.partition(".")[0] for name in names}:
        yield from _in_package(top)
    for folder in _Asked.folders:
        yield from _distributions(folder)
    for file in (file for each in with_files for file in each.item.files):
        yield from map(str, deciding_paths(file))


def _in_package(name: str) -> Iterator[str]:
    """Yield all that lies in a package; nothing if it is no package."""
    for top in getattr(sys.modules.get(name), "__path__", ()):
        for folder, folders, files in os.walk(top):
            folders[:] = [each for each in folders if each != "__pycache__"]
            yield from (folder, *(os.path.join(folder, each) for each in files))


def _distributions(folder: str) -> Iterator[str]:
    """Yield a folder of the search path, and the metadata of what is installed there."""
    yield folder
    with contextlib.suppress(OSError):
        for name in os.listdir(folder):
            if name.endswith((".dist-info", ".egg-info")):
                place = os.path.join(folder, name)
                yield from (place, *(os.path.join(place, each) for each in _METADATA))


def _store(path: Path, text: str) -> None:
    """Write a file, and remove the oldest if there are many; a cache that cannot be written only costs time."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    with contextlib.suppress(OSError, ValueError):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_text(text)
        temporary.replace(path)
        _remove_oldest(path.parent.iterdir())


def _remove_oldest(paths: Iterable[Path]) -> None:
    for path in sorted(paths, key=lambda each: each.stat().st_mtime_ns)[:-MOST_ANSWERS]:
        path.unlink()
