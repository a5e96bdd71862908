"""The entropy of the bracket language: the best predictor scores the declared oracle."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from archbench import Examples, Splits
from archbench._protocols import HOUSE_RECIPE
from archbench._training._module import TrialModule
from archbench._training._split_checks import resident_splits
from archbench._training._splits import EvaluationBatches
from archbench_tasks import brackets

(TASK,) = brackets.archbench_tasks()
OPTIONS = brackets.BracketsOptions()


class KnowsTheStack(nn.Module):
    """A predictor that reads a text with a list for a stack, and gives the true distribution of the next symbol."""

    def forward(self, texts: Tensor) -> Tensor:
        """Return logits (B, T, 8)."""
        return torch.tensor([[*self.read(text)] for text in texts.tolist()]).log()

    def read(self, text: list[int]):
        """Yield the distribution of the next symbol after each symbol."""
        stack: list[int] = []
        for token in text:
            if token < 4:
                stack.append(token)
            elif token < 8:
                stack.pop()
            opens = 1.0 if not stack else 0.0 if len(stack) == 8 else 0.5
            shares = [opens / 4] * 4 + [0.0] * 4
            if stack:
                shares[4 + stack[-1]] = 1 - opens
            yield shares


class KnowsAllButTheKind(KnowsTheStack):
    """A predictor that knows how many brackets are open but not their kinds: it guesses among four closings."""

    def read(self, text: list[int]):
        """Yield the distribution of the next symbol after each symbol."""
        for shares in super().read(text):
            yield [*shares[:4], *[sum(shares[4:]) / 4] * 4]


def bits_of(network: nn.Module) -> float:
    """Return the test score, as a trial measures it, on the first 500 texts."""
    splits = brackets.load(OPTIONS, 0)
    few = Examples(splits.test.inputs[:500], splits.test.targets[:500])
    few_splits = resident_splits(Splits(few, few, few), TASK, brackets.info(OPTIONS))
    module = TrialModule(
        network, TASK, brackets.info(OPTIONS), recipe=HOUSE_RECIPE, steps=1, splits=few_splits, clock_start=0.0
    )
    module.score(EvaluationBatches(few_splits["test"], "test", brackets.info(OPTIONS)))
    return module.scores["selected"]


def test_knowing_the_stack_scores_the_oracle() -> None:
    """The best predictor pays the declared entropy rate, within the sampling error of 46,500 symbols."""
    # 1 bit for the coin, 2 for an opening kind: a symbol costs 0 to 3 bits, with a standard deviation below 1.5.
    assert bits_of(KnowsTheStack()) == pytest.approx(TASK.oracle, abs=4 * 1.5 / math.sqrt(46_500))
    assert TASK.oracle == 1.875


def test_forgetting_the_kinds_costs_a_bit_more() -> None:
    """Without the kinds each closing bracket, half of the symbols, costs two bits more."""
    assert bits_of(KnowsAllButTheKind()) == pytest.approx(TASK.oracle + 1, abs=4 * 1.5 / math.sqrt(46_500))


def test_all_symbols_are_equally_frequent() -> None:
    """Chance is three bits at every length, since a text starts at equilibrium."""
    for length in (1, 93, 300):
        targets = brackets.load(brackets.BracketsOptions(length=length), 1).train.targets
        frequencies = np.bincount(targets[targets >= 0], minlength=8) / (targets >= 0).sum()
        assert abs(frequencies - 1 / 8).max() < 5 * math.sqrt(1 / 8 * 7 / 8 / 20_000)


def test_a_closing_bracket_is_often_far_from_its_partner() -> None:
    """One closing in twelve is more than twenty symbols from its partner, so no short window predicts it."""
    distances = []
    for text in brackets.load(OPTIONS, 0).test.inputs[:300].tolist():
        stack: list[int] = []
        for place, token in enumerate(text):
            if token < 4:
                stack.append(place)
            elif token < 8:
                distances.append(place - stack.pop())

    assert np.mean(np.array(distances) > 20) == pytest.approx(1 / 12, abs=0.01)
    assert np.mean(np.array(distances) == 1) == pytest.approx(9 / 16, abs=0.02)
