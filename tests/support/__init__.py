"""Shared by several tests: the types of fixtures, small data sets, and specimens for the conformance kit."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest
from torch import nn

from archbench import Record, Splits
from archbench._planning import Job
from archbench._protocols import HOUSE_RECIPE, Recipe
from archbench._records import decode_record, encode_record
from archbench._records._parts import Parts
from archbench._report import build_leaderboard, write_files

Cli = Callable[..., "subprocess.CompletedProcess[str]"]
ReadRecords = Callable[[Path], list[dict[str, Any]]]
Make = Callable[..., Any]
MakeRecord = Callable[..., Record]
MakeNewer = Callable[[Path, str], bytes]
MakeJob = Callable[..., Job]
Load = Callable[..., Splits]
Score = Callable[[str, str], float]
Build = Callable[..., nn.Module]
Count = Callable[[int, str], None]
Contents = Callable[[Path], set[str]]


def house_recipe(**changes: Any) -> Recipe:
    """The house recipe with other settings."""
    return msgspec.structs.replace(HOUSE_RECIPE, **changes)


def sharing(records: Sequence[Record]) -> list[Record]:
    """The records as those of a folder are read: equal parts of them are one object."""
    parts = Parts()
    return [decode_record(encode_record(record), parts) for record in records]


def write_page(
    records: Sequence[Record], out: Path, sections: Sequence[Any] = (), notes: Sequence[str] = ()
) -> list[Path]:
    """Write the leaderboard of some records; the paths of its files."""
    return write_files(build_leaderboard(records, sections, notes), records, out)


def structs_of(package: str) -> list[type[msgspec.Struct]]:
    """Every public class of plain data that the modules of a package define."""
    folder = importlib.import_module(package)
    modules = [importlib.import_module(found.name) for found in pkgutil.iter_modules(folder.__path__, f"{package}.")]
    return [
        item
        for module in modules
        for name, item in sorted(vars(module).items())
        if isinstance(item, type) and issubclass(item, msgspec.Struct) and item.__module__ == module.__name__
        if not name.startswith("_")
    ]


def assert_fixed_and_named(struct: type[msgspec.Struct]) -> None:
    """Assert that objects of a class cannot change, and that no two of their fields can be swapped in silence."""
    assert struct.__struct_config__.frozen
    with pytest.raises(TypeError, match="positional"):
        struct(*[None] * len(struct.__struct_fields__))
