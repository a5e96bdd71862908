"""`leaderboard.csv`: each column holds its own number."""

from __future__ import annotations

import csv
import io

import pytest

from archbench._records import Resources, Scores
from archbench._report import build_leaderboard
from archbench._report._write import render_files
from support import MakeRecord


def test_each_column_holds_its_own_number(make_record: MakeRecord) -> None:
    """Means over three seeds, or the largest of them for what does not depend on the seed, computed by hand."""
    test, last, validation, loss = (0.8, 0.9, 1.0), (0.5, 0.6, 0.7), (0.85, 0.95, 0.9), (1.0, 2.0, 6.0)
    records = [
        make_record(
            "mlp",
            seed=i,
            scores=Scores(
                test=test[i],
                test_last=last[i],
                validation=validation[i],
                selected_step=450,
                train_loss=9.0,
                plain_train_loss=loss[i],
            ),
            resources=Resources(
                parameters=(1000, 3000, 2000)[i],
                flops=(7, 9, 8)[i],
                train_seconds=(1.0, 2.0, 3.0)[i],
                total_seconds=50.0,
                samples_per_second=(10.0, 20.0, 60.0)[i],
                peak_memory_bytes=(100, 200, 300)[i],
            ),
        )
        for i in range(3)
    ]
    text = render_files(build_leaderboard(records))["leaderboard.csv"].decode()
    over, row = csv.DictReader(io.StringIO(text))

    numbers = {
        "score": 0.9, "median": 0.9, "normalised": 0.8 / 0.9, "last_weights": 0.6, "validation": 0.9,
        "train_loss": 3.0, "parameters": 3000, "flops": 9, "train_seconds": 2.0, "samples_per_second": 30.0,
        "peak_memory_bytes": 200.0, "ok": 3, "planned": 3, "revision": 1, "rank": 1,
    }  # fmt: skip
    words = {
        "protocol": "quick", "kind": "image", "task": "digits", "architecture": "mlp", "provider": "archbench",
        "statuses": "3 ok", "pareto": "True", "tied": "False", "recipe_kind": "house recipe", "environments": "1",
        "recipe": "", "not_ranked_because": "", "solved": "", "steps_to_target": "",
        "command": "benchmark run mlp --task digits --protocol quick --seeds 3",
    }  # fmt: skip
    assert {name: float(row[name]) for name in numbers} == pytest.approx(numbers)
    assert {name: row[name] for name in words} == words
    assert [over[name] for name in ("protocol", "kind", "task", "architecture")] == ["quick", "image", "", "mlp"]
    assert [float(over[name]) for name in ("score", "normalised", "train_seconds")] == pytest.approx([8 / 9, 8 / 9, 2])


def test_sizes_are_of_every_trial_and_costs_of_those_that_count(make_record: MakeRecord) -> None:
    """A trial that failed may be the only one that was measured; its seconds are in no mean."""
    counted = [
        make_record("mlp", seed=i, resources=Resources(train_seconds=2.0 + i, peak_memory_bytes=100)) for i in range(2)
    ]
    failed = make_record(
        "mlp",
        seed=2,
        status="failed",
        scores=None,
        resources=Resources(parameters=10, flops=20, train_seconds=99.0, peak_memory_bytes=900),
    )
    text = render_files(build_leaderboard([*counted, failed]))["leaderboard.csv"].decode()
    row = list(csv.DictReader(io.StringIO(text)))[-1]

    assert [row[name] for name in ("parameters", "flops")] == ["10", "20"]
    assert [float(row[name]) for name in ("train_seconds", "peak_memory_bytes")] == [2.5, 100]
