"""Losses by name and by declaration: their values, what they ask for, and the check before training."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from archbench import IGNORED, DeclarationError, Task, TaskInfo, TorchLoss
from archbench._training._losses import MeanLoss, TaskLoss, check_loss

NAN = math.nan


def make_loss(loss: str | TorchLoss, *, outputs: int = 2, missing: bool = False, per_step: bool = False) -> TaskLoss:
    """Return the loss of a task whose data are never loaded."""
    info = TaskInfo(kind="sequence", input_shape=(3, 1), outputs=outputs, per_step=per_step)
    kind = loss.targets if isinstance(loss, TorchLoss) else None
    numbers = kind == "numbers" if kind else loss not in ("cross_entropy", "binary_cross_entropy")
    metric, chance, oracle = ("mean_squared_error", 1.0, 0.0) if numbers else ("accuracy", 0.5, 1.0)
    task = Task(
        name="made-up",
        info=info,
        load="a:b",
        loss=loss,
        metric=metric,
        chance=chance,
        oracle=oracle,
        missing_targets=missing,
    )
    return TaskLoss(task, info)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("mean_squared_error", (1 + 4 + 0.25 + 0) / 4),
        ("mean_absolute_error", (1 + 2 + 0.5 + 0) / 4),
        ("huber", (0.5 + 1.5 + 0.125 + 0) / 4),
    ],
)
def test_losses_of_numbers(name: str, expected: float) -> None:
    """Errors of 1, 2, 1/2 and 0 cost what the formulas say; those of unknown numbers cost nothing."""
    outputs, targets = torch.tensor([[1.0, 2.0], [0.5, 3.0]]), torch.tensor([[0.0, 0.0], [0.0, 3.0]])
    more, unknown = torch.tensor([[9.0, 9.0]]), torch.tensor([[NAN, NAN]])

    assert float(make_loss(name)(outputs, targets)) == pytest.approx(expected)
    masked = make_loss(name, missing=True)
    assert float(masked(torch.cat([outputs, more]), torch.cat([targets, unknown]))) == pytest.approx(expected)


def test_unknown_numbers_have_no_gradient() -> None:
    """The gradient of an output is 0 where nothing is asked, and never NaN."""
    outputs = torch.tensor([[1.0, 2.0]], requires_grad=True)
    make_loss("mean_squared_error", missing=True)(outputs, torch.tensor([[0.0, NAN]])).backward()

    assert outputs.grad is not None
    assert outputs.grad.tolist() == [[2.0, 0.0]]


def test_loss_of_labels() -> None:
    """The binary cross entropy is the mean of -log p over all labels; those that are `IGNORED` cost nothing."""
    logits, labels = torch.tensor([[0.0, math.log(3)]]), torch.tensor([[1, 0]])
    expected = (math.log(2) + math.log(4)) / 2  # p = 1/2 and 3/4

    assert float(make_loss("binary_cross_entropy")(logits, labels)) == pytest.approx(expected)
    ignored = make_loss("binary_cross_entropy", missing=True)(logits, torch.tensor([[1, IGNORED]]))
    assert float(ignored) == pytest.approx(math.log(2))


def test_a_function_of_torch() -> None:
    """A function of `torch.nn.functional` is called with its arguments on the classes that are asked for."""
    loss = make_loss(TorchLoss(targets="classes", function="multi_margin_loss", arguments={"margin": 0.5}))
    logits, labels = torch.tensor([[1.0, 0.8], [0.0, 5.0], [0.0, 0.0]]), torch.tensor([0, 1, IGNORED])

    assert float(loss(logits, labels)) == pytest.approx((0.3 / 2 + 0) / 2)


def test_a_function_of_ones_own() -> None:
    """A function gets numbers as they are, and only those that are known if some may be missing."""
    seen: list[Any] = []

    def quantile(outputs: Tensor, targets: Tensor, share: float) -> Tensor:
        seen.append(tuple(outputs.shape))
        gap = targets - outputs
        return torch.maximum(share * gap, (share - 1) * gap).mean()

    declared = TorchLoss(targets="numbers", function=quantile, arguments={"share": 0.9})
    outputs, targets = torch.zeros(2, 1), torch.tensor([[1.0], [-1.0]])

    assert float(make_loss(declared, outputs=1)(outputs, targets)) == pytest.approx((0.9 + 0.1) / 2)
    assert float(make_loss(declared, outputs=1, missing=True)(outputs, torch.tensor([[1.0], [NAN]]))) == pytest.approx(
        0.9
    )
    assert seen == [(2, 1), (1,)]


def weighted(info: TaskInfo, weight: float) -> nn.Module:
    """Return a cross entropy that weighs the last class."""
    return nn.CrossEntropyLoss(weight=torch.tensor([1.0] * (info.outputs - 1) + [weight]))


def test_a_factory() -> None:
    """A factory gets the `TaskInfo` and makes a loss, whose buffers move with the module of the trial."""
    loss = make_loss(TorchLoss(targets="classes", factory=weighted, arguments={"weight": 3.0}))
    value = loss(torch.tensor([[0.0, 0.0], [0.0, math.log(3)]]), torch.tensor([0, 1]))

    assert float(value) == pytest.approx((math.log(2) + 3 * math.log(4 / 3)) / 4)
    assert next(loss.to("meta").buffers()).device.type == "meta"


def test_mean_over_batches() -> None:
    """The plain loss weighs each target alike, however batches are cut; a batch without targets adds nothing."""
    metric = MeanLoss(make_loss("mean_absolute_error", outputs=1, missing=True))
    for found, asked in (([1.0, 2.0, 3.0], [0.0, 0.0, 0.0]), ([8.0, 1.0], [0.0, NAN]), ([5.0], [NAN])):
        metric.update(torch.tensor(found)[:, None], torch.tensor(asked)[:, None])

    assert float(metric.compute()) == pytest.approx((1 + 2 + 3 + 8) / 4)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (lambda outputs, targets: (outputs - targets) ** 2, "the loss returns .4, 1.; it must return one number"),
        (lambda outputs, targets: 3.0, "the loss returns float; it must return one number"),
        (lambda outputs, targets: (outputs - targets).abs().log().sum() * math.inf, "which is not finite"),
        (lambda outputs, targets: ((outputs - targets) ** 2).mean().detach(), "the loss has no gradient"),
        (lambda outputs, targets: (outputs * 0).sum(), "the gradient of the loss is zero"),
        (lambda outputs, targets: (outputs - outputs.detach()).abs().sqrt().sum(), "of the loss is not finite"),
    ],
)
def test_losses_that_teach_nothing(function: Any, says: str) -> None:
    """A loss that is no number, not finite, or without a gradient is refused before anything trains."""
    loss = make_loss(TorchLoss(targets="numbers", function=function), outputs=1)
    with pytest.raises(DeclarationError, match=says):
        check_loss(loss, torch.arange(4.0)[:, None], "task 'made-up'")


def test_a_loss_that_teaches() -> None:
    """The losses of the suite pass the check of losses."""
    check_loss(make_loss("huber", outputs=1), torch.arange(4.0)[:, None], "task 'made-up'")
    check_loss(make_loss("cross_entropy"), torch.tensor([0, 1, 1]), "task 'made-up'")
    check_loss(make_loss("binary_cross_entropy"), torch.tensor([[0, 1], [1, 1]]), "task 'made-up'")


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"targets": "colours", "function": "l1_loss"}, "TorchLoss.targets is 'colours'; allowed: classes"),
        ({"targets": "numbers"}, "needs a function or a factory"),
        ({"targets": "numbers", "function": "l1_loss", "factory": weighted}, "and not both"),
        ({"targets": "numbers", "factory": "l1_loss"}, "give a function, 'package.module:function'"),
    ],
)
def test_declarations_of_losses_that_do_not_fit(fields: dict[str, Any], says: str) -> None:
    """A wrong field of a declared loss is named with what is allowed."""
    with pytest.raises(DeclarationError, match=says):
        TorchLoss(**fields)


def test_losses_that_nobody_has() -> None:
    """A loss that is not in the table, and a function that torch does not have, are named."""
    with pytest.raises(DeclarationError, match=r"loss is 'l1'; allowed: cross_entropy, .*or a TorchLoss"):
        make_loss("l1")
    with pytest.raises(DeclarationError, match=r"torch\.nn\.functional has no 'nonsense_loss'"):
        make_loss(TorchLoss(targets="numbers", function="nonsense_loss"))


@pytest.mark.parametrize("loss", ["mean_squared_error", "binary_cross_entropy"])
def test_other_shapes_are_refused(loss: str) -> None:
    """What a network returns must have the shape of the targets; nothing is broadcast in silence."""
    targets = torch.zeros(4, 1) if loss == "mean_squared_error" else torch.zeros(4, 1, dtype=torch.int64)
    with pytest.raises(ValueError, match=r"the network returned \(4,\), the targets are \(4, 1\)"):
        make_loss(loss, outputs=1)(torch.zeros(4), targets)
