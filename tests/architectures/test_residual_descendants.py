"""The changes that stochastic depth, ReZero, Fixup and wide residual nets make to the residual unit."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from archbench import TaskInfo
from archbench_plugins.shared.images import Unit
from archbench_plugins.stochastic_depth.network import DroppableUnit, PoolAndPad

DIGITS = TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10)


class CountingBranch(nn.Module):
    """A branch that returns 1 and counts its calls."""

    def __init__(self) -> None:
        super().__init__()
        self.calls = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return ones."""
        self.calls += 1
        return torch.ones_like(x)


def test_survival_falls_linearly_from_first_to_last(build):
    """The chance to survive is p_l = 1 - (l/L)(1 - p_L): 17/18 to 1/2 over nine units."""
    units = build("stochastic-depth", DIGITS, depth=20).units

    assert [unit.p for unit in units] == pytest.approx([1 - unit / 18 for unit in range(1, 10)])
    assert sum(unit.p for unit in units) == pytest.approx((3 * 9 - 1) / 4)


def test_dropped_unit_is_not_computed():
    """The branch of a unit runs only in the mini-batches that the unit survives; in the others x passes unchanged."""
    branch = CountingBranch()
    unit = DroppableUnit(branch, nn.Identity(), p=0.3)
    x = torch.rand(5, 2, 3, 3)
    results = [unit(x) for _ in range(1000)]

    assert all(torch.equal(y, x) or torch.equal(y, x + 1) for y in results)
    assert branch.calls == sum(torch.equal(y, x + 1) for y in results)
    assert 250 < branch.calls < 350


def test_dropped_unit_gets_no_gradient(build):
    """A dropped unit has no gradient, and a unit that survives has one."""
    network = build("stochastic-depth", DIGITS, depth=20)
    ran = {}
    for unit in network.units:
        unit.branch.register_forward_hook(lambda branch, _, __: ran.__setitem__(branch, True))
    network(torch.randn(8, 1, 8, 8)).square().sum().backward()
    survived = [unit.branch in ran for unit in network.units]

    assert [unit.branch[0].weight.grad is not None for unit in network.units] == survived
    assert 0 < sum(survived) < 9


def test_unit_in_evaluation_is_the_expectation_of_training():
    """In evaluation a unit is relu(p f + h), which is the mean over draws where the sum is positive."""
    unit = DroppableUnit(CountingBranch(), nn.Identity(), p=0.7)
    x = torch.rand(5, 2, 3, 3)
    mean = torch.stack([unit(x) for _ in range(4000)]).mean(0)

    torch.testing.assert_close(mean, unit.eval()(x), atol=0.03, rtol=0)
    torch.testing.assert_close(unit(x), x + 0.7)
    torch.testing.assert_close(unit(-2 * torch.ones(1)), torch.zeros(1))


def test_active_units_follow_the_expectation(build):
    """Over many mini-batches 6.5 of 9 units are active on average."""
    network = build("stochastic-depth", DIGITS, depth=20)
    active = 0
    for unit in network.units:
        unit.branch = CountingBranch()
        unit.shortcut = nn.Identity()
    for _ in range(500):
        network.units(torch.rand(1, 1, 1, 1))
    active = sum(unit.branch.calls for unit in network.units)

    assert active / 500 == pytest.approx(6.5, abs=0.25)


def test_draws_follow_the_seed(build):
    """The seed decides which units are dropped."""
    network = build("stochastic-depth", DIGITS, depth=56)
    x = torch.randn(4, 1, 8, 8)

    def logits(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return network(x)

    assert torch.equal(logits(1), logits(1))
    assert not torch.equal(logits(1), logits(2))


@pytest.mark.parametrize("size", [6, 7, 1])
def test_transition_pools_and_pads(size):
    """The shortcut of stochastic depth averages 2x2 squares and adds zero channels; it fits a stride-2 convolution."""
    x = torch.rand(2, 3, size, size)
    y = PoolAndPad(3, 5)(x)

    assert y.shape == (2, 5, (size + 1) // 2, (size + 1) // 2)
    torch.testing.assert_close(y[:, :3, 0, 0], x[:, :, :2, :2].mean((2, 3)))
    assert not y[:, 3:].any()


@pytest.mark.parametrize(("name", "options"), [("rezero", {}), ("rezero", {"normalise": False}), ("fixup", {})])
def test_units_start_as_the_identity(build, name, options):
    """At the start every unit returns what came in, subsampled where the shape changes."""
    network = build(name, DIGITS, depth=20, **options)
    x = network.stem(torch.randn(4, 1, 8, 8))

    assert torch.equal(x[:, :, ::4, ::4], network.units(x)[:, :16])


def test_rezero_is_the_residual_unit_at_alpha_1(build):
    """With alpha = 1 a rezero net computes the logits of a resnet with its weights."""
    rezero, resnet = build("rezero", DIGITS, depth=14), build("resnet", DIGITS, depth=14)
    state = {key: value for key, value in rezero.state_dict().items() if not key.endswith("alpha")}
    resnet.load_state_dict(state)
    for unit in rezero.units:
        assert isinstance(unit, Unit)
        nn.init.ones_(unit.join.alpha)
    x = torch.randn(4, 1, 8, 8)

    torch.testing.assert_close(rezero(x), resnet(x))


def test_fixup_starts_as_in_its_three_rules(build):
    """Classifier and last convolutions start at 0, first convolutions at He's / sqrt(L), scalars at 0 and 1."""
    network = build("fixup", DIGITS, depth=56)
    first = torch.cat([unit.conv1.weight.detach().flatten() for unit in network.units[:9]])

    assert not any(unit.conv2.weight.any() for unit in network.units)
    assert not network.head.weight.any()
    assert float(first.std()) == pytest.approx((2 / (9 * 16)) ** 0.5 * 27**-0.5, rel=0.02)
    assert all(unit.a == 1 and unit.b1.b == unit.b2.b == unit.b3.b == unit.b4.b == 0 for unit in network.units)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())


def test_wide_unit_drops_between_its_convolutions(build):
    """A wide unit has dropout before its second convolution, and nowhere else."""
    network = build("wide-resnet", DIGITS, depth=10, k=1, dropout=0.3)
    kinds = [type(layer).__name__ for layer in network.units[0].branch]

    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU", "Dropout", "Conv2d"]
    assert [module.p for module in network.modules() if isinstance(module, nn.Dropout)] == [0.3] * 3
