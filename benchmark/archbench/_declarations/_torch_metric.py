"""A metric of torchmetrics by declaration: the class by name, so that nothing is imported before a trial."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from archbench._declarations._metrics import METRICS, MetricRules, Targets
from archbench._errors import DeclarationError

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CLASS = re.compile(r"(?:[\w.]+:)?[A-Za-z]\w*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchMetric:
    """Any class of torchmetrics as a metric of a task.

    It is given answers, not logits: probabilities (N, classes) and classes (N,), probabilities and labels of 0 and 1,
    both (N, labels), or numbers, both (N, outputs). N counts the examples, or the steps that are asked for. The last
    axis is left out where it has one entry, as of a binary task. The arguments `num_classes` and `num_labels` are
    filled in from the task unless they are given.

    Args:
        name: lower-case letters, digits and `_`; how tables call it.
        metric: the class, such as `MulticlassFBetaScore` of torchmetrics, or `"package.module:Class"`.
        higher_is_better: the direction.
        arguments: of the class.
        lowest, highest: the scores that are possible.
        chance: the score of the best constant answer; None if it is not known.
        oracle: the score of a perfect predictor; None if it is not known.

    Raises:
        DeclarationError: a field does not fit; the message says which and what is allowed.
    """

    name: str
    metric: str
    higher_is_better: bool
    arguments: Mapping[str, Any] = field(default_factory=dict)
    lowest: float = -math.inf
    highest: float = math.inf
    chance: float | None = None
    oracle: float | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not _NAME.fullmatch(self.name):
            raise DeclarationError(
                f"TorchMetric.name is {self.name!r}; use up to 40 lower-case letters, digits and '_', a letter first"
            )
        if self.name in METRICS:
            raise DeclarationError(f"TorchMetric.name is {self.name!r}, a metric of the suite; choose another name")
        if not isinstance(self.metric, str) or not _CLASS.fullmatch(self.metric):
            raise DeclarationError(
                f"metric {self.name!r}: metric is {self.metric!r}; write the name of a class of torchmetrics, such as "
                "'MulticlassFBetaScore', or 'package.module:Class'"
            )
        if not self.lowest < self.highest:
            raise DeclarationError(f"metric {self.name!r}: lowest {self.lowest} is not below highest {self.highest}")
        for what in ("chance", "oracle"):
            value = getattr(self, what)
            if value is not None and not self.lowest <= value <= self.highest:
                raise DeclarationError(
                    f"metric {self.name!r}: {what} {value} does not lie between {self.lowest} and {self.highest}"
                )

    @property
    def rules(self) -> MetricRules:
        """The facts that the suite needs to know."""
        return MetricRules(
            maker="",
            higher_is_better=self.higher_is_better,
            lowest=self.lowest,
            highest=self.highest,
            targets=("classes", "numbers", "labels"),
            oracle=self.oracle,
        )


def check_metrics(what: str, metric: object, further: object, targets: Targets) -> None:
    """Check the primary metric of a task and its further ones.

    Raises:
        DeclarationError: one is unknown, is there twice, or cannot score such targets.
    """
    if not isinstance(further, tuple) or not all(isinstance(item, str | TorchMetric) for item in further):
        raise DeclarationError(f"{what}: metrics must be a tuple of names and TorchMetric")
    own = {item.name for item in further if isinstance(item, TorchMetric)}
    names = [item if isinstance(item, str) else item.name for item in further]
    for name in [metric, *names]:
        if name not in METRICS and name not in own:
            allowed = ", ".join([*METRICS, *sorted(own)])
            raise DeclarationError(
                f"{what}: metric is {name!r}; allowed: {allowed}, or the name of a TorchMetric in metrics"
            )
        rules = METRICS.get(str(name))
        if rules is not None and targets not in rules.targets:
            fit = ", ".join(known for known, its in METRICS.items() if targets in its.targets)
            raise DeclarationError(f"{what}: metric {name} does not score {targets}, as the loss asks for; use {fit}")
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise DeclarationError(f"{what}: metrics has {twice[0]!r} twice")
