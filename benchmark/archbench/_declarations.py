"""What a plugin declares: architectures, tasks, leaderboard sections. Plain data, free of torch and numpy."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, Protocol, get_args

import msgspec

from archbench._data import LocalFolder, RemoteFile
from archbench._errors import DeclarationError
from archbench._recipes import Recipe

if TYPE_CHECKING:
    import numpy as np
    import torch

InputKind = Literal["image", "sequence", "tokens"]
Loss = Literal["cross_entropy", "mean_squared_error"]
Metric = Literal["accuracy", "mean_squared_error", "bits_per_character", "perplexity"]

IGNORED = -100
"""A label that is neither trained on nor scored: the steps of a sequence at which nothing is asked."""

HIGHER_IS_BETTER: Mapping[str, bool] = {
    "accuracy": True, "mean_squared_error": False, "bits_per_character": False, "perplexity": False,
}  # fmt: skip

METRICS_OF_DISTRIBUTIONS = ("bits_per_character", "perplexity")
"""Metrics that score the whole distribution over the classes, where accuracy scores the likeliest class."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskInfo:
    """What an architecture may know of a task when it is built.

    Args:
        kind: `image`, `sequence` (of real vectors) or `tokens` (of integers).
        input_shape: one example without the batch axis. Image: (channels, height, width).
            Sequence: (steps, features). Tokens: (steps,).
        outputs: classes for a classification task, target values for a regression task.
        per_step: the network answers at every step, (batch, steps, outputs), and not once, (batch, outputs).
        vocabulary: number of distinct tokens; None unless `kind` is `tokens`.
        variable_length: examples may be shorter than `input_shape[0]`, which is the longest; `Examples.lengths` says
            how long each is. Padding is zeros. What a network gets of it: `Architecture.takes_lengths`.

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
        if len(self.input_shape) != axes[self.kind] or min(self.input_shape) < 1:
            raise DeclarationError(
                f"TaskInfo.input_shape is {self.input_shape}; a task of kind {self.kind!r} needs "
                f"{axes[self.kind]} positive sizes, without the batch axis"
            )
        if self.outputs < 1:
            raise DeclarationError(f"TaskInfo.outputs is {self.outputs}; it must be at least 1")
        if (self.vocabulary is not None) != (self.kind == "tokens"):
            raise DeclarationError("TaskInfo.vocabulary must be given for kind 'tokens', and only there")
        if self.variable_length and self.kind == "image":
            raise DeclarationError(
                "TaskInfo.variable_length is for kinds 'sequence' and 'tokens'; images have no steps"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperRecipe:
    """How a paper trained its network.

    Args:
        source: paper and section, or the authors' code.
        data: the dataset that the recipe is for.
        optimizer: `sgd` (with momentum), `nesterov`, `adam`, `adamw`, `rmsprop`.
        learning_rate: at the start, or at the peak if there is a warm-up.
        batch_size: examples per step.
        epochs, steps: the budget; the one that the paper states.
        momentum, weight_decay, clip_norm: 0 where the paper has none.
        betas: of `adam` and `adamw`.
        decay_biases: whether weight decay applies to biases.
        bias_rate: the learning rate of biases over that of the other parameters.
        warmup: share of the budget over which the learning rate rises linearly to `learning_rate`.
        warmup_rate: the learning rate of the warm-up where it does not rise but is constant; 0 where it rises.
        milestones: shares of the budget after which the learning rate is multiplied by `decay`.
        cosine: the learning rate falls along a half cosine; then there are no milestones.
        floor: where the cosine ends, as a share of `learning_rate`.
        augmentation: in words; empty for none. What is applied is the augmentation of the task.
        unsupported: what belongs to the recipe and cannot be said in these fields; it is then shown, and not run.
        note: what concerns other data or other forms of the network, and departures too small to bear on the result.

    Raises:
        DeclarationError: not exactly one of epochs and steps is given, or settings contradict each other.
    """

    source: str
    data: str
    optimizer: Literal["sgd", "nesterov", "adam", "adamw", "rmsprop"]
    learning_rate: float
    batch_size: int
    epochs: float | None = None
    steps: int | None = None
    momentum: float = 0.0
    weight_decay: float = 0.0
    clip_norm: float = 0.0
    betas: tuple[float, float] = (0.9, 0.999)
    decay_biases: bool = True
    bias_rate: float = 1.0
    warmup: float = 0.0
    warmup_rate: float = 0.0
    milestones: tuple[float, ...] = ()
    decay: float = 0.1
    cosine: bool = False
    floor: float = 0.0
    augmentation: str = ""
    unsupported: str = ""
    note: str = ""

    def __post_init__(self) -> None:
        if (self.epochs is None) == (self.steps is None):
            raise DeclarationError(f"PaperRecipe of {self.source}: give epochs or steps, and only one of them")
        if self.cosine and self.milestones:
            raise DeclarationError(f"PaperRecipe of {self.source}: give milestones or cosine, not both")
        try:
            self.settings()
        except msgspec.ValidationError as error:
            raise DeclarationError(f"PaperRecipe of {self.source}: {error}") from None

    def settings(self) -> Recipe:
        """The recipe as a trial follows it."""
        shared = {name: getattr(self, name) for name in Recipe.__struct_fields__ if name != "milestones"}
        return msgspec.convert({**shared, "milestones": None if self.cosine else self.milestones}, Recipe)


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A family of networks that one plugin registers.

    Args:
        name: lower-case letters, digits, `.`, `_` and `-`; what users type.
        build: `build(task, options)` returns a `torch.nn.Module`, or the same as a `"module:attribute"` string.
            Import torch inside it, or use the string, so that listing the architecture does not import torch.
            The module maps a batch of inputs to logits (batch, outputs), or (batch, steps, outputs) for a
            per-step task, or to `Outputs`.
        takes_lengths: on a task of variable length the network is called `network(inputs, lengths)`: inputs padded at
            the end, lengths int64 (batch,), and what lies beyond a length must not matter. Without it the network is
            called `network(inputs)` with the padding in front, so that the last step is the last one of the example.
        inputs: the kinds of input it takes.
        options: a frozen dataclass whose fields all have defaults, or None. Field types are checked when a
            user sets an option; `Annotated[int, Meta(ge=1, description="...")]` adds bounds and a help text.
        variants: named settings, such as `{"resnet-56": {"depth": 56}}`.
        incompatible: `incompatible(task, options)` returns why this network cannot take this task, or None.
        summary: one line for lists and the leaderboard.
        source: the paper, with its section.
        revision: raise it when results change; older rows are then shown as superseded.
        parameters: how many trainable parameters a network has, checked by `benchmark check`: the name of a
            variant, or of the architecture for its default options, to (the task it is counted on, the count).
        control: a selector of what to compare it with: the same network without its idea.
        tags: words that group architectures, such as `recurrent` or `residual`.
        recipe: how the paper trained it, or `recipe(options)` that returns this or None; used by protocols of the
            own recipe, such as `paper`, and by no protocol that has a house recipe.
        unused_parameters: shell patterns over parameter names, such as `"experts.*"`, of parameters that some
            batches give no gradient. Every pattern must match a parameter.
        expected_failures: code of a check that this network rightly fails, to the reason. Strict for the default
            options: a check that passes all the same is an error, so that no exception outlives its reason.

    Raises:
        DeclarationError: a field does not fit; the message says which and what is allowed.
    """

    name: str
    build: str | Callable[[TaskInfo, Any], torch.nn.Module]
    inputs: tuple[InputKind, ...]
    options: type | None = None
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    incompatible: Callable[[TaskInfo, Any], str | None] | None = None
    summary: str = ""
    source: str = ""
    revision: int = 1
    parameters: Mapping[str, tuple[TaskInfo, int]] = field(default_factory=dict)
    control: str = ""
    tags: tuple[str, ...] = ()
    recipe: PaperRecipe | Callable[[Any], PaperRecipe | None] | None = None
    unused_parameters: tuple[str, ...] = ()
    expected_failures: Mapping[str, str] = field(default_factory=dict)
    takes_lengths: bool = False

    def __post_init__(self) -> None:
        check_declaration(self, "Architecture", self.build, "build")
        _check_parameters(self)
        _check_patterns(self)
        if self.recipe is not None and not isinstance(self.recipe, PaperRecipe) and not callable(self.recipe):
            raise DeclarationError(
                f"Architecture {self.name!r}: recipe is {self.recipe!r}; give a PaperRecipe or a function of options"
            )
        kinds = get_args(InputKind)
        if not isinstance(self.inputs, tuple) or not self.inputs or not set(self.inputs) <= set(kinds):
            raise DeclarationError(
                f"Architecture {self.name!r}: inputs is {self.inputs!r}; give a tuple of one or more of {kinds}"
            )

    def published(self, options: Any) -> PaperRecipe | None:
        """How the paper trained the network that these options describe; None if that is not known."""
        return self.recipe(options) if callable(self.recipe) else self.recipe


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """A dataset with its splits, its loss and one primary metric.

    Args:
        name: lower-case letters, digits, `.`, `_` and `-`; what users type.
        info: a `TaskInfo`, or `info(options)` that returns one when the shape depends on the options.
        load: `load(options, seed)` returns `Splits`, or the same as a `"module:attribute"` string. It may
            depend on nothing else. The test split must not depend on the seed, so that scores stay comparable.
        loss: what training minimises.
        metric: what validation selects on and the leaderboard shows. `bits_per_character` and `perplexity` are for
            language models: the cross entropy of the targets that are asked for to the base 2, and its exponential.
        chance: the score of the best constant predictor, which for these two is a constant distribution over the
            classes: the entropy of their frequencies. 0 on the normalised scale.
        oracle: the score of a perfect predictor; 1 on the normalised scale.
        options, variants, summary, source, revision: as for `Architecture`.
        by_default: part of a run that names no task; the others are run when they are named, or with `--task all`.
        target: the validation score from which on the task counts as solved; None if there is no such score. Records
            say when it was reached; a protocol may stop there.
        effort: how many times the steps of a protocol this task gets: more than 1 where a network that can solve it
            needs longer than on other tasks. The same for every architecture, so that nobody gets an advantage.
        fixed_splits: the training and validation splits are the same for every seed, as where a publisher fixed
            them. Otherwise each seed must draw its own.
        expected_failures: as for `Architecture`.
        libraries: modules that `load` imports and that take long to import, such as `sklearn.datasets`;
            they are imported once, ahead of all trials. Never name a module with side effects.
        files: what `load` reads below `data_folder()`. `benchmark data prepare` gets the files; a run without them
            does not begin.
        packages: modules that `load` needs and that may not be installed, to the command that installs them; a run
            without them does not begin either.
        augment: `augment(inputs, generator)` returns a batch of training inputs anew, as a function or a
            `"module:function"` string. It takes every random number from the generator, which lives on the CPU, so
            that a batch does not depend on the device. Protocols say whether it is applied; it never is in
            validation and test.

    Raises:
        DeclarationError: a field does not fit; the message says which and what is allowed.
    """

    name: str
    info: TaskInfo | Callable[[Any], TaskInfo]
    load: str | Callable[[Any, int], Splits]
    loss: Loss
    metric: Metric
    chance: float
    oracle: float
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
            _check_target(self, "Task", self.augment, "augment")
        if not isinstance(self.files, tuple) or not all(isinstance(f, RemoteFile | LocalFolder) for f in self.files):
            raise DeclarationError(f"Task {self.name!r}: files must be a tuple of RemoteFile and LocalFolder")
        if self.loss not in get_args(Loss):
            raise DeclarationError(f"Task {self.name!r}: loss is {self.loss!r}; allowed: {', '.join(get_args(Loss))}")
        if self.metric not in get_args(Metric):
            allowed = ", ".join(get_args(Metric))
            raise DeclarationError(f"Task {self.name!r}: metric is {self.metric!r}; allowed: {allowed}")
        if self.metric in METRICS_OF_DISTRIBUTIONS and self.loss != "cross_entropy":
            raise DeclarationError(
                f"Task {self.name!r}: metric {self.metric} is a cross entropy, loss is {self.loss!r}; "
                "use loss='cross_entropy'"
            )
        if not 0 < self.effort < math.inf:
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

    @property
    def higher_is_better(self) -> bool:
        """The direction of the metric."""
        return HIGHER_IS_BETTER[self.metric]

    def describe(self, options: Any) -> TaskInfo:
        """The `TaskInfo` under these options.

        Raises:
            DeclarationError: the loss cannot be had of such examples.
        """
        info = self.info if isinstance(self.info, TaskInfo) else self.info(options)
        if info.variable_length and info.per_step and self.loss == "mean_squared_error":
            raise DeclarationError(
                f"Task {self.name!r} asks for numbers at every step of sequences of variable length, and nothing says "
                "what is asked of the padding; use classes, or one answer for a sequence"
            )
        return info


@dataclass(frozen=True, slots=True)
class Examples:
    """Inputs and targets with the example as the first axis.

    Args:
        inputs: float32 (N, *input_shape), or int64 for kind `tokens`. Where they would not fit in memory: an object
            with such a `shape` and `dtype`, a length, and `[index array]`, which reads these examples into an array;
            worker processes then read ahead of the training.
        targets: int64 (N,) for classification, (N, steps) per step, where the label `IGNORED` asks for nothing;
            float32 (N, outputs) for regression, (N, steps, outputs) per step.
        lengths: int64 (N,), how many steps of each example are real, for a task of variable length; None if all are.
            What comes after them is 0 in the inputs, and `IGNORED` in labels per step.
    """

    inputs: Any
    targets: np.ndarray[Any, Any]
    lengths: np.ndarray[Any, Any] | None = None


@dataclass(frozen=True, slots=True)
class Splits:
    """The three parts of a dataset. Training sees `train`, selection `validation`, the final score `test`."""

    train: Examples
    validation: Examples
    test: Examples


@dataclass(frozen=True, slots=True)
class Outputs:
    """What a network returns when it has auxiliary classifiers.

    Args:
        logits: (batch, outputs), or (batch, steps, outputs) for a per-step task.
        auxiliary: name -> (logits of the same shape, loss weight). They add to the training loss only.
    """

    logits: torch.Tensor
    auxiliary: Mapping[str, tuple[torch.Tensor, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part that a plugin adds to the leaderboard page.

    Args:
        title: the heading, plain text.
        text: paragraphs of plain text, parted by empty lines; markup in it is shown, not obeyed.
        columns: the head of a table below the text; empty for none.
        rows: the cells of that table, one tuple a row, each as long as `columns`.
    """

    title: str
    text: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()


class Declared(Protocol):
    """What architectures, tasks and readers have in common."""

    @property
    def name(self) -> str:
        """What users type."""

    @property
    def options(self) -> type | None:
        """The class of its options."""

    @property
    def variants(self) -> Mapping[str, Mapping[str, Any]]:
        """Named settings."""

    @property
    def revision(self) -> int:
        """Raised when results change."""

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """Checks that rightly fail."""


def convert_options(declared: Declared, values: Mapping[str, Any]) -> Any:
    """Turn option values, typed or as text, into the declared options class.

    Raises:
        msgspec.ValidationError: a value has the wrong type or breaks a rule of the class.
    """
    if declared.options is None:
        if values:
            raise msgspec.ValidationError(f"{declared.name} has no options")
        return None
    options: Any = msgspec.convert(dict(values), declared.options, strict=False)
    # Once more with every value given: a default of 1 in a float field becomes 1.0, as if the user had set it.
    return msgspec.convert(dataclasses.asdict(options), declared.options)


def option_names(declared: Declared) -> tuple[str, ...]:
    """The options that this architecture or task has, in the order of declaration."""
    return () if declared.options is None else tuple(f.name for f in dataclasses.fields(declared.options))


def check_declaration(item: Declared, what: str, target: object, target_name: str) -> None:
    """Check what all declarations have in common.

    Raises:
        DeclarationError: a field does not fit.
    """
    if not isinstance(item.name, str) or not _NAME.fullmatch(item.name):
        raise DeclarationError(
            f"{what} name is {item.name!r}; use 1 to 64 lower-case letters, digits, '.', '_' and '-', "
            "starting with a letter or digit"
        )
    if item.name == "all":
        raise DeclarationError(f"{what} name is 'all', which is the selector for everything; choose another")
    _check_target(item, what, target, target_name)
    if type(item.revision) is not int or item.revision < 1:
        raise DeclarationError(f"{what} {item.name!r}: revision is {item.revision!r}; use 1, 2, 3, ...")
    _check_options(item, what)
    _check_expected_failures(item, what)


def _check_target(item: Declared, what: str, target: object, target_name: str) -> None:
    if isinstance(target, str):
        if not re.fullmatch(r"[\w.]+:\w+", target):
            raise DeclarationError(
                f"{what} {item.name!r}: {target_name} is {target!r}; write 'package.module:function'"
            )
    elif not callable(target):
        raise DeclarationError(f"{what} {item.name!r}: {target_name} must be a function or 'package.module:function'")


def _check_expected_failures(item: Declared, what: str) -> None:
    if not isinstance(item.expected_failures, Mapping):
        raise DeclarationError(f"{what} {item.name!r}: expected_failures must map codes to reasons")
    for code, reason in item.expected_failures.items():
        if not isinstance(reason, str) or not reason.strip():
            raise DeclarationError(
                f"{what} {item.name!r}: expected_failures has no reason for {code!r}; say in a sentence why it is right"
            )


def _check_parameters(item: Architecture) -> None:
    for name, declared in item.parameters.items():
        if name != item.name and name not in item.variants:
            known = ", ".join([item.name, *item.variants])
            raise DeclarationError(f"Architecture {item.name!r}: parameters has {name!r}; allowed: {known}")
        fits = isinstance(declared, tuple) and len(declared) == 2
        if not fits or not isinstance(declared[0], TaskInfo) or type(declared[1]) is not int or declared[1] < 1:
            raise DeclarationError(
                f"Architecture {item.name!r}: parameters[{name!r}] is {declared!r}; give (TaskInfo, count)"
            )


def _check_patterns(item: Architecture) -> None:
    patterns = item.unused_parameters
    if not isinstance(patterns, tuple) or not all(isinstance(pattern, str) and pattern for pattern in patterns):
        raise DeclarationError(
            f"Architecture {item.name!r}: unused_parameters is {patterns!r}; give a tuple of patterns over names"
        )


def _check_options(item: Declared, what: str) -> None:
    if item.options is not None:
        parameters = getattr(item.options, "__dataclass_params__", None)
        if parameters is None or not parameters.frozen:
            raise DeclarationError(f"{what} {item.name!r}: options must be a dataclass with frozen=True")
    try:
        convert_options(item, {})
    except (msgspec.ValidationError, TypeError) as error:
        raise DeclarationError(f"{what} {item.name!r}: every option needs a valid default ({error})") from None
    for variant, values in item.variants.items():
        if not _NAME.fullmatch(variant) or variant == "all":
            raise DeclarationError(f"{what} {item.name!r}: {variant!r} is not a valid variant name")
        unknown = set(values) - set(option_names(item))
        if unknown:
            raise DeclarationError(f"{what} {item.name!r}: variant {variant!r} sets unknown options {sorted(unknown)}")
        try:
            convert_options(item, values)
        except msgspec.ValidationError as error:
            raise DeclarationError(f"{what} {item.name!r}: variant {variant!r} does not fit: {error}") from None
