"""Seconds and memory to build the leaderboard of a large folder, beside reading and decoding the same files alone.

pytest -s -m performance tests/performance/test_many_records.py
python tests/performance/test_many_records.py 100000     # another number of records
"""

from __future__ import annotations

import hashlib
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec
import numpy as np
import pytest

from archbench._plugins import load_plugins
from archbench._records import Pairing, Record, Store
from archbench._records._files import encode_record
from archbench._suite._leaderboard import write_leaderboard

pytestmark = pytest.mark.performance

REFERENCE = Path(__file__).parents[2] / "leaderboard" / "reference"
TASKS, SEEDS = 20, {10_000: 10, 100_000: 50}


def make_folder(out: Path, number: int) -> None:
    """Write as many records of made-up architectures, tasks and seeds as this, in the form of a committed record."""
    draw, seeds = np.random.default_rng(0), SEEDS.get(number, 10)
    models = Store(REFERENCE).scan()[0].values()
    model = next(r for r in models if r.scores and r.task_facts.margin and not r.trial.protocol.for_studies)
    for index in range(number):
        architecture, rest = divmod(index, TASKS * seeds)
        task, seed = divmod(rest, seeds)
        data, name = _encoded(model, architecture, task, seed, 0.9 - architecture / 500 + 0.01 * draw.normal())
        path = out / "records" / name[:2] / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)


def _encoded(model: Record, architecture: int, task: int, seed: int, score: float) -> tuple[bytes, str]:
    names = f"net-{architecture:03d}", f"task-{task:02d}"
    parts = [
        msgspec.structs.replace(part, name=name, label=name, provider="made", options={})
        for part, name in zip((model.trial.architecture, model.trial.task), names, strict=True)
    ]
    trial = msgspec.structs.replace(
        model.trial, architecture=parts[0], task=parts[1], seed=seed, protocol=model.trial.protocol
    )
    scores = msgspec.structs.replace(model.scores, test=min(max(score, 0.0), 1.0))
    made = Pairing(splits=hashlib.sha256(f"{task} {seed}".encode()).hexdigest(), batches=f"{task} {seed}")
    record = msgspec.structs.replace(model, id=trial.id, trial=trial, scores=scores, pairing=made)
    return encode_record(record), record.id


def measure(out: Path) -> tuple[float, float, float]:
    """Return the seconds to read and decode the records of a folder, those to build its files, and the peak in MB.

    Seconds are those of the processor, so that other work on the machine counts little.
    """
    store, start = Store(out), time.process_time()
    records, _ = store.scan()
    read = time.process_time() - start
    write_leaderboard(store, list(records.values()), load_plugins(only=[]))
    build = time.process_time() - start - read
    return read, build, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def report(number: int) -> float:
    """Print seconds, ratio and memory for so many records; return the ratio of building to reading."""
    with tempfile.TemporaryDirectory() as folder:
        make_folder(Path(folder), number)
        command = [sys.executable, __file__, "--measure", folder]  # a process of its own, for its peak of memory
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        sizes = {path.name: path.stat().st_size / 1e6 for path in Path(folder).iterdir() if path.is_file()}
    read, build, peak = map(float, done.stdout.split())
    print(f"\n{number:,} records: read and decoded in {read:.2f} s, built and written in {build:.2f} s, {peak:.0f} MB")
    print(f"  {1e6 * (read + build) / number:.0f} us a record; building is {build / read:.2f} times reading")
    print("  " + ", ".join(f"{name} {size:.1f} MB" for name, size in sorted(sizes.items())))
    return build / read


def test_ten_thousand_records() -> None:
    """Building the page of 10,000 records takes no longer than a few times reading them, which grows with them too."""
    assert report(10_000) < 3


if __name__ == "__main__":
    if sys.argv[1] == "--make":
        make_folder(Path(sys.argv[3]), int(sys.argv[2]))
    elif sys.argv[1] == "--measure":
        print(*measure(Path(sys.argv[2])))
    else:
        report(int(sys.argv[1]))
