"""The templates of the pages, and their compiled form: compiling them takes as long as rendering a small page."""

from __future__ import annotations

import contextlib
import hashlib
import sys
from collections.abc import Mapping
from functools import cache
from typing import Any

import jinja2
from jinja2.bccache import Bucket

_OPTIONS: Mapping[str, Any] = {"autoescape": True, "undefined": jinja2.StrictUndefined, "keep_trailing_newline": True}
"""What decides how templates are compiled."""


class _Compiled(jinja2.FileSystemBytecodeCache):
    """Compiled templates in a temporary folder of the user alone; if one cannot be used, it is compiled anew."""

    def load_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        with contextlib.suppress(OSError):
            super().dump_bytecode(bucket)


@cache
def templates() -> jinja2.Environment:
    """Return the templates; a process that builds several pages, such as a run every minute, loads them once."""
    loader = jinja2.PackageLoader("archbench._report", "templates")
    kept = _compiled()
    return jinja2.Environment(loader=loader, auto_reload=False, bytecode_cache=kept, **_OPTIONS)  # noqa: S701 - escapes


def _compiled() -> _Compiled | None:
    """Return what keeps compiled templates; None where Python's own bytecode is not wanted, or no folder is safe."""
    if sys.dont_write_bytecode:
        return None
    # Jinja knows them by file and text, and not by the options that they were compiled with.
    options = hashlib.sha256(repr(_OPTIONS).encode()).hexdigest()[:8]
    try:
        return _Compiled(pattern=f"archbench-{options}-%s.cache")
    except (OSError, RuntimeError):
        return None
