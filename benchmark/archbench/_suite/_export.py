"""Exporting kept networks to the formats of other tools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from archbench._errors import SelectionError, StoreError
from archbench._plugins import Plugins
from archbench._records import ExportFormat, KeptNetwork, Record, write_atomically
from archbench._suite._networks import open_network

FORMAT_ENDINGS: dict[str, ExportFormat] = {".safetensors": "safetensors", ".pt": "torchscript", ".onnx": "onnx"}


@dataclass(frozen=True, slots=True)
class Exported:
    """A network that was exported.

    Args:
        network: which one.
        format: of the file.
        path: of the file.
        size: of the file, in bytes.
        difference: the largest difference of an output on random batches, over the largest output of the batch.
        inputs: names of the inputs.
    """

    network: KeptNetwork
    format: ExportFormat
    path: Path
    size: int
    difference: float
    inputs: list[str]


def export_kept(
    target: Record | str | Path,
    path: Path | None,
    kind: ExportFormat | None,
    out: Path,
    plugins: Plugins,
    *,
    warn: Callable[[str], object],
    tell: Callable[[str], object] = lambda step: None,
) -> Exported:
    """Write a kept network to a file, once its outputs there equal those that it gives here.

    Args:
        target: as of `load_network`.
        path: of the file; None for the name of the architecture with the first digits of the trial, in this folder.
        kind: the format; None for the one that the ending of the path says.
        out, plugins, warn: as of `load_network`.
        tell: is told each step of an export that may take minutes.

    Raises:
        SelectionError: neither format nor path is given, they are not known, or libraries are missing.
        DataError: the network cannot be exported to this format, or gives other outputs there.
        RecordError, PluginError: as of `load_network`.
        StoreError: the file cannot be written.
    """
    kind = _choose(kind, path)
    if path is not None and path.is_dir():
        raise StoreError(f"{path} is a folder; give a file")
    kept, network = open_network(target, out, plugins, warn=warn)
    from archbench._training._exporting import export_network, input_names

    data, difference = export_network(network, kept, kind, tell=tell)
    place = path or Path(_name(kept, kind))
    write_atomically(place, data)
    return Exported(kept, kind, place, len(data), difference, input_names(kept))


def _choose(kind: str | None, path: Path | None) -> ExportFormat:
    allowed = get_args(ExportFormat)
    if kind is None and path is not None:
        kind = FORMAT_ENDINGS.get(path.suffix)
    for name in allowed:
        if name == kind:
            found: ExportFormat = name
            return found
    given = f"the format is {kind!r}" if kind else f"the ending of {path} names no format" if path else "no format"
    raise SelectionError(f"{given}; give one of {', '.join(allowed)}")


def _name(kept: KeptNetwork, kind: ExportFormat) -> str:
    ending = next(ending for ending, name in FORMAT_ENDINGS.items() if name == kind)
    return f"{kept.trial.architecture.name}-{kept.trial.id[:8]}{kept.name.removeprefix(kept.trial.id)}{ending}"
