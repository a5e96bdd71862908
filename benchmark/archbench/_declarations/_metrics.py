"""The metrics that a task may name, in one table with everything that the suite needs to know of each."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Loss = Literal["cross_entropy", "mean_squared_error"]
Metric = Literal["accuracy", "mean_squared_error", "bits_per_character", "perplexity"]


@dataclass(frozen=True, slots=True)
class MetricRules:
    """The facts about a metric.

    Args:
        maker: `"module:function"` that makes the torchmetrics object from a `TaskInfo`.
        higher_is_better: the direction of the metric.
        of_distributions: the metric scores the whole distribution over the classes, and needs the cross entropy as
            loss; else it scores one answer.
        lowest, highest: the scores that are possible.
    """

    maker: str
    higher_is_better: bool = False
    of_distributions: bool = False
    lowest: float = 0.0
    highest: float = math.inf


METRICS: Mapping[str, MetricRules] = {
    "accuracy": MetricRules("archbench._training._metrics:accuracy", higher_is_better=True, highest=1.0),
    "mean_squared_error": MetricRules("archbench._training._metrics:mean_squared_error"),
    "bits_per_character": MetricRules("archbench._training._metrics:bits_per_character", of_distributions=True),
    "perplexity": MetricRules("archbench._training._metrics:perplexity", of_distributions=True, lowest=1.0),
}
