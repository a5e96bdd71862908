"""The measured resolution of tasks: how many pairs of entrants a reference run told apart, shipped beside a plugin."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from archbench._declarations import Task
from archbench._plugins._provenance import Registered

RESOLUTION_FILE = "resolution.json"
"""Name of the file, in the folder of the module that declares the tasks."""


class TaskResolution(msgspec.Struct, frozen=True, kw_only=True):
    """The pairs of entrants that were told apart on a task.

    Args:
        revision, effort: of the task when this was measured.
        told_apart: number of pairs with a better entrant.
        pairs: number of pairs of ranked entrants.
    """

    revision: int
    effort: float
    told_apart: int
    pairs: int


class MeasuredResolution(msgspec.Struct, frozen=True, kw_only=True):
    """The content of the file.

    Args:
        protocol: label of the protocol of the reference run.
        seeds: number of its seeds.
        tasks: the resolution of each task by its name.
    """

    protocol: str
    seeds: int
    tasks: dict[str, TaskResolution]


def resolution_of(registered: Registered[Task]) -> TaskResolution | None:
    """Return the measured resolution of a task as it is declared today; None if there is none.

    Whatever is wrong with the file of a plugin, such as another form, counts as none: a list must not fail for it.
    """
    module = sys.modules.get(registered.source.value.partition(":")[0])
    if module is None or not module.__file__:
        return None
    try:
        content = (Path(module.__file__).parent / RESOLUTION_FILE).read_bytes()
        found = msgspec.json.decode(content, type=MeasuredResolution).tasks.get(registered.item.name)
    except (OSError, msgspec.DecodeError):
        return None
    task = registered.item
    return found if found and (found.revision, found.effort) == (task.revision, task.effort) else None
