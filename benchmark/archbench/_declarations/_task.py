"""A task as a plugin declares it: shapes, splits, loss and metric. Imports neither torch nor numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, runtime_checkable

from archbench._declarations._checks import (
    as_size,
    check_declaration,
    check_factor,
    check_files,
    check_margin,
    check_modules,
    check_number,
    check_target,
)
from archbench._declarations._losses import TorchLoss, targets_of
from archbench._declarations._metrics import METRICS, MetricRules, Targets
from archbench._declarations._target_scale import TargetScale
from archbench._declarations._torch_metric import TorchMetric, check_metrics
from archbench._downloads import LocalFolder, RemoteFile
from archbench._errors import DeclarationError

if TYPE_CHECKING:
    import numpy as np
    import torch

InputKind = Literal["image", "sequence", "tokens"]

IGNORED = -100
"""A label that is neither trained on nor scored: it marks the steps of a sequence at which nothing is asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInfo:
    """Shapes and sizes of a task: all that an architecture is told of it when it is built.

    Args:
        kind: `image`, `sequence` (of real vectors) or `tokens` (of integers).
        input_shape: one example without the batch axis. Image: (channels, height, width).
            Sequence: (steps, features). Tokens: (steps,).
        outputs: classes for a classification task, target values for a regression task, labels where several can be
            there at once; 1 for a binary task of one logit.
        per_step: the network answers at every step, (batch, steps, outputs), instead of once, (batch, outputs).
        vocabulary: number of distinct tokens; None unless `kind` is `tokens`.
        variable_length: examples may be shorter than `input_shape[0]`, the longest; `Examples.lengths` says how long
            each is, and zeros fill the rest. A network is told the lengths if `Architecture.takes_lengths` is set.

    Raises:
        DeclarationError: the shape does not fit the kind, or a size is not positive.
    """

    kind: InputKind
    input_shape: tuple[int, ...]
    outputs: int
    per_step: bool = False
    vocabulary: int | None = None
    variable_length: bool = False

    def __post_init__(self) -> None:
        axes = {"image": 3, "sequence": 2, "tokens": 1}
        if self.kind not in axes:
            raise DeclarationError(f"TaskInfo.kind is {self.kind!r}; allowed: {', '.join(axes)}")
        object.__setattr__(self, "input_shape", self._shape(axes[self.kind]))
        object.__setattr__(self, "outputs", as_size("TaskInfo.outputs", self.outputs))
        if (self.vocabulary is not None) != (self.kind == "tokens"):
            raise DeclarationError("TaskInfo.vocabulary must be given for kind 'tokens', and only there")
        if self.vocabulary is not None:
            object.__setattr__(self, "vocabulary", as_size("TaskInfo.vocabulary", self.vocabulary))
        if self.variable_length and self.kind == "image":
            raise DeclarationError(
                "TaskInfo.variable_length is for kinds 'sequence' and 'tokens'; images have no steps"
            )

    def _shape(self, axes: int) -> tuple[int, ...]:
        """Return the shape as a tuple of int, of which a list may be given."""
        given: object = self.input_shape
        if not isinstance(given, tuple | list) or len(given) != axes:
            raise DeclarationError(
                f"TaskInfo.input_shape is {given!r}; a task of kind {self.kind!r} needs {axes} positive sizes, without "
                "the batch axis"
            )
        return tuple(as_size(f"TaskInfo.input_shape[{place}]", size) for place, size in enumerate(given))


@runtime_checkable
class ArrayLike(Protocol):
    """Inputs that are read on demand, because they would not fit in memory: an object that is indexed like an array.

    Worker processes read ahead of the training; each has a copy of the object, forked or pickled. A numpy array fits
    this protocol too.
    """

    @property
    def shape(self) -> tuple[int, ...]:
        """All sizes, the number of examples first: (N, *input_shape)."""
        ...

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the arrays that indexing returns: float32, or int64 for kind `tokens`."""
        ...

    def __len__(self) -> int: ...

    def __getitem__(self, index: np.ndarray[Any, Any], /) -> np.ndarray[Any, Any]:
        """Return the examples at these places, int64 (B,), as an array (B, *input_shape)."""
        ...


@dataclass(frozen=True, slots=True)
class Examples:
    """Inputs and targets; the first axis counts the examples.

    Args:
        inputs: float32 (N, *input_shape), or int64 for kind `tokens`: an array, or an `ArrayLike` that reads on demand
            what would not fit in memory.
        targets: int64 (N,) for classification, (N, steps) per step, where the label `IGNORED` asks for nothing;
            float32 (N, outputs) for regression, (N, steps, outputs) per step; int64 of 0 and 1 in these shapes for
            labels. Where `Task.missing_targets` is set, NaN and the label `IGNORED` ask for nothing.
        lengths: int64 (N,), how many steps of each example are real, for a task of variable length; None if all are.
            The steps after them are 0 in the inputs, and `IGNORED` in labels per step.
    """

    inputs: np.ndarray[Any, Any] | ArrayLike
    targets: np.ndarray[Any, Any]
    lengths: np.ndarray[Any, Any] | None = None


@dataclass(frozen=True, slots=True)
class Splits:
    """The three splits of a dataset. Training sees `train`, selection `validation`, the final score `test`."""

    train: Examples
    validation: Examples
    test: Examples


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A dataset with its splits, its loss, one primary metric and further ones.

    Args:
        name: lower-case letters, digits, `.`, `_` and `-`; what users type.
        info: a `TaskInfo`, or `info(options)` that returns one when the shape depends on the options.
        load: `load(options, seed)` returns `Splits` and depends on nothing else; a function, or a
            `"module:attribute"` string that names it. The test split must not depend on the seed, so that scores stay
            comparable.
        loss: what training minimises: `cross_entropy` for classes; `mean_squared_error`, `mean_absolute_error` or
            `huber` for numbers; `binary_cross_entropy` for labels, each of which is there or not; or a `TorchLoss`.
        metric: what validation selects on and the leaderboard ranks by: a name, or that of a `TorchMetric` in
            `metrics`. `bits_per_character` and `perplexity` are for
            language models: the cross entropy, to the base 2, of the targets that are asked for, and its exponential.
        chance: the score of the best constant predictor; 0 on the normalised scale. For these two metrics it is a
            constant distribution over the classes, and scores the entropy of their frequencies.
        metrics: further metrics, by name or as `TorchMetric`. The test split is scored in them too, with the weights
            that validation selected.
        baseline: the predictor whose score `chance` is, such as `persistence`, where it is not the best constant.
        target_scale: how the numbers to predict were scaled; the leaderboard says it.
        missing_targets: a NaN among numbers, or `IGNORED` among labels, is a target that is not known. It is neither
            trained on nor scored.
        oracle: the score of a perfect predictor; 1 on the normalised scale.
        margin: the smallest difference of scores that is worth a decision, in the unit of the metric. Two entrants
            that differ by less are equivalent on this task; None says nothing of it.
        factor: for an error whose scores lie orders of magnitude apart, the smallest ratio of two of them that is worth
            a decision, above 1. On this task entrants are then compared by the ratio of their errors, and not by the
            difference; `margin` still holds over several tasks and for learning curves. An error below `target`
            counts as the target, since all of these are good enough; without a target, one below a millionth of
            `chance` counts as that. None compares differences.
        options, variants, summary, source, revision: as for `Architecture`.
        by_default: whether a run that names no task includes this one; `--task all` includes every task.
        target: the validation score at which the task counts as solved; None if there is none. Records say when it
            was reached; a protocol may stop there.
        effort: how many times the steps of a protocol this task gets: more than 1 where a network that can solve it
            needs longer than on other tasks. It applies to every architecture alike, so that none has an advantage.
        fixed_splits: the training and validation splits are the same for every seed, for example because a publisher
            fixed them. Otherwise each seed must draw its own.
        expected_failures: as for `Architecture`.
        libraries: modules that `load` imports and that take long to import, such as `sklearn.datasets`;
            they are imported once, ahead of all trials. Never name a module with side effects.
        files: the files below `data_folder()` that `load` reads. `benchmark data prepare` downloads them; a run does
            not begin without them.
        packages: optional modules that `load` needs, each with the command that installs it; a run does not begin
            without them either.
        augment: `augment(inputs, generator)` returns an altered copy of a batch of training inputs; a function, or a
            `"module:function"` string that names it. It takes every random number from the generator, which lives on
            the CPU, so that a batch does not depend on the device. Protocols say whether it is applied; validation
            and test never use it.

    Raises:
        DeclarationError: a field does not fit; the message says which and what is allowed.
    """

    name: str
    info: TaskInfo | Callable[[Any], TaskInfo]
    load: str | Callable[[Any, int], Splits]
    loss: str | TorchLoss
    metric: str
    chance: float
    oracle: float
    margin: float | None = None
    factor: float | None = None
    metrics: tuple[str | TorchMetric, ...] = ()
    baseline: str = ""
    target_scale: TargetScale | None = None
    missing_targets: bool = False
    options: type | None = None
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    summary: str = ""
    source: str = ""
    revision: int = 1
    libraries: tuple[str, ...] = ()
    by_default: bool = True
    target: float | None = None
    effort: float = 1.0
    fixed_splits: bool = False
    files: tuple[RemoteFile | LocalFolder, ...] = ()
    packages: Mapping[str, str] = field(default_factory=dict)
    augment: str | Callable[[torch.Tensor, torch.Generator], torch.Tensor] | None = None
    expected_failures: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_declaration(self, "Task", self.load, "load")
        if self.augment is not None:
            check_target(f"Task {self.name!r}: augment", self.augment)
        check_files(f"Task {self.name!r}", self.files, (RemoteFile, LocalFolder))
        check_modules(f"Task {self.name!r}: libraries", self.libraries)
        self._check_scoring()
        for what in ("chance", "oracle", "effort", *(("target",) if self.target is not None else ())):
            check_number(f"Task {self.name!r}: {what}", getattr(self, what))
        if self.effort <= 0:
            raise DeclarationError(f"Task {self.name!r}: effort is {self.effort!r}; give a positive number")
        worst, best = sorted((self.chance, self.oracle))
        if self.target is not None and not worst <= self.target <= best:
            raise DeclarationError(
                f"Task {self.name!r}: target {self.target} does not lie between chance and perfect, {worst} and {best}"
            )
        if self.higher_is_better != (self.oracle > self.chance):
            raise DeclarationError(
                f"Task {self.name!r}: oracle {self.oracle} is not better than chance {self.chance} in {self.metric}"
            )
        check_margin(f"Task {self.name!r}", self.margin, chance=self.chance, oracle=self.oracle)
        check_factor(f"Task {self.name!r}", self.factor, self.metric, higher_is_better=self.higher_is_better)

    def _check_scoring(self) -> None:
        targets = targets_of(f"Task {self.name!r}", self.loss)
        known = METRICS.get(self.metric) if isinstance(self.metric, str) else None
        if known is not None and known.of_distributions and self.loss != "cross_entropy":
            raise DeclarationError(
                f"Task {self.name!r}: metric {self.metric} is a cross entropy, loss is {self.loss!r}; "
                "use loss='cross_entropy'"
            )
        check_metrics(f"Task {self.name!r}", self.metric, self.metrics, targets)
        if self.target_scale is not None and targets != "numbers":
            raise DeclarationError(f"Task {self.name!r}: target_scale is for numbers, and the loss asks for {targets}")
        if self.missing_targets and targets == "classes":
            raise DeclarationError(
                f"Task {self.name!r}: missing_targets is for numbers and labels; a class IGNORED needs no declaration"
            )

    @property
    def targets(self) -> Targets:
        """The kind of targets, which the loss asks for."""
        return targets_of(f"Task {self.name!r}", self.loss)

    @property
    def rules(self) -> MetricRules:
        """The facts about the primary metric."""
        return self.rules_of(self.metric)

    def rules_of(self, metric: str) -> MetricRules:
        """Return the facts about one of its metrics."""
        own = {item.name: item.rules for item in self.metrics if isinstance(item, TorchMetric)}
        return own[metric] if metric in own else METRICS[metric]

    @property
    def further_metrics(self) -> tuple[str, ...]:
        """The names of the metrics beside the primary one."""
        names = (item if isinstance(item, str) else item.name for item in self.metrics)
        return tuple(name for name in names if name != self.metric)

    @property
    def higher_is_better(self) -> bool:
        """True if a higher score of the metric is better."""
        return self.rules.higher_is_better

    def describe(self, options: Any) -> TaskInfo:
        """Return the `TaskInfo` for these options.

        Raises:
            DeclarationError: the loss is not defined for the examples that the `TaskInfo` describes.
        """
        info = self.info if isinstance(self.info, TaskInfo) else self.info(options)
        if info.variable_length and info.per_step and self.targets != "classes" and not self.missing_targets:
            raise DeclarationError(
                f"Task {self.name!r} asks for {self.targets} at every step of sequences of variable length, and "
                "nothing says what is asked of the padding; set missing_targets and fill the targets there with NaN, "
                "or IGNORED for labels; or use classes, or one answer for a sequence"
            )
        if self.targets == "classes" and info.outputs == 1:
            raise DeclarationError(
                f"Task {self.name!r} has one class, so that nothing can be told apart; for a binary task use two "
                "classes, or one output with loss='binary_cross_entropy'"
            )
        return info
