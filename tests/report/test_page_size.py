"""The size of a full page: 28 architectures on 10 tasks with 5 seeds, and the studies of the reference."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy as np

from archbench._plugins import load_plugins
from archbench._records import Pairing, Record, Store
from archbench._report import build_leaderboard
from archbench._report._split import MOST_BYTES, make_pages
from archbench._suite._leaderboard import answer_all

REFERENCE = Path(__file__).parents[2] / "leaderboard" / "reference"
ARCHITECTURES, TASKS, SEEDS = 28, 10, 5


def full(records: list[Record]) -> Iterator[Record]:
    """Yield a record of every architecture on every task with every seed, made of committed ones."""
    known = {(r.trial.architecture.label, r.trial.task.label): r for r in records if r.status == "ok" and r.scores}
    architectures, tasks = (sorted({key[side] for key in known}) for side in (0, 1))
    draw = np.random.default_rng(0)
    for name in architectures[:ARCHITECTURES]:
        own = next(record for (label, _), record in known.items() if label == name)
        for number in range(TASKS):
            label = tasks[number % len(tasks)]
            model = known.get((name, label)) or next(record for (_, task), record in known.items() if task == label)
            for seed in range(SEEDS):
                yield _made(model, own, number // len(tasks), seed, float(draw.normal(0, 0.01)))


def _made(model: Record, own: Record, again: int, seed: int, noise: float) -> Record:
    """Return the record of a model as one of another architecture, seed and, the second time, another task."""
    task = model.trial.task
    if again:
        task = msgspec.structs.replace(task, name=f"{task.name}-again", label=f"{task.label}-again")
    trial = msgspec.structs.replace(model.trial, architecture=own.trial.architecture, task=task, seed=seed)
    assert model.scores
    scores = msgspec.structs.replace(model.scores, test=min(max(model.scores.test + noise, 0.0001), 1.0))
    proof = Pairing(splits=hashlib.sha256(f"{task.label} {seed}".encode()).hexdigest(), batches=f"{seed:064d}")
    facts = own.architecture_facts
    return msgspec.structs.replace(
        model, id=trial.id, trial=trial, scores=scores, pairing=proof, architecture_facts=facts
    )


def test_a_full_page_is_small() -> None:
    """No file has more than 1.5 MB, and every trial is in the data of one of them."""
    committed = list(Store(REFERENCE).scan()[0].values())
    studies = [record for record in committed if record.trial.protocol.for_studies]
    records = [*full([record for record in committed if not record.trial.protocol.for_studies]), *studies]
    board = build_leaderboard(records, answers=answer_all(load_plugins(only=[]), records))
    pages = {name: render() for name, render in make_pages(board, records)}
    sizes = {name: len(page.encode()) for name, page in pages.items()}

    assert len(records) == ARCHITECTURES * TASKS * SEEDS + len(studies)
    largest = max(sizes.values())
    print(f"\n{sizes['index.html'] / 1e6:.2f} MB, {len(pages) - 1} other files of {largest / 1e6:.2f} MB at most")
    assert largest <= MOST_BYTES
    data = [re.findall(r'id="data">(.*?)</script>', page)[0] for page in pages.values()]
    assert sum(len(json.loads(text)["trials"]) for text in data) == len(records)
