"""Tasks of own files that set none of the later options keep their identity and their splits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

TEST = {"sequences": [4, 5, 7, 16, 18, 19], "images": [0, 28, 8, 3, 27, 23]}
VALIDATION = {
    ("sequences", 0): [1, 20, 21, 22],
    ("sequences", 1): [6, 9, 11, 24],
    ("images", 0): [16, 26, 11, 17],
    ("images", 1): [10, 18, 1, 13],
}
"""Examples of each split, as commit 24f0eca drew them, before there were options for features, groups and times."""


def write(folder: Path) -> dict[str, str]:
    """Write thirty sequences and thirty images whose first values rise; return their selectors."""
    rows = [f"{i},{10 * i + step},{'ab'[i % 2]}" for i in range(30) for step in range(2 + i % 3)]
    (folder / "walks.csv").write_text("\n".join(["id,x,label", *rows]) + "\n")
    for number in range(30):
        path = folder / "flowers" / ("daisy", "tulip")[number % 2] / f"{number}.pgm"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"P5 8 8 255\n" + bytes([8 * number] * 64))
    return {
        "sequences": f"sequences:{folder / 'walks.csv'}",
        "images": f"images:{folder / 'flowers'}[size=8,channels=grey]",
    }


@pytest.mark.parametrize(("kind", "key"), [("sequences", "d3731a435719"), ("images", "d2f4f390e9b3")])
def test_identity_and_splits_stay(
    kind: str, key: str, tmp_path: Path, open_own: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The key of the task, which is in the id of every trial, and the examples of each split are those of before."""
    monkeypatch.setenv("ARCHBENCH_DATA", str(tmp_path / "cache"))
    (selected,) = open_own(write(tmp_path)[kind])
    assert selected.component.key == key
    for seed in (0, 1):
        splits = selected.registered.item.load(selected.options, seed)
        parts = [splits.train, splits.validation, splits.test]
        first = [part.inputs.reshape(len(part.inputs), -1)[:, 0] for part in parts]
        order = np.sort(np.concatenate(first))
        _, validation, test = [np.searchsorted(order, values).tolist() for values in first]
        assert (validation, test) == (VALIDATION[kind, seed], TEST[kind])
