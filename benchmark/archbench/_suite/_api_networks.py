"""Trained networks from Python: `load` and `export`. Importing it loads neither torch nor numpy."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from archbench._suite._api import Files, Names, load_all_plugins
from archbench._suite._observer import Observer
from archbench._suite._settings import DEFAULT_OUT

if TYPE_CHECKING:
    from torch import nn

    from archbench._records import ExportFormat, Record


def load(
    target: Record | str | Path,
    *,
    step: int | None = None,
    out: str | Path = DEFAULT_OUT,
    plugin_files: Files = (),
    blocked_plugins: Names = (),
) -> nn.Module:
    """Return a trained network that a run kept, in evaluation mode, on the CPU.

    It takes inputs as those of its task. On a task of variable length it is called with lengths if its architecture
    declares `takes_lengths`; else the padding goes in front.

    Args:
        target: a record of a run that kept networks, its file, FOLDER/DIGITS of its id, or the file of the weights.
        step: the optimiser step after which the probe `weights` kept the network; None for that of `keep`.
        out: the folder of the run, for a record.
        plugin_files: one-file plugins to load as well; one or several.
        blocked_plugins: distributions or entry points that are not even imported; one or several.

    Raises:
        RecordError: no network of this record is kept, or its files are damaged.
        PluginError: its architecture is not installed, or in another revision.
    """
    from archbench._suite._networks import load_network

    plugins = load_all_plugins(Observer(), plugin_files, blocked_plugins)
    return load_network(target, Path(out), plugins, step=step, warn=lambda text: warnings.warn(text, stacklevel=2))


def export(
    target: Record | str | Path,
    path: str | Path,
    *,
    format: ExportFormat | None = None,
    out: str | Path = DEFAULT_OUT,
    plugin_files: Files = (),
    blocked_plugins: Names = (),
) -> float:
    """Write a trained network that a run kept to a file, and return the largest relative difference of its outputs.

    The outputs of the file are compared with those of the network on random batches before it is written.

    Args:
        target, out, plugin_files, blocked_plugins: as of `load`.
        path: of the file.
        format: `safetensors`, `torchscript` or `onnx`; None for the one that the ending of the path says.

    Raises:
        SelectionError: the format is not known, or its libraries are not installed.
        DataError: the network cannot be exported to this format, or gives other outputs there.
        RecordError, PluginError: as of `load`.
        StoreError: the file cannot be written.
    """
    from archbench._suite._export import export_kept

    plugins = load_all_plugins(Observer(), plugin_files, blocked_plugins)
    done = export_kept(
        target, Path(path), format, Path(out), plugins, warn=lambda text: warnings.warn(text, stacklevel=2)
    )
    return done.difference
