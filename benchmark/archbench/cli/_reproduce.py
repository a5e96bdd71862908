"""`benchmark reproduce`: do the numbers of records come out again?"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from archbench._suite import RunSettings
from archbench._suite._settings import DeviceChoice
from archbench.cli._options import Blocked, Json, PluginFiles, Timeout, Workers, load

Target = Annotated[
    str,
    typer.Argument(
        metavar="RECORD|FOLDER",
        help="A folder that a run wrote, the file of a record, or FOLDER/DIGITS, the first digits of an id.",
    ),
]
Sample = Annotated[
    int | None,
    typer.Option(
        "--sample", metavar="N", help="Draw N records at random, spread over cells.", show_default="all of them"
    ),
]
DrawSeed = Annotated[int, typer.Option("--seed", metavar="S", help="Seed of the draw.")]
OwnData = Annotated[
    list[str] | None,
    typer.Option("--task", metavar="SCHEME:PATH", help="Own files that records need, as images:PATH; repeatable."),
]
Device = Annotated[DeviceChoice, typer.Option("--device", help="Where to train; auto takes the kind of the record.")]
Certificate = Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Write the certificate, as JSON.")]


def reproduce(
    target: Target,
    sample: Sample = None,
    seed: DrawSeed = 0,
    task: OwnData = None,
    out: Certificate = None,
    workers: Workers = None,
    device: Device = "auto",
    timeout: Timeout = None,
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Train records again and say whether the numbers come out again. The records stay as they are."""
    from archbench._suite import _reproduce
    from archbench._suite._progress import make_progress
    from archbench.cli._reproduce_output import show_certificate

    settings = RunSettings(device=device, workers=workers, timeout=timeout, keep="none")
    command = shlex.join(["benchmark", *sys.argv[1:]])
    wanted = _reproduce.Wanted(
        target=target, sample=sample, seed=seed, own_data=task or (), certificate=out, command=command
    )
    made = _reproduce.reproduce(wanted, settings, plugins=load(plugin, no_plugin), observer=make_progress())
    sys.exit(show_certificate(made, out, json=json))
