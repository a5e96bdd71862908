"""The leaderboard is a function of the records: nothing around it changes a byte of its files."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from archbench._suite._leaderboard import FILES
from support.pages import ROOT

SURROUNDINGS = (
    {"TZ": "UTC", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
    {"TZ": "Asia/Kathmandu", "LC_ALL": "C", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "2", "PYTHONUTF8": "0",
     "OMP_NUM_THREADS": "2", "OPENBLAS_NUM_THREADS": "2"},
)  # fmt: skip


def build(out: Path, surroundings: dict[str, str], seed: int) -> dict[str, bytes]:
    """Return name and content of the files that the command writes of records that were copied in some order."""
    records = sorted((ROOT / "leaderboard" / "reference" / "records").rglob("*.json"))
    draw = random.Random(seed)
    draw.shuffle(records)
    for path in records:
        place = out / "records" / draw.choice(["", "there", "elsewhere/again"]) / path.parent.name
        place.mkdir(parents=True, exist_ok=True)
        (place / path.name).write_bytes(path.read_bytes())
    command = [sys.executable, "-m", "archbench", "leaderboard", "--out", str(out)]
    subprocess.run(command, env={**os.environ, **surroundings}, cwd=out, check=True, capture_output=True)
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


@pytest.mark.slow
def test_same_records_give_the_same_files(tmp_path: Path) -> None:
    """Order and place of the files, time zone, locale, hash seed and threads change no byte of any file."""
    first, second = (build(tmp_path / str(n), around, n) for n, around in enumerate(SURROUNDINGS))

    assert set(first) == set(second) == {*FILES}
    assert [name for name in first if first[name] != second[name]] == []
