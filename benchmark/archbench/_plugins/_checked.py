"""Which plugins have been loaded once without ending or blocking their process: a cache, by the content of their files.

Each plugin that was checked has a small file in the user's cache folder, named by a hash of everything that decides
how its import goes. A file that holds anything else than its own name counts as missing, and so does an unreadable one.
A plugin that was not done in time has a file whose name ends in `.late`, with the seconds that it got. It is not tried
again with as few seconds, since each command would wait for it.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from archbench._downloads import cache_folder
from archbench._plugins._apart import LATE, LIMIT, can_fork, rehearse, seconds
from archbench._plugins._discovery import BUILT_IN
from archbench._plugins._importing import Importable, import_plugin
from archbench._plugins._offer import collect_offer
from archbench._plugins._sources import content_of
from archbench._version import __version__


def try_loading(importables: Sequence[Importable]) -> dict[str, str]:
    """Load plugins in a copy of this process, before this process loads any.

    A plugin that was loaded so once is not tried again until its files change.

    Returns:
        How a plugin ended the copy, by the names of those that did.
    """
    strangers = [importable for importable in importables if is_foreign(importable)]
    notes = {importable.name: _note_of(importable) for importable in strangers}
    late = {name: end for name, note in notes.items() if (end := _remembered(note))}
    unknown = [each for each in strangers if each.name not in late and not _is_noted(notes[each.name])]
    ends = rehearse([functools.partial(_load, importable) for importable in unknown])
    for importable, end in zip(unknown, ends, strict=True):
        if can_fork():
            _remember(notes[importable.name], end)
    return late | {importable.name: end for importable, end in zip(unknown, ends, strict=True) if end}


def _load(importable: Importable) -> None:
    collect_offer(import_plugin(importable).plugin, importable)


def is_foreign(importable: Importable) -> bool:
    """Return whether a plugin is none of the suite's own."""
    return importable.origin.distribution != BUILT_IN or bool(importable.source.path)


def _note_of(importable: Importable) -> Path | None:
    """Return the path of the file that says that a plugin was checked; None if its source cannot be read."""
    try:
        content = importable.take_fingerprint() if importable.source.path else content_of(importable.source)
    except (OSError, ValueError, ImportError):
        return None
    if not content:
        return None
    facts = (sys.version, sys.prefix, __version__, importable.name, importable.source.path, importable.source.value)
    text = "\n".join([*facts, importable.origin.version, content])
    return cache_folder() / "plugins" / hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def _is_noted(note: Path | None) -> bool:
    """Return whether the file is there and whole."""
    try:
        return note is not None and note.read_bytes() == note.name.encode()
    except OSError:
        return False


def _remembered(note: Path | None) -> str:
    """Return how a plugin ended that was too slow with as many seconds as it would get now; empty if none was."""
    try:
        had = float((note and _late(note).read_text()) or 0)
    except (OSError, ValueError):
        return ""
    if had < seconds():
        return ""
    return f"{LATE} {had:g} s when it was last tried; set {LIMIT} to more than {had:g} to try again"


def _remember(note: Path | None, end: str) -> None:
    """Note how the import of a plugin ended, if it will end so again: well, or not in time."""
    if note is not None and not end:
        _write(note, note.name)
    elif note is not None and end.startswith(LATE):
        _write(_late(note), f"{seconds():g}")


def _late(note: Path) -> Path:
    return note.with_name(f"{note.name}.late")


def _write(path: Path, text: str) -> None:
    """Write a file; a cache that cannot be written only costs time."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(text.encode())
        temporary.replace(path)
    except OSError:
        return
