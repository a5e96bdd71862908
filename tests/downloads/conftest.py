"""A data folder of its own for every test."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest


@pytest.fixture
def contents() -> Callable[[Path], set[str]]:
    """The files below a folder, but for the lock."""

    def list_files(folder: Path) -> set[str]:
        return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.name != ".lock"}

    return list_files
