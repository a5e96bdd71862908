"""The metrics that a task may name, in one table with everything that the suite needs to know of each."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

Targets = Literal["classes", "numbers", "labels"]
"""What a task asks for: one class of several, numbers, or labels each of which is there or not. One label is a binary
task."""

Metric = Literal[
    "accuracy",
    "balanced_accuracy",
    "macro_f1",
    "calibration_error",
    "mean_squared_error",
    "mean_absolute_error",
    "r2",
    "bits_per_character",
    "perplexity",
]


@dataclass(frozen=True, slots=True)
class MetricRules:
    """The facts about a metric.

    Args:
        maker: `"module:function"` that makes the torchmetrics object from a `TaskInfo` and the kind of targets.
        higher_is_better: the direction of the metric.
        of_distributions: the metric scores the whole distribution over the classes, and needs the cross entropy as
            loss; else it scores one answer.
        lowest, highest: the scores that are possible.
        logarithmic: equal steps are ratios, as of perplexity, whose logarithm is the loss in bits. Normalised scores
            are taken between the logarithms of chance and oracle.
        targets: the kinds of targets that it can score.
        oracle: the score of a perfect predictor; None where it is that of the data, as of a language.
        chance: returns the score of the best constant answer from the number of outputs and the kind of targets; None
            where it depends on the data.
    """

    maker: str
    higher_is_better: bool = False
    of_distributions: bool = False
    lowest: float = 0.0
    highest: float = math.inf
    logarithmic: bool = False
    targets: tuple[Targets, ...] = ("classes",)
    oracle: float | None = 0.0
    chance: Callable[[int, Targets], float] | None = None


def _makers(name: str) -> str:
    return f"archbench._training._metrics:{name}"


METRICS: Mapping[str, MetricRules] = {
    "accuracy": MetricRules(
        _makers("accuracy"), higher_is_better=True, highest=1.0, targets=("classes", "labels"), oracle=1.0
    ),
    "balanced_accuracy": MetricRules(
        _makers("balanced_accuracy"),
        higher_is_better=True,
        highest=1.0,
        targets=("classes", "labels"),
        oracle=1.0,
        chance=lambda outputs, targets: 1 / outputs if targets == "classes" else 0.5,
    ),
    "macro_f1": MetricRules(
        _makers("macro_f1"), higher_is_better=True, highest=1.0, targets=("classes", "labels"), oracle=1.0
    ),
    "calibration_error": MetricRules(_makers("calibration_error"), highest=1.0, targets=("classes", "labels")),
    "mean_squared_error": MetricRules(_makers("mean_squared_error"), targets=("numbers",)),
    "mean_absolute_error": MetricRules(_makers("mean_absolute_error"), targets=("numbers",)),
    "r2": MetricRules(
        _makers("r2"),
        higher_is_better=True,
        lowest=-math.inf,
        highest=1.0,
        targets=("numbers",),
        oracle=1.0,
        chance=lambda outputs, targets: 0.0,
    ),
    "bits_per_character": MetricRules(_makers("bits_per_character"), of_distributions=True, oracle=None),
    "perplexity": MetricRules(_makers("perplexity"), of_distributions=True, lowest=1.0, logarithmic=True, oracle=None),
}
