"""Trials on one logit, several labels and numbers at every step, with what is missing, from declaration to record."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from archbench._planning import Device, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._records import Record, decode_record, encode_record, misfit
from archbench._selection import select
from archbench._training._runner import run_trial

PLUGIN = """
import archbench

KINDS = {
    "binary": dict(loss="binary_cross_entropy", outputs=1, metric="balanced_accuracy",
        metrics=("accuracy", "macro_f1", "calibration_error",
                 archbench.TorchMetric(name="auc", metric="BinaryAUROC", higher_is_better=True, lowest=0, highest=1)),
        chance=0.5, oracle=1.0),
    "tags": dict(loss="binary_cross_entropy", outputs=3, metric="macro_f1", metrics=("accuracy",), chance=0.5,
        oracle=1.0, missing_targets=True),
    "tags-at-steps": dict(loss="binary_cross_entropy", outputs=2, metric="balanced_accuracy",
        metrics=("accuracy", "macro_f1", "calibration_error"), chance=0.5, oracle=1.0, per_step=True,
        missing_targets=True),
    "steps": dict(loss="huber", outputs=1, metric="mean_absolute_error", metrics=("r2", "mean_squared_error"),
        chance=0.8, oracle=0.0, per_step=True, missing_targets=True),
    "own": dict(loss=archbench.TorchLoss(targets="numbers", function="smooth_l1_loss", arguments={"beta": 0.5}),
        outputs=2, metric="rmse", chance=1.0, oracle=0.0,
        metrics=(archbench.TorchMetric(name="rmse", metric="MeanSquaredError", arguments={"squared": False},
                                       higher_is_better=False, lowest=0, oracle=0.0), "r2")),
    "flat": dict(loss=archbench.TorchLoss(targets="numbers", function=lambda outputs, targets: 0 * outputs.sum()),
        outputs=1, metric="mean_squared_error", chance=1.0, oracle=0.0),
    "undeclared": dict(loss="mean_squared_error", outputs=1, metric="mean_squared_error", chance=1.0, oracle=0.0),
}


def make_load(kind):
    def load(options, seed):
        import numpy as np

        def split(count, seed):
            draw = np.random.default_rng(seed)
            x = draw.standard_normal((count, 6, 2)).astype(np.float32)
            total = x.sum(1)  # (count, 2)
            if kind == "binary":
                targets = (total[:, :1] > 0).astype(np.int64)
            elif kind == "tags":
                targets = np.stack([total[:, 0] > 0, total[:, 1] > 0, total.sum(1) > 0], 1).astype(np.int64)
                targets[::7, 1] = archbench.IGNORED
            elif kind == "tags-at-steps":
                targets = (x.cumsum(1) > 0).astype(np.int64)
                targets[::7, 2, 1] = archbench.IGNORED
            elif kind == "steps":
                targets = x[..., :1].cumsum(1) / 3
                targets[draw.random((count, 6, 1)) < 0.2] = np.nan
            else:
                targets = total[:, : KINDS[kind]["outputs"]].astype(np.float32) / 3
                if kind == "undeclared":
                    targets[3] = np.nan
            return archbench.Examples(x, targets)

        return archbench.Splits(split(400, [1, seed]), split(100, [2, seed]), split(200, 3))
    return load


@archbench.hookimpl
def archbench_tasks():
    for kind, declared in KINDS.items():
        declared = dict(declared)
        info = archbench.TaskInfo(kind="sequence", input_shape=(6, 2), outputs=declared.pop("outputs"),
                                  per_step=declared.pop("per_step", False))
        yield archbench.Task(name=kind, info=info, load=make_load(kind), margin=0.01, summary=kind, **declared)
"""


def trial(folder: Path, task: str, architecture: str) -> Record:
    """Train a built-in network on a task of the plugin, and return its record as it is read from disk."""
    path = folder / "kinds.py"
    path.write_text(PLUGIN)
    plugins = load_plugins(files=[path])
    (planned,) = make_plan(
        select([architecture], plugins.architectures, "architecture"),
        select([task], plugins.tasks, "task"),
        protocol=msgspec.structs.replace(
            find_protocol("smoke"), steps=dict.fromkeys(("image", "sequence", "tokens"), 150)
        ),
        seeds=1,
    ).trials
    return decode_record(encode_record(run_trial(planned.job(Device(kind="cpu")))))


@pytest.mark.parametrize("architecture", ["gru", "transformer", "tcn"])
@pytest.mark.parametrize(
    ("task", "further"),
    [
        ("binary", ["accuracy", "macro_f1", "calibration_error", "auc"]),
        ("tags", ["accuracy"]),
        ("tags-at-steps", ["accuracy", "macro_f1", "calibration_error"]),
        ("steps", ["r2", "mean_squared_error"]),
        ("own", ["r2"]),
    ],
)
def test_existing_networks_learn(task: str, further: list[str], architecture: str, tmp_path: Path) -> None:
    """Networks that know nothing of these targets beat chance, and the record has all metrics and is coherent."""
    record = trial(tmp_path, task, architecture)

    assert (record.status, record.message) == ("ok", "")
    assert misfit(record) == ""
    assert record.scores is not None
    facts, scores = record.task_facts, record.scores
    assert (scores.test > facts.chance) == facts.higher_is_better
    assert set(scores.further) == set(further)
    assert all(value is not None for value in scores.further.values())
    assert set(facts.metrics) == {*further, *({"rmse"} if task == "own" else ())}


def test_loss_and_metric_agree_where_they_are_one(tmp_path: Path) -> None:
    """On numbers with gaps, R2 and the mean squared error of one trial belong to one variance."""
    record = trial(tmp_path, "steps", "gru")
    assert record.scores is not None
    r2, squared = record.scores.further["r2"], record.scores.further["mean_squared_error"]
    assert r2 is not None
    assert squared is not None
    draw = np.random.default_rng(3)
    x = draw.standard_normal((200, 6, 2)).astype(np.float32)
    targets = x[..., :1].cumsum(1) / 3
    known = targets[~(draw.random((200, 6, 1)) < 0.2)]

    assert 1 - squared / known.var() == pytest.approx(r2, abs=1e-4)


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ("flat", "task 'flat': the gradient of the loss is zero"),
        ("undeclared", "1 targets are NaN; fill them in, or declare missing_targets=True"),
    ],
)
def test_what_cannot_be_trained_says_why(task: str, says: str, tmp_path: Path) -> None:
    """A loss without a gradient, and numbers that are missing without a word, end a trial before it trains."""
    record = trial(tmp_path, task, "gru")

    assert record.status == "failed"
    assert says in record.message


def test_further_scores_that_cannot_be(tmp_path: Path) -> None:
    """A further score outside its range, or in a metric that the task does not have, is a contradiction."""
    record = trial(tmp_path, "binary", "gru")

    def with_scores(further: dict[str, Any]) -> Record:
        assert record.scores is not None
        return msgspec.structs.replace(record, scores=msgspec.structs.replace(record.scores, further=further))

    assert misfit(with_scores({"auc": 1.2})) == "it has the auc 1.2, which is impossible"
    assert misfit(with_scores({"luck": 0.5})) == "it has a score in 'luck', which is no metric of its task"
    assert misfit(with_scores({"auc": None})) == ""
