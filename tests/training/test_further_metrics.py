"""Metrics by name and by declaration against scikit-learn and plain formulas, over batches of unequal size."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sklearn.metrics as oracle
import torch
from torch import Tensor

from archbench import IGNORED, DeclarationError, Task, TaskInfo, TorchMetric
from archbench._training._adapted_metrics import check_metric
from archbench._training._metrics import make_metric

CUTS = (7, 50)
LOSSES = {"classes": "cross_entropy", "numbers": "mean_squared_error", "labels": "binary_cross_entropy"}


def declare(targets: str, outputs: int, *metrics: str | TorchMetric, missing: bool = False) -> tuple[Task, TaskInfo]:
    """Return a task of such targets whose data are never loaded, and its description."""
    info = TaskInfo(kind="sequence", input_shape=(4, 1), outputs=outputs)
    primary, ends = ("mean_squared_error", (1.0, 0.0)) if targets == "numbers" else ("accuracy", (0.5, 1.0))
    task = Task(
        name="made-up",
        info=info,
        load="a:b",
        loss=LOSSES[targets],
        metric=primary,
        metrics=metrics,
        chance=ends[0],
        oracle=ends[1],
        missing_targets=missing,
    )
    return task, info


def score(task: Task, info: TaskInfo, name: str, outputs: Tensor, targets: Tensor) -> float:
    """Return a metric of a task, given the batches that `CUTS` makes."""
    metric = make_metric(task, info, name)
    for some, those in zip(outputs.tensor_split(CUTS), targets.tensor_split(CUTS), strict=True):
        metric.update(some, those)
    return float(metric.compute())


def expected_calibration_error(confidence: np.ndarray, right: np.ndarray) -> float:
    """Return the sum over 15 equal bins of the share of a bin times the gap of its confidence and its accuracy."""
    bins = np.clip(np.ceil(confidence * 15) - 1, 0, 14).astype(int)
    gaps = [abs(confidence[bins == b].mean() - right[bins == b].mean()) * (bins == b).mean() for b in set(bins)]
    return float(sum(gaps))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the softmax of each row."""
    raised = np.exp(logits - logits.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("balanced_accuracy", lambda y, z: oracle.balanced_accuracy_score(y, z.argmax(1))),
        ("macro_f1", lambda y, z: oracle.f1_score(y, z.argmax(1), average="macro")),
        ("calibration_error", lambda y, z: expected_calibration_error(softmax(z).max(1), z.argmax(1) == y)),
    ],
)
def test_metrics_of_classes(name: str, expected: Callable[[Any, Any], float]) -> None:
    """Metrics of classes agree with scikit-learn or the formula; `IGNORED` targets and rare classes included."""
    draw = np.random.default_rng(0)
    labels = draw.choice(4, 200, p=[0.6, 0.3, 0.1, 0.0])  # one class is answered and never right
    logits = draw.normal(0, 2, (200, 4)).astype(np.float32)
    logits[:40] = draw.uniform(0, 1, (40, 4))  # torchmetrics would take these for probabilities
    asked = labels.copy()
    asked[::9] = IGNORED
    task, info = declare("classes", 4, name)
    kept = asked != IGNORED

    found = score(task, info, name, torch.from_numpy(logits), torch.from_numpy(asked))

    assert found == pytest.approx(expected(labels[kept], logits[kept].astype(np.float64)), abs=1e-6)


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("outputs", [1, 3])
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("accuracy", lambda y, a, p: (y == a).mean()),
        (
            "balanced_accuracy",
            lambda y, a, p: np.mean([oracle.balanced_accuracy_score(*pair) for pair in zip(y.T, a.T, strict=True)]),
        ),
        ("macro_f1", lambda y, a, p: np.mean([oracle.f1_score(*pair) for pair in zip(y.T, a.T, strict=True)])),
        ("calibration_error", lambda y, a, p: expected_calibration_error(p.ravel(), y.ravel())),
    ],
)
def test_metrics_of_labels(outputs: int, name: str, expected: Callable[..., float]) -> None:
    """Metrics of one label and of several agree with scikit-learn or the formula."""
    draw = np.random.default_rng(1)
    labels = (draw.random((150, outputs)) < 0.3).astype(np.int64)
    logits = draw.normal(-0.3, 2, (150, outputs)).astype(np.float32)
    task, info = declare("labels", outputs, *(() if name == "accuracy" else (name,)))

    found = score(task, info, name, torch.from_numpy(logits), torch.from_numpy(labels))

    probabilities = 1 / (1 + np.exp(-logits.astype(np.float64)))
    assert found == pytest.approx(expected(labels, (logits > 0).astype(int), probabilities), abs=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        # Of label 1, 3 of 4 answers are right (recalls 1 and 1/2), of label 2, 2 of 3 (recalls 1 and 0).
        ("accuracy", 5 / 7),
        ("balanced_accuracy", (0.75 + 0.5) / 2),
        ("macro_f1", (2 / 3 + 0) / 2),
    ],
)
def test_metrics_of_labels_at_every_step(name: str, expected: float) -> None:
    """Steps count like examples, and labels that are `IGNORED` at some step do not count there."""
    labels = torch.tensor([[[0, 0], [0, IGNORED]], [[1, 1], [1, 0]]])  # (examples, steps, labels)
    logits = torch.tensor([[[-1.0, -1.0], [-2.0, 3.0]], [[0.5, -2.0], [-0.1, -3.0]]])
    task, info = declare("labels", 2, *(() if name == "accuracy" else (name,)), missing=True)

    assert score(task, info, name, logits, labels) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mean_squared_error", oracle.mean_squared_error),
        ("mean_absolute_error", oracle.mean_absolute_error),
        ("r2", oracle.r2_score),
    ],
)
@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("outputs", [1, 2])
def test_metrics_of_numbers(name: str, expected: Callable[..., float], missing: bool, outputs: int) -> None:
    """Metrics of numbers far from 0 agree with scikit-learn; numbers that are not known do not count."""
    draw = np.random.default_rng(2)
    numbers = (1000 + draw.normal(0, 3, (120, outputs))).astype(np.float32)
    predicted = (numbers + draw.normal(0, 2, numbers.shape)).astype(np.float32)
    known = np.ones(120, bool)
    if missing:
        known[::5] = False
    targets = np.where(known[:, None], numbers, np.float32(np.nan))
    task, info = declare("numbers", outputs, *(() if name == "mean_squared_error" else (name,)), missing=missing)

    found = score(task, info, name, torch.from_numpy(predicted), torch.from_numpy(targets))

    assert found == pytest.approx(expected(numbers[known].astype(float), predicted[known].astype(float)), rel=1e-4)


def test_a_class_of_torchmetrics() -> None:
    """A declared class is given probabilities and the number of classes, and scores as scikit-learn does."""
    draw = np.random.default_rng(3)
    labels, logits = draw.integers(0, 3, 100), draw.normal(0, 2, (100, 3)).astype(np.float32)
    own = TorchMetric(
        name="f2", metric="MulticlassFBetaScore", arguments={"beta": 2.0}, higher_is_better=True, lowest=0, highest=1
    )
    task, info = declare("classes", 3, own, TorchMetric(name="auc", metric="MulticlassAUROC", higher_is_better=True))

    f2 = score(task, info, "f2", torch.from_numpy(logits), torch.from_numpy(labels))
    area = score(task, info, "auc", torch.from_numpy(logits), torch.from_numpy(labels))

    assert f2 == pytest.approx(oracle.fbeta_score(labels, logits.argmax(1), beta=2, average="macro"), abs=1e-6)
    expected = oracle.roc_auc_score(labels, softmax(logits.astype(np.float64)), multi_class="ovr")
    assert area == pytest.approx(expected, abs=1e-6)
    assert task.further_metrics == ("f2", "auc")


def test_a_class_of_torchmetrics_for_one_logit() -> None:
    """A metric of binary answers gets the one column, and numbers of one output come without their last axis."""
    draw = np.random.default_rng(4)
    labels, logits = draw.integers(0, 2, (90, 1)), draw.normal(0, 2, (90, 1)).astype(np.float32)
    task, info = declare("labels", 1, TorchMetric(name="auc", metric="BinaryAUROC", higher_is_better=True))

    found = score(task, info, "auc", torch.from_numpy(logits), torch.from_numpy(labels))

    assert found == pytest.approx(oracle.roc_auc_score(labels[:, 0], logits[:, 0]), abs=1e-6)


@pytest.mark.parametrize(
    ("metric", "arguments", "says"),
    [
        ("MulticlassNonsense", {}, "torchmetrics has no class 'MulticlassNonsense'"),
        ("MulticlassFBetaScore", {"gamma": 2}, "does not take these arguments"),
        ("pathlib:Path", {}, "is no metric of torchmetrics"),
    ],
)
def test_a_class_that_cannot_be_made(metric: str, arguments: dict[str, Any], says: str) -> None:
    """A name that torchmetrics does not have, wrong arguments and other classes are named."""
    task, info = declare(
        "classes", 3, TorchMetric(name="own", metric=metric, arguments=arguments, higher_is_better=True)
    )
    with pytest.raises(DeclarationError, match=says):
        make_metric(task, info, "own")


def test_a_metric_that_gives_several_numbers() -> None:
    """A metric without an average is refused before anything trains."""
    own = TorchMetric(name="each", metric="MulticlassAccuracy", arguments={"average": None}, higher_is_better=True)
    task, info = declare("classes", 3, own)
    with pytest.raises(DeclarationError, match=r"the metric each cannot score its targets .*return one number"):
        check_metric(make_metric(task, info, "each"), "each", info, torch.tensor([0, 1, 2, 0]), "task 'made-up'")


@pytest.mark.parametrize(
    ("metrics", "says"),
    [
        (("f1",), "metric is 'f1'; allowed: accuracy, balanced_accuracy"),
        (("r2",), "metric r2 does not score classes, as the loss asks for; use accuracy, balanced_accuracy"),
        (("macro_f1", "macro_f1"), "metrics has 'macro_f1' twice"),
        (["macro_f1"], "metrics must be a tuple of names and TorchMetric"),
    ],
)
def test_metrics_that_do_not_fit(metrics: Any, says: str) -> None:
    """A task with an unknown metric, one for other targets, or one that is there twice, is refused."""
    with pytest.raises(DeclarationError, match=says):
        Task(
            name="x",
            info=TaskInfo(kind="sequence", input_shape=(4, 1), outputs=3),
            load="a:b",
            loss="cross_entropy",
            metric="accuracy",
            metrics=metrics,
            chance=0.3,
            oracle=1.0,
        )


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"name": "accuracy"}, "a metric of the suite"),
        ({"name": "F 2"}, "use up to 40 lower-case letters"),
        ({"metric": "a b"}, "write the name of a class of torchmetrics"),
        ({"lowest": 1.0, "highest": 0.0}, "lowest 1.0 is not below highest 0.0"),
        ({"highest": 1.0, "oracle": 2.0}, "oracle 2.0 does not lie between"),
    ],
)
def test_declarations_of_metrics_that_do_not_fit(changes: dict[str, Any], says: str) -> None:
    """A wrong field of a declared metric is named with what is allowed."""
    with pytest.raises(DeclarationError, match=says):
        TorchMetric(**{"name": "f2", "metric": "MulticlassFBetaScore", "higher_is_better": True, **changes})
