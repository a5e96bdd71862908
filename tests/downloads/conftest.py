"""A look into the data folder, for the tests of downloads."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import Contents


@pytest.fixture
def contents() -> Contents:
    """`contents(folder)` returns the relative names of the files and folders in it, without the lock."""

    def list_files(folder: Path) -> set[str]:
        return {str(p.relative_to(folder)) for p in folder.rglob("*") if p.name != ".lock"}

    return list_files
