"""Which plugins have been loaded once without ending or blocking their process: a cache, by the content of their files.

Each plugin that was checked has a small file in the user's cache folder, named by a hash of everything that decides
how its import goes. A file that holds anything else than its own name counts as missing, and so does an unreadable one.
"""

from __future__ import annotations

import functools
import hashlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from archbench._downloads import cache_folder
from archbench._plugins._apart import can_fork, rehearse
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
    unknown = [importable for importable in strangers if not _is_noted(notes[importable.name])]
    ends = rehearse([functools.partial(_load, importable) for importable in unknown])
    for importable, end in zip(unknown, ends, strict=True):
        if not end and can_fork():
            _write_note(notes[importable.name])
    return {importable.name: end for importable, end in zip(unknown, ends, strict=True) if end}


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


def _write_note(note: Path | None) -> None:
    """Write the file; a cache that cannot be written only costs time."""
    if note is None:
        return
    temporary = note.with_name(f"{note.name}.{os.getpid()}")
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        temporary.write_bytes(note.name.encode())
        temporary.replace(note)
    except OSError:
        return
