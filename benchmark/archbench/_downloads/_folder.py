"""The folder for the files that tasks need."""

from __future__ import annotations

import os
from pathlib import Path

VARIABLE = "ARCHBENCH_DATA"


def data_folder() -> Path:
    """Return the folder named by `ARCHBENCH_DATA`, else one in the user's cache folder; it need not exist.

    The cache folder is `$XDG_CACHE_HOME` if that is an absolute path, else `~/.cache` on Linux and `~/Library/Caches`
    on a Mac; the folder in it is `archbench/data`.
    """
    chosen = os.environ.get(VARIABLE, "")
    if chosen:
        return Path(chosen).expanduser().absolute()
    return cache_folder() / "data"


def cache_folder() -> Path:
    """Return the folder of the suite in the user's cache folder, as `data_folder` says; it need not exist."""
    import platformdirs  # every command imports this module, and few need the folder

    return platformdirs.user_cache_path("archbench", appauthor=False)
