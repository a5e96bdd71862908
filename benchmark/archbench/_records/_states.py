"""The states at the end of trials that were kept for an extension: one file for each, named by family and steps."""

from __future__ import annotations

from pathlib import Path


def state_path(folder: Path, family: str, steps: int) -> Path:
    """Return the path of a state.

    Args:
        folder: of the states.
        family: what trials share that differ in their budget only, as a hash.
        steps: of the trial.
    """
    return folder / f"{family}-{steps}.safetensors"


def find_states(folder: Path, family: str) -> list[Path]:
    """Return the paths of the states of a family, the shortest training first."""
    found = [path for path in folder.glob(f"{family}-*.safetensors") if path.stem.rpartition("-")[2].isdecimal()]
    return sorted(found, key=lambda path: int(path.stem.rpartition("-")[2]))
