"""When Python looks for garbage: not while all that is made is kept."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def without_collection() -> Iterator[None]:
    """Look for no garbage meanwhile: nearly all that is made is kept, and looking takes up to half of the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.unfreeze()  # the two leave everything with the oldest objects, which are looked through least often
        if enabled:
            gc.enable()
