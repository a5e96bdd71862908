"""Options that several verbs share, and what is loaded from them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from archbench._declarations import Task
from archbench._errors import SelectionError
from archbench._plugins import Plugins, load_plugins, plugins_from_environment
from archbench._records import fits_utf8
from archbench._selection import Selected
from archbench._suite._settings import DEFAULT_OUT as DEFAULT_OUT
from archbench._suite._settings import DeviceChoice, Strategy
from archbench.cli._completion import complete_entrant, complete_protocol, complete_task
from archbench.cli._output import print_problems

if TYPE_CHECKING:
    from archbench._execution import PerDevice


def flag(name: str, text: str) -> Any:
    """Return an option that takes no value."""
    return typer.Option(name, metavar="", help=text)  # without a metavar, typer writes <bool>, as if it took a value


Selectors = Annotated[
    list[str],
    typer.Argument(
        metavar="SELECTOR",
        help="Architectures: all, NAME, 'NAME[option=value,value]', or a pattern such as '*net'.",
        autocompletion=complete_entrant,
    ),
]
Tasks = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        metavar="SELECTOR",
        help="Train on this task: all, NAME, a pattern, or your own files as images:PATH; repeatable.",
        show_default="tasks without a star in `benchmark list`",
        autocompletion=complete_task,
    ),
]
ProtocolName = Annotated[
    str,
    typer.Option(
        "--protocol",
        metavar="NAME|FILE",
        help="Rules of training: smoke, quick, standard, paper, or ./MINE.toml.",
        autocompletion=complete_protocol,
    ),
]


def _count_of_seeds(text: str) -> int:
    """Return the number of seeds in a text; tell people who list seeds that it is a number of seeds."""
    try:
        return int(text)
    except ValueError:
        raise typer.BadParameter(f"{text!r} is no number; --seeds 3 trains with the seeds 0, 1 and 2") from None


Seeds = Annotated[
    int | None,
    typer.Option(
        "--seeds",
        metavar="N",
        help="Train with the seeds 0 to N-1.",
        show_default="set by the protocol",
        parser=_count_of_seeds,
    ),
]


def _folder(text: str | Path) -> Path:
    """Return the path of a folder; raise if it has no name, or one that neither a terminal nor JSON can show."""
    if text == "":
        raise SelectionError("--out is ''; name a folder, or '.' for this one")
    if not fits_utf8(str(text)):
        raise SelectionError(f"--out {os.fsencode(text)!r} is no valid UTF-8; choose a folder with a name that is")
    return Path(text)


Out = Annotated[
    Path,
    typer.Option("--out", metavar="DIR", help="Folder of the records and the leaderboard.", parser=_folder),
]
Workers = Annotated[
    int | None,
    typer.Option("--workers", metavar="N", help="Trials at a time.", show_default="one per GPU, else one per core"),
]
DevicesPerTrial = Annotated[
    int, typer.Option("--devices-per-trial", metavar="N", help="Train each trial on N devices together.")
]
StrategyName = Annotated[
    Strategy,
    typer.Option("--strategy", help="Keep all weights on each device of a trial, or shard them over all (fsdp)."),
]


def _number_or_auto(text: str) -> PerDevice:
    """Return the number of trials in a text, or `auto`."""
    if text == "auto" or text.isdecimal():
        return "auto" if text == "auto" else int(text)
    raise typer.BadParameter(f"{text!r} is no number; give the trials at a time on each device, or auto to measure it")


PerDeviceNumber = Annotated[
    Any,
    typer.Option(
        "--per-device",
        metavar="N|auto",
        help="Trials at a time on each GPU, or on a CPU in all; auto measures how many it takes.",
        show_default="one, see --workers",
        parser=_number_or_auto,
    ),
]
DeviceName = Annotated[
    DeviceChoice, typer.Option("--device", help="Where to train; auto takes the GPUs if there are any.")
]
Timeout = Annotated[
    float | None,
    typer.Option(
        "--timeout", metavar="SECONDS", help="End a trial after this time.", show_default="set by the protocol"
    ),
]
Retry = Annotated[bool, flag("--retry", "Repeat trials that did not end ok.")]
DryRun = Annotated[bool, flag("--dry-run", "Show what would be trained and how long it would take; keep nothing.")]
PluginFiles = Annotated[
    list[Path] | None, typer.Option("--plugin", metavar="FILE", help="Also load this one-file plugin; repeatable.")
]
Blocked = Annotated[
    list[str] | None,
    typer.Option("--no-plugin", metavar="NAME", help="Do not import this distribution or entry point; repeatable."),
]
Json = Annotated[bool, flag("--json", "Print one JSON object on standard output.")]


def load(files: list[Path] | None, blocked: list[str] | None) -> Plugins:
    """Load the plugins, and print a line for each of their problems."""
    plugins = load_plugins(files=files or (), blocked=blocked or (), only=plugins_from_environment())
    print_problems(plugins.problems)
    return plugins


def tasks_of(selectors: Sequence[str], plugins: Plugins) -> list[Selected[Task]]:
    """Return the tasks of these selectors, own data among them; warnings go to standard error."""
    from archbench._suite._progress import make_progress
    from archbench._suite._request import choose_tasks

    return choose_tasks(plugins, selectors, make_progress())
