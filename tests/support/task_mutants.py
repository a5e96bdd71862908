"""Sound tasks, and deliberately broken ones: each mutant has one fault, and one check must find it."""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from archbench import IGNORED, Examples, Splits, Task, TaskInfo, TorchLoss, TorchMetric

PICTURES = TaskInfo(kind="image", input_shape=(1, 4, 4), outputs=3)
STEPS = TaskInfo(kind="sequence", input_shape=(6, 2), outputs=1)
WORDS = TaskInfo(kind="tokens", input_shape=(24,), outputs=2, vocabulary=9, per_step=True)


@dataclass(frozen=True)
class Mutant:
    """A broken task, the code of the check that must find it, and words of the message."""

    id: str
    code: str
    task: Task
    says: str = ""


def pictures(count: int, draw: Any) -> Examples:
    """Draw images of noise with labels 0, 1, 2 in turn."""
    inputs = draw.standard_normal((count, 1, 4, 4)).astype(np.float32)
    return Examples(inputs, np.arange(count, dtype=np.int64) % 3)


def steps(count: int, draw: Any) -> Examples:
    """Draw sequences of noise whose target is their sum."""
    inputs = draw.random((count, 6, 2)).astype(np.float32)
    return Examples(inputs, inputs.sum(axis=(1, 2), keepdims=False)[:, None])


def words(count: int, draw: Any) -> Examples:
    """Draw tokens; the target of each is 1 if it is odd."""
    inputs = draw.integers(0, 9, (count, 24))
    return Examples(inputs, inputs % 2)


def prefixes(count: int, draw: Any) -> Examples:
    """Draw sequences of 2 to 6 steps of noise, padded with zeros, whose target is their sum."""
    lengths = draw.integers(2, 6, count, endpoint=True)
    inputs = draw.random((count, 6, 2)).astype(np.float32) * (np.arange(6) < lengths[:, None])[:, :, None]
    inputs = inputs.astype(np.float32)
    return Examples(inputs, inputs.sum(axis=(1, 2), keepdims=False)[:, None], lengths)


def skewed(count: int, draw: Any) -> Examples:
    """Draw tokens; at every second step the target is 1 if the token is below 2."""
    inputs = draw.integers(0, 9, (count, 24))
    targets = (inputs < 2).astype(np.int64)
    targets[:, ::2] = IGNORED
    return Examples(inputs, targets)


def signs(count: int, draw: Any) -> Examples:
    """Draw sequences of noise with three labels: whether each feature, and both together, have a sum above 0."""
    inputs = draw.standard_normal((count, 6, 2)).astype(np.float32)
    total = inputs.sum(1)
    return Examples(inputs, np.stack([total[:, 0] > 0, total[:, 1] > 0, total.sum(1) > 0], 1).astype(np.int64))


def sign(count: int, draw: Any) -> Examples:
    """Draw sequences of noise with one label: whether all numbers together are above 0."""
    inputs = draw.standard_normal((count, 6, 2)).astype(np.float32)
    return Examples(inputs, (inputs.sum((1, 2)) > 0).astype(np.int64)[:, None])


def gaps(count: int, draw: Any) -> Examples:
    """Draw sequences whose target at each step is the sum of its features; every fourth is not known."""
    inputs = draw.random((count, 6, 2)).astype(np.float32)
    targets = inputs.sum(2, keepdims=True)
    targets[:, ::4] = np.nan
    return Examples(inputs, targets)


ENTROPY = -(2 / 9 * math.log2(2 / 9) + 7 / 9 * math.log2(7 / 9))


def sound(draw_split: Callable[[int, Any], Examples] = pictures) -> Callable[[Any, int], Splits]:
    """Return a load function without a fault."""

    def load(options: None, seed: int) -> Splits:
        draw = np.random.default_rng([1, seed])
        return Splits(draw_split(300, draw), draw_split(60, draw), draw_split(300, np.random.default_rng(0)))

    return load


def fixed(options: None, seed: int) -> Splits:
    """Load equal splits for every seed."""
    return sound()(options, 0)


def declare(name: str, load: Any, **more: Any) -> Task:
    """Return a task, which is a classification task unless `more` says otherwise."""
    values = {
        "info": PICTURES,
        "loss": "cross_entropy",
        "metric": "accuracy",
        "chance": 1 / 3,
        "oracle": 1.0,
        "margin": 0.01,
    }
    return Task(name=name, load=load, **{**values, "summary": "A task", **more})


REGRESSION = {"info": STEPS, "loss": "mean_squared_error", "metric": "mean_squared_error", "chance": 1.0, "oracle": 0.0}

VARIABLE = {**REGRESSION, "info": replace(STEPS, variable_length=True), "chance": 8 / 3}

LABELS: dict[str, Any] = {
    "info": replace(STEPS, outputs=3),
    "loss": "binary_cross_entropy",
    "metric": "macro_f1",
    "chance": 2 / 3,  # of answering that every label is there: precision 1/2, recall 1
}
GAPS: dict[str, Any] = {
    "info": replace(STEPS, per_step=True),
    "loss": "mean_absolute_error",
    "metric": "mean_absolute_error",
    "chance": 1 / 3,  # of the median of the sum of two uniform numbers
    "oracle": 0.0,
    "missing_targets": True,
}


def noisy(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Return a batch with noise."""
    return inputs + 0.1 * torch.randn(inputs.shape, generator=generator)


SOUND = [
    declare("noisy", sound(), augment=noisy),
    declare("noisy-by-name", sound(), augment="support.task_mutants:noisy"),
    declare("pictures", sound()),
    declare("fixed", fixed, fixed_splits=True),
    declare("steps", sound(steps), **REGRESSION),
    declare("words", sound(words), info=WORDS, chance=5 / 9),
    declare("prefixes", sound(prefixes), **VARIABLE),
    declare("bits", sound(skewed), info=WORDS, metric="bits_per_character", chance=ENTROPY, oracle=0.0),
    declare("labels", sound(signs), **LABELS),
    declare("one-label", sound(sign), **{**LABELS, "info": STEPS, "metric": "balanced_accuracy", "chance": 0.5}),
    declare("gaps", sound(gaps), **GAPS),
    declare("balanced", sound(), metric="balanced_accuracy", metrics=("accuracy", "macro_f1")),
    declare("doubt", sound(skewed), info=WORDS, metric="perplexity", chance=2**ENTROPY, oracle=1.0),
]
MUTANTS: list[Mutant] = []


def mutant(code: str, says: str, **declared: Any) -> Callable[[Any], Any]:
    """Register a load function as a mutant that `code` must find."""

    def register(load: Any) -> Any:
        name = load.__name__.replace("_", "-")
        MUTANTS.append(Mutant(name, code, declare(name, load, **declared), says))
        return load

    return register


def changed(seed: int, change: Callable[[Splits], Splits], draw_split: Any = pictures) -> Splits:
    """Return sound splits with one change."""
    return change(sound(draw_split)(None, seed))


@mutant("T002", "summary is empty", summary="")
def without_summary(options: None, seed: int) -> Splits:
    """Load sound splits; the declaration has no summary."""
    return sound()(options, seed)


@mutant("T101", "from 1 to 3")
def labels_from_one(options: None, seed: int) -> Splits:
    """Load labels 1, 2, 3 instead of 0, 1, 2."""
    return changed(
        seed, lambda s: Splits(*(Examples(e.inputs, e.targets + 1) for e in (s.train, s.validation, s.test)))
    )


@mutant("T101", "no training example has label 2")
def class_missing_in_training(options: None, seed: int) -> Splits:
    """Load training examples without the last class."""
    return changed(seed, lambda s: Splits(Examples(s.train.inputs, s.train.targets % 2), s.validation, s.test))


@mutant("T102", "float64")
def wrong_precision(options: None, seed: int) -> Splits:
    """Load training inputs in float64."""
    return changed(
        seed, lambda s: Splits(Examples(s.train.inputs.astype(float), s.train.targets), s.validation, s.test)
    )


@mutant("T102", "TaskInfo says", info=TaskInfo(kind="image", input_shape=(1, 4, 5), outputs=3))
def wrong_shape(options: None, seed: int) -> Splits:
    """Load images of another size than declared."""
    return sound()(options, seed)


@mutant("T102", "lengths run from", **VARIABLE)
def longer_than_the_longest(options: None, seed: int) -> Splits:
    """Load an example whose length is beyond the last step."""
    made = sound(prefixes)(options, seed)
    made.test.lengths[0] = 7
    return made


@mutant("T102", "variable_length is False", **REGRESSION)
def undeclared_lengths(options: None, seed: int) -> Splits:
    """Load lengths that TaskInfo does not declare."""
    return sound(prefixes)(options, seed)


@mutant("T102", "not IGNORED", info=replace(WORDS, variable_length=True), chance=5 / 9)
def asks_for_padding(options: None, seed: int) -> Splits:
    """Load labels beyond the length of the examples."""
    made = sound(words)(options, seed)
    test = Examples(made.test.inputs, made.test.targets, np.full(300, 23))
    return Splits(made.train, made.validation, test)


@mutant("T104", "not 0", **VARIABLE)
def pads_with_ones(options: None, seed: int) -> Splits:
    """Load examples that are padded with ones."""
    made = sound(prefixes)(options, seed)
    made.train.inputs[made.train.lengths < 6, -1] = 1
    return made


@mutant("T103", "not finite")
def not_a_number(options: None, seed: int) -> Splits:
    """Load an image with a pixel that is not a number."""
    made = sound()(options, seed)
    made.train.inputs[0, 0, 0, 0] = np.nan
    return made


@mutant("T103", "tokens run from", info=WORDS, chance=5 / 9)
def token_out_of_vocabulary(options: None, seed: int) -> Splits:
    """Load a token that is not in the vocabulary."""
    made = sound(words)(options, seed)
    made.validation.inputs[0, 0] = 9
    return made


@mutant("T201", "test inputs are train inputs")
def test_in_training(options: None, seed: int) -> Splits:
    """Load a training split with some inputs of the test split."""
    made = sound()(options, seed)
    made.train.inputs[:10] = made.test.inputs[:10]
    return made


@mutant("T201", "validation inputs are train inputs")
def validates_on_training(options: None, seed: int) -> Splits:
    """Load a validation split that is taken from training."""
    return changed(seed, lambda s: Splits(s.train, Examples(s.train.inputs[:60], s.train.targets[:60]), s.test))


@mutant("T202", "twice with seed 0")
def unseeded(options: None, seed: int) -> Splits:
    """Load new data on every call."""
    draw = np.random.default_rng()
    return Splits(pictures(300, draw), pictures(60, draw), pictures(300, np.random.default_rng(0)))


@mutant("T203", "the same for seeds")
def ignores_the_seed(options: None, seed: int) -> Splits:
    """Load equal splits for all seeds without declaring them fixed."""
    return fixed(options, seed)


@mutant("T203", "different for seeds", fixed_splits=True)
def claims_to_be_fixed(options: None, seed: int) -> Splits:
    """Load other splits for each seed though they are declared fixed."""
    return sound()(options, seed)


@mutant("T204", "not that of seed 1")
def draws_its_test_split(options: None, seed: int) -> Splits:
    """Load another test split for each seed."""
    draw = np.random.default_rng(seed)
    return Splits(pictures(300, draw), pictures(60, draw), pictures(300, draw))


@mutant("T205", "depends on the global random streams")
def global_numpy(options: None, seed: int) -> Splits:
    """Load training examples shuffled with numpy's global stream."""
    made = sound()(options, seed)
    order = np.random.permutation(300)
    return Splits(Examples(made.train.inputs[order], made.train.targets[order]), made.validation, made.test)


@mutant("T205", "loading changes")
def seeds_the_world(options: None, seed: int) -> Splits:
    """Load sound splits and seed numpy's global stream."""
    np.random.seed(seed)
    return sound()(options, seed)


@mutant("T205", "os.environ")
def sets_environment(options: None, seed: int) -> Splits:
    """Load sound splits and set an environment variable."""
    os.environ["ARCHBENCH_TASK_MUTANT"] = os.environ.get("ARCHBENCH_TASK_MUTANT", "") + "x"
    return sound()(options, seed)


ERROR = TorchMetric(name="error", metric="MeanSquaredError", higher_is_better=False)


@mutant("T301", "raised", metric="error", metrics=(ERROR,), chance=1.0, oracle=0.0)
def metric_of_another_kind(options: None, seed: int) -> Splits:
    """Load labels; the declared metric is one for numbers."""
    return sound()(options, seed)


@mutant("T302", "oracle is 0.95", oracle=0.95)
def modest_oracle(options: None, seed: int) -> Splits:
    """Load sound splits; the declared oracle is below the score of the right answers."""
    return sound()(options, seed)


@mutant("T303", "chance is 1", info=WORDS, metric="bits_per_character", chance=1.0, oracle=0.0)
def chance_of_a_fair_coin(options: None, seed: int) -> Splits:
    """Load two classes of unequal frequency; the declared chance is one bit."""
    return sound(skewed)(options, seed)


@mutant("T302", "oracle is 0", info=WORDS, metric="perplexity", chance=2**ENTROPY, oracle=0.0)
def oracle_in_bits(options: None, seed: int) -> Splits:
    """Load sound splits; the declared oracle is a perplexity of 0, which is below the least possible."""
    return sound(skewed)(options, seed)


@mutant("T303", "chance is 0.1", chance=0.1)
def chance_of_ten_classes(options: None, seed: int) -> Splits:
    """Load three classes; the declared chance is that of ten classes."""
    return sound()(options, seed)


@mutant("T304", "margin is not declared", margin=None)
def without_margin(options: None, seed: int) -> Splits:
    """Load sound splits; the task does not say which difference matters."""
    return sound()(options, seed)


@mutant(
    "T305",
    "has no gradient",
    info=STEPS,
    loss=TorchLoss(targets="numbers", function=lambda outputs, targets: (outputs.detach() - targets).square().mean()),
    metric="mean_squared_error",
    chance=1.0,
    oracle=0.0,
)
def loss_that_teaches_nothing(options: None, seed: int) -> Splits:
    """Load sound splits; the loss is cut off from the network."""
    return sound(steps)(options, seed)


@mutant("T101", "label 2 is 0 in every training example", **LABELS)
def a_label_that_never_occurs(options: None, seed: int) -> Splits:
    """Load labels, one of which training never has."""
    splits = sound(signs)(options, seed)
    splits.train.targets[:, 2] = 0
    return splits


@mutant("T102", "missing_targets=True", **{**GAPS, "missing_targets": False})
def gaps_that_are_not_declared(options: None, seed: int) -> Splits:
    """Load numbers that are missing without a word."""
    return sound(gaps)(options, seed)


@mutant("T303", "the best constant answer scores 0.3", **{**GAPS, "chance": 0.25})
def chance_of_the_squares(options: None, seed: int) -> Splits:
    """Load numbers with gaps; the declared chance is not that of the median."""
    return sound(gaps)(options, seed)


def altering(inputs: Tensor, generator: torch.Generator) -> Tensor:
    """Return the same batch, altered."""
    return inputs.mul_(0.5)


BROKEN_AUGMENTATIONS: dict[str, tuple[str, Callable[[Tensor, torch.Generator], Any]]] = {
    "crops": ("(64, 1, 4, 2)", lambda x, generator: x[..., :2]),
    "doubles-precision": ("float64", lambda x, generator: x.double()),
    "returns-an-array": ("type ndarray", lambda x, generator: x.numpy()),
    "divides-by-zero": ("not finite", lambda x, generator: x / 0),
    "alters-the-batch": ("alters the batch", altering),
    "draws-from-the-world": ("two different batches", lambda x, generator: x + torch.rand(1)),
}
MUTANTS += [
    Mutant(name, "T106", declare(name, sound(), augment=augment), says)
    for name, (says, augment) in BROKEN_AUGMENTATIONS.items()
]
