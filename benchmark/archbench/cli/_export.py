"""`benchmark export`: take a trained network to other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from archbench._records import ExportFormat
from archbench._suite._settings import DEFAULT_OUT
from archbench.cli._options import Blocked, Json, PluginFiles, load
from archbench.cli._output import print_json

Target = Annotated[
    str,
    typer.Argument(
        metavar="RECORD",
        help="The file of a record whose network was kept, or FOLDER/DIGITS, the first digits of an id.",
    ),
]
Format = Annotated[
    ExportFormat | None,
    typer.Option("--format", help="The format of the file.", show_default="that of the ending of --out"),
]
File = Annotated[
    Path | None,
    typer.Option("--out", metavar="FILE", help="Write the network here.", show_default="./ARCHITECTURE-DIGITS.ENDING"),
]


def export(
    target: Target,
    format: Format = None,
    out: File = None,
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Write a network that was kept (`benchmark run --keep`) for other tools, and compare its outputs there."""
    from archbench._suite._export import export_kept
    from archbench._suite._progress import make_progress
    from archbench.cli._steps import show_steps

    plugins, warn = load(plugin, no_plugin), make_progress().warned
    with show_steps("Exporting") as tell:
        done = export_kept(target, out, format, DEFAULT_OUT, plugins, warn=warn, tell=tell)
    if json:
        print_json(_as_json(done))
        return
    print(f"{done.path}: {done.network.trial.architecture.label} as {done.format}, {done.size / 1000:,.0f} kB")
    print(f"On random batches its outputs differ by at most {done.difference:.1g} of the largest one.")


def _as_json(done: Any) -> dict[str, Any]:
    return {
        "trial": done.network.trial.id,
        "format": done.format,
        "path": str(done.path),
        "bytes": done.size,
        "inputs": done.inputs,
        "input_shape": list(done.network.info.input_shape),
        "largest_relative_difference": done.difference,
    }
