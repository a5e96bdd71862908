"""The one folder for data."""

from __future__ import annotations

import os
import sys
from pathlib import Path

VARIABLE = "ARCHBENCH_DATA"


def data_folder() -> Path:
    """Where data lie: `ARCHBENCH_DATA` if that is set, else the user's cache folder.

    That is `$XDG_CACHE_HOME/archbench/data`, `~/.cache/archbench/data` where the variable is not set, and
    `~/Library/Caches/archbench/data` on a Mac. The folder need not exist.
    """
    chosen = os.environ.get(VARIABLE, "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "archbench" / "data"
    cache = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if os.path.isabs(cache) else Path.home() / ".cache") / "archbench" / "data"
