"""Shared by several tests: the types of fixtures, small data sets, and specimens for the conformance kit."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
from torch import nn

from archbench import Record, Splits
from archbench._planning import Job
from archbench._protocols import HOUSE_RECIPE, Recipe
from archbench._report import build_leaderboard, write_files

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
ReadRecords = Callable[[Path], list[dict[str, Any]]]
Make = Callable[..., Any]
MakeRecord = Callable[..., Record]
MakeJob = Callable[..., Job]
Load = Callable[..., Splits]
Score = Callable[[str, str], float]
Build = Callable[..., nn.Module]
Contents = Callable[[Path], set[str]]


def house_recipe(**changes: Any) -> Recipe:
    """The house recipe with other settings."""
    return msgspec.structs.replace(HOUSE_RECIPE, **changes)


def write_page(
    records: Sequence[Record], out: Path, sections: Sequence[Any] = (), notes: Sequence[str] = ()
) -> list[Path]:
    """Write the leaderboard of some records; the paths of its files."""
    return write_files(build_leaderboard(records, sections, notes), out)
