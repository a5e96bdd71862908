"""`benchmark predict`: what does a trained network say of new files?"""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Annotated

import typer

from archbench._errors import StoreError
from archbench._suite._networks import Predictions
from archbench.cli._options import Blocked, Json, PluginFiles, load
from archbench.cli._output import print_json

Target = Annotated[
    str,
    typer.Argument(
        metavar="RECORD",
        help="The file of a record whose network was kept, or FOLDER/DIGITS, the first digits of an id.",
    ),
]
Files = Annotated[
    list[Path], typer.Argument(metavar="FILE", help="New images or folders of images, files of sequences, or texts.")
]
Csv = Annotated[
    Path | None, typer.Option("--out", metavar="FILE", help="Write the csv here.", show_default="standard output")
]


def predict(
    target: Target,
    files: Files,
    out: Csv = None,
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Predict new files with a network that was kept (`benchmark run --keep`). Prints a csv with probabilities."""
    from archbench._suite._networks import predict
    from archbench._suite._progress import make_progress

    made = predict(target, files, load(plugin, no_plugin), warn=make_progress().warned)
    if out is not None:
        _write(out, as_csv(made))
    if json:
        kept = made.network
        print_json({"trial": kept.trial.id, "weights": kept.weights, "step": kept.step, "predictions": made.rows})
    elif out is None:
        print(as_csv(made), end="")


def as_csv(made: Predictions) -> str:
    """Return predictions as csv, with a line of names."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(made.columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(made.rows)
    return text.getvalue()


def _write(path: Path, text: str) -> None:
    from archbench._records import write_atomically

    if path.is_dir():
        raise StoreError(f"{path} is a folder; give a file with --out")
    write_atomically(path, text.encode())
