"""Kept networks of the folders that are merged: those of the results that count come along."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

from archbench._errors import RecordError
from archbench._records._network import read_sidecar, read_weights, write_network
from archbench._records._record import Record

Copies = Sequence[tuple[Path, Record]]
"""A folder and what it has of a trial."""


def bring_networks(record: Record, copies: Copies, to: Path) -> tuple[int, list[str]]:
    """Copy the networks of a trial into a folder of networks that lacks them, or has those of another result.

    Args:
        record: the result that counts; without a score it has no network that counts.
        copies: the folders that have a result of the trial; networks of another result stay where they are.
        to: the folder of networks.

    Returns:
        How many came, and a line for each that is damaged or belongs to another trial.

    Raises:
        StoreError: the folder cannot be written.
    """
    count, left_out = 0, []
    for folder in (folder / "networks" for folder, mine in copies if record.scores and mine.scores == record.scores):
        for name in _names(folder, record.id):
            if _is_there(to, name, record):
                continue
            try:
                network = read_sidecar(folder, name)
                if network.belongs_to(record):
                    write_network(to, network, read_weights(folder, network))
                    count += 1
            except RecordError as error:
                left_out.append(str(error))
    return count, left_out


def _names(folder: Path, trial_id: str) -> Iterator[str]:
    """Yield the names of the networks of a trial that are files of their own; a link may lead anywhere."""
    for weights in sorted(folder.glob(f"{glob.escape(trial_id)}*.safetensors")):
        sidecar = weights.with_suffix(".json")
        if all(path.is_file() and not path.is_symlink() for path in (weights, sidecar)):
            yield weights.stem


def _is_there(folder: Path, name: str, record: Record) -> bool:
    """Return whether a folder has a network of a record, and has it whole."""
    try:
        network = read_sidecar(folder, name)
        read_weights(folder, network)
    except RecordError:
        return False
    return network.belongs_to(record)
