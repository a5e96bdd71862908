"""The templates of the pages, and their compiled form: compiling them takes as long as rendering a small page."""

from __future__ import annotations

import contextlib
import sys
from functools import cache

import jinja2
from jinja2.bccache import Bucket

from archbench._version import __version__


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
    return jinja2.Environment(
        loader=jinja2.PackageLoader("archbench._report", "templates"),
        autoescape=True,
        auto_reload=False,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        bytecode_cache=_compiled(),
    )


def _compiled() -> _Compiled | None:
    """Return what keeps compiled templates; None where Python's own bytecode is not wanted, or no folder is safe."""
    if sys.dont_write_bytecode:
        return None
    try:
        # Jinja knows them by file and text. What else decides how they are compiled changes with the version at most.
        return _Compiled(pattern=f"archbench-{__version__}-%s.cache")
    except (OSError, RuntimeError):
        return None
