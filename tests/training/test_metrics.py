"""Bits per character and perplexity against their formulas in numpy."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from archbench import IGNORED, DeclarationError, Examples, Outputs, Splits, Task, TaskInfo
from archbench._declarations import Metric
from archbench._protocols import HOUSE_RECIPE
from archbench._training._metrics import make_metric
from archbench._training._module import TrialModule
from archbench._training._split_checks import resident_splits

INFO = TaskInfo(kind="tokens", input_shape=(7,), outputs=5, per_step=True, vocabulary=5)


def declare(metric: Metric) -> Task:
    """Return a language task of five letters, whose data are never loaded."""
    oracle = 0.0 if metric == "bits_per_character" else 1.0
    return Task(name="letters", info=INFO, load="a:b", loss="cross_entropy", metric=metric, chance=5.0, oracle=oracle)


def by_the_formula(logits: np.ndarray, targets: np.ndarray) -> float:
    """Return the mean of the negative logarithms, to the base 2, of the softmax at the targets."""
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    shares = exponents / exponents.sum(axis=-1, keepdims=True)
    rows, steps = np.nonzero(targets != IGNORED)
    return float(-np.log2(shares[rows, steps, targets[rows, steps]]).mean())


@pytest.fixture
def batches() -> list[tuple[np.ndarray, np.ndarray]]:
    """Return two batches of different size, (logits, targets) each; a third of the targets is `IGNORED`."""
    draw = np.random.default_rng(0)
    made = []
    for count in (4, 9):
        targets = draw.integers(0, 5, (count, 7))
        targets[draw.random((count, 7)) < 1 / 3] = IGNORED
        made.append((draw.normal(0, 3, (count, 7, 5)), targets))
    return made


@pytest.mark.parametrize("metric", ["bits_per_character", "perplexity"])
def test_metrics_follow_the_formula(metric: Metric, batches: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """Batches add up target by target, `IGNORED` targets do not count, and perplexity is 2 to the power of the bits."""
    found = make_metric(declare(metric), INFO)
    for logits, targets in batches:
        found.update(torch.from_numpy(logits).flatten(0, 1), torch.from_numpy(targets).flatten())
    bits = by_the_formula(np.concatenate([b[0] for b in batches]), np.concatenate([b[1] for b in batches]))

    assert float(found.compute()) == pytest.approx(bits if metric == "bits_per_character" else 2**bits, rel=1e-6)


def test_certain_answers_have_a_finite_cost() -> None:
    """A certain wrong answer costs many bits, but finitely many, and a certain right answer costs none."""
    found = make_metric(declare("bits_per_character"), INFO)
    found.update(torch.tensor([[500.0, 0, 0, 0, 0]]), torch.tensor([1]))
    wrong = float(found.compute())
    found.reset()
    found.update(torch.tensor([[500.0, 0, 0, 0, 0]]), torch.tensor([0]))

    assert wrong == pytest.approx(500 / np.log(2), rel=1e-6)
    assert float(found.compute()) == 0


def test_trial_scores_the_main_answer(batches: list[tuple[np.ndarray, np.ndarray]]) -> None:
    """The module of a trial scores the main logits, of any rank, and leaves auxiliary logits out."""
    logits, targets = batches[0]
    examples = Examples(np.maximum(targets, 0), targets)
    task = declare("bits_per_character")
    splits = resident_splits(Splits(examples, examples, examples), task, INFO)
    network = torch.nn.Linear(1, 1)
    module = TrialModule(network, task, INFO, recipe=HOUSE_RECIPE, steps=1, splits=splits, clock_start=0.0)
    main = torch.from_numpy(logits)
    module._update(module.metric, Outputs(main, {"early": (main + 1, 0.3)}), splits["test"].targets)

    assert float(module.metric.compute()) == pytest.approx(by_the_formula(logits, targets), rel=1e-6)


def test_cross_entropy_needs_classes() -> None:
    """A metric of distributions is refused for a task whose targets are numbers."""
    with pytest.raises(DeclarationError, match="metric perplexity is a cross entropy, loss is 'mean_squared_error'"):
        Task(name="x", info=INFO, load="a:b", loss="mean_squared_error", metric="perplexity", chance=5.0, oracle=1.0)
