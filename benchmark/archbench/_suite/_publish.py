"""The workflow that publishes the folder of a leaderboard as a static site."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import msgspec

from archbench._errors import StoreError

_PLACE = Path(".github", "workflows", "leaderboard.yml")


def write_workflow(out: Path, file: Path | None = None) -> Path:
    """Write the workflow into the git repository of a folder, unless it is there already; return its path.

    Args:
        out: the folder of the leaderboard, which the workflow publishes as it is committed.
        file: where to write it; None for the place where GitHub looks for workflows, in that repository.

    Raises:
        StoreError: the folder is in no repository, or there is another workflow in its place.
    """
    folder = out.resolve()
    root = next((parent for parent in folder.parents if (parent / ".git").exists()), None)
    if root is None:
        raise StoreError(f"{out} lies in no git repository; give a folder in one with --out, or run `git init` first")
    path, text = (file or root / _PLACE).absolute(), _render(folder.relative_to(root).as_posix())
    if path.exists():
        if not path.is_file() or path.read_bytes() != text.encode():
            raise StoreError(f"{path} exists and is another workflow; move it away first, nothing was overwritten")
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from None
    return path


def _render(folder: str) -> str:
    place = resources.files("archbench._suite").joinpath("leaderboard.yml")
    # A string of JSON is a string of YAML, whatever characters the folder has.
    return place.read_text(encoding="utf-8").replace("FOLDER", msgspec.json.encode(folder).decode())
