"""`leaderboard.csv`: each column holds its own number."""

from __future__ import annotations

import csv
import io

import msgspec
import pytest
from scipy import stats

from archbench._protocols import HOUSE_RECIPE
from archbench._records import Component, Record, Resources, Scores, Training
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


def rows_of(records: list[Record]) -> dict[str, dict[str, str]]:
    """Return the rows of the task by architecture."""
    text = render_files(build_leaderboard(records))["leaderboard.csv"].decode()
    return {row["architecture"]: row for row in csv.DictReader(io.StringIO(text)) if row["task"]}


def test_what_was_told_apart_has_columns(make_record: MakeRecord) -> None:
    """Ranks, their intervals and the names of the others have a row; who is not ranked has a reason there."""
    levels = {"good": 0.9, "twin": 0.9, "bad": 0.2}
    records = [make_record(name, seed=i, score=x + i / 100) for name, x in levels.items() for i in range(3)]
    records += [make_record("broken", seed=i, status="failed") for i in range(3)]
    found = rows_of(records)
    names = ("rank", "tied", "could_be_best", "rank_low", "rank_high", "better_than", "worse_than")
    interval = stats.ttest_1samp([0.2, 0.21, 0.22], 0).confidence_interval(0.95)

    assert {label: [row[name] for name in names] for label, row in found.items()} == {
        "good": ["1", "True", "True", "1", "2", "bad", ""],
        "twin": ["1", "True", "True", "1", "2", "bad", ""],
        "bad": ["3", "False", "False", "3", "3", "", "good; twin"],
        "broken": ["", "", "", "", "", "", ""],
    }
    assert (float(found["bad"]["low"]), float(found["bad"]["high"])) == pytest.approx((interval.low, interval.high))
    empty = ("score", "low", "high", "median", "normalised", "last_weights", "validation", "pareto", "solved_low")
    assert {found["broken"][name] for name in empty} == {""}
    assert found["broken"]["not_ranked_because"] == "failed 3 of 3"
    assert found["broken"]["statuses"] == "3 failed"


def test_solved_seeds_have_an_exact_interval(make_record: MakeRecord) -> None:
    """Two of three seeds solved the task; the interval of their share is that of Clopper and Pearson."""
    target = Component(provider="archbench", name="digits", revision=1, options={}, label="digits", target=0.8)
    records = []
    for seed, taken in enumerate((100, None, 300)):
        training = Training(
            track="house recipe", recipe=HOUSE_RECIPE, batch_size=32, examples=1200, planned_steps=500, steps=500,
            stopped="budget", target=0.8, steps_to_target=taken,
        )  # fmt: skip
        record = make_record("a", seed=seed, score=0.7 + seed / 100, training=training)
        records.append(msgspec.structs.replace(record, trial=msgspec.structs.replace(record.trial, task=target)))
    row = rows_of(records)["a"]
    exact = stats.binomtest(2, 3).proportion_ci(0.95, method="exact")

    assert (row["solved"], row["steps_to_target"]) == ("2", "300.0")
    assert (float(row["solved_low"]), float(row["solved_high"])) == pytest.approx((exact.low, exact.high))
