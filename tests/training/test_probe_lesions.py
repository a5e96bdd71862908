"""Lesions and swaps score the network that a surgeon would have made by hand."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from torch import nn

from archbench import Probes
from archbench._training import run_trial
from archbench._training._probes._lesions import scores_of_lesions, scores_of_swaps
from archbench._training._probes._specimen import CannotMeasureError
from archbench._training._trial_run import TrialRun
from support.residual import Residual, Scaled, make_specimen

X = torch.randn(6, 4, generator=torch.Generator().manual_seed(1))


def linear_blocks(count: int, width: int = 4) -> list[Scaled]:
    """Residual blocks with linear branches."""
    torch.manual_seed(0)
    return [Scaled(nn.Linear(width, width)) for _ in range(count)]


def total(network: nn.Module) -> float:
    """A score: the sum of all outputs."""
    return float(network.eval()(X).detach().sum())


def test_each_lesion_has_the_score_of_the_net_without_these_blocks() -> None:
    """Single blocks and sets of 2, 3 and 5 are taken out, as in a net that is built without them."""
    blocks = linear_blocks(7)
    values = scores_of_lesions(make_specimen(Residual(*blocks), X, score=total))
    by_name = dict(zip("abcdefg", blocks, strict=True))

    assert values.names[:8] == ["whole", *"abcdefg"]
    sets = [name.split("+") for name in values.names[8:]]
    assert [len(names) for names in sets] == [2, 2, 2, 3, 3, 3, 5, 5, 5]
    assert len(set(values.names)) == len(values.names)
    for name, value in zip(values.names, values.values, strict=True):
        gone = () if name == "whole" else name.split("+")
        rest = Residual(*(block for key, block in by_name.items() if key not in gone))
        assert value == pytest.approx(total(rest), rel=1e-5)


def test_few_blocks_have_all_sets_once() -> None:
    """Where fewer sets exist than are drawn, each is there once."""
    names = scores_of_lesions(make_specimen(Residual(*linear_blocks(3)), X, score=total)).names

    assert names == ["whole", "a", "b", "c", "a+b", "a+c", "b+c", "a+b+c"]


def test_draws_follow_the_seed() -> None:
    """One seed draws one choice of sets, another seed another."""
    network = Residual(*linear_blocks(9))
    first, again, other = (
        scores_of_lesions(make_specimen(network, X, score=total, seed=seed)).names for seed in (0, 0, 1)
    )

    assert first == again != other


def test_a_block_that_cannot_be_skipped_has_no_score() -> None:
    """Where the number of axes changes, the reading is None and the others are there."""
    torch.manual_seed(0)
    network = Residual(Scaled(nn.Linear(4, 4)), nn.Sequential(nn.Unflatten(1, (2, 2))), bottom=nn.Linear(4, 4))
    values = scores_of_lesions(make_specimen(network, X, score=total))

    assert values.names == ["whole", "a", "b", "a+b"]
    assert [value is None for value in values.values] == [False, False, True, True]


def test_swaps_score_the_net_in_the_other_order() -> None:
    """Neighbours, and some distant pairs, change places; all else stays."""
    blocks = linear_blocks(5)
    network = Residual(*blocks)
    values = scores_of_swaps(make_specimen(network, X, score=total))

    assert values.names[:5] == ["whole", "a+b", "b+c", "c+d", "d+e"]
    assert len(values.names) == 5 + 3
    assert all(abs("abcde".index(name[0]) - "abcde".index(name[2])) > 1 for name in values.names[5:])
    for name, value in zip(values.names[1:], values.values[1:], strict=True):
        order = list("abcde")
        first, second = order.index(name[0]), order.index(name[2])
        order[first], order[second] = order[second], order[first]
        assert value == pytest.approx(total(Residual(*(blocks["abcde".index(key)] for key in order))), rel=1e-5)
    assert values.values[0] == pytest.approx(total(network))


def test_only_blocks_of_equal_shapes_are_swapped() -> None:
    """Blocks whose inputs or outputs differ in shape stay where they are."""
    a, b = nn.Linear(4, 4), nn.Linear(4, 4)
    values = scores_of_swaps(make_specimen(Residual(a, nn.Linear(4, 6), nn.Linear(6, 4), b), X, score=total))

    assert values.names == ["whole", "a+d"]
    with pytest.raises(CannotMeasureError, match="equal shapes"):
        scores_of_swaps(make_specimen(Residual(nn.Linear(4, 6)), X, score=total))


def test_the_score_is_that_of_the_trial(probed_job: Any) -> None:
    """`whole` is the test score of the last weights, and a lesion of a trained net that of its blocks taken out."""
    run = TrialRun(probed_job("resnet[depth=14]", "digits", Probes(measure=("lesion",))))
    run.prepare()
    run.train()
    (reading,) = run.prober.readings
    scores = dict(zip(reading.names, reading.values, strict=True))
    network: Any = run.module.network
    network.units[1] = nn.ReLU()  # the unit is relu(x + F(x)) with an identity as shortcut
    test = run.splits["test"]
    with torch.no_grad():
        right = network.eval()(test.inputs).argmax(1) == test.targets

    assert scores["whole"] == run.module.scores["last"]
    assert scores["2"] == pytest.approx(float(right.float().mean()))
    assert [name for name in reading.names if "+" not in name] == ["whole", *map(str, range(1, 7))]


def test_a_record_keeps_lesions_of_each_seed_apart(probed_job: Any) -> None:
    """Two seeds lesion different sets of blocks."""
    names = [
        run_trial(probed_job("highway", "digits", Probes(measure=("lesion",)), seed=seed)).readings[0].names
        for seed in (0, 1)
    ]

    assert names[0][:10] == names[1][:10]
    assert names[0] != names[1]
    assert all(len(set(itertools.chain(*(name.split("+") for name in found)))) == 10 for found in names)
