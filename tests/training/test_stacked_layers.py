"""Recurrent layers of several seeds at once compute what torch's layers compute for each."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.func import functional_call, vmap

from archbench._training._stack import Stack, losses_of
from archbench._training._stacked_layers import with_stacked_layers

SEEDS, BATCH, STEPS = 3, 4, 6
LAYERS = {
    "tanh": lambda **options: nn.RNN(2, 5, **options),
    "relu": lambda **options: nn.RNN(2, 5, nonlinearity="relu", **options),
    "lstm": lambda **options: nn.LSTM(2, 5, **options),
    "gru": lambda **options: nn.GRU(2, 5, **options),
}


class Net(nn.Module):
    """Recurrent layers of which all states and the last ones are read."""

    def __init__(self, core: nn.RNNBase) -> None:
        super().__init__()
        self.core = core

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the states of the last layer and, behind them, the last state of each layer."""
        states, last = self.core(x)
        last = last[0] if isinstance(last, tuple) else last
        return torch.cat([states.flatten(), last.flatten()])


@pytest.mark.parametrize("options", [{"batch_first": True}, {"num_layers": 2}], ids=["batch-first", "two-layers"])
@pytest.mark.parametrize("name", LAYERS)
def test_states_and_gradients_are_torchs(name: str, options: dict[str, bool]) -> None:
    """States, and the gradients of a random sum of them in inputs and weights, agree to ten digits in float64."""
    torch.manual_seed(0)
    networks = [Net(LAYERS[name](**options)).double() for _ in range(SEEDS)]
    x = torch.randn(SEEDS, BATCH, STEPS, 2, dtype=torch.float64, requires_grad=True)
    parameters = {
        key: torch.stack([dict(network.named_parameters())[key].detach() for network in networks]).requires_grad_()
        for key, _ in networks[0].named_parameters()
    }
    code = with_stacked_layers(copy.deepcopy(networks[0]))
    answers = vmap(lambda weights, inputs: functional_call(code, weights, (inputs,)))(parameters, x)
    weights = torch.randn_like(answers)
    (answers * weights).sum().backward()

    for number, network in enumerate(networks):
        alone = x[number].detach().requires_grad_()
        answer = network(alone)
        (answer * weights[number]).sum().backward()
        torch.testing.assert_close(answers[number], answer, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(x.grad[number], alone.grad, rtol=1e-10, atol=1e-12)
        for key, parameter in network.named_parameters():
            torch.testing.assert_close(parameters[key].grad[number], parameter.grad, rtol=1e-10, atol=1e-12)


def test_layers_that_differ_stay_torchs() -> None:
    """Layers of two directions, with dropout or projections are left alone, and torch refuses to batch them."""
    for options in ({"bidirectional": True}, {"num_layers": 2, "dropout": 0.5}, {"proj_size": 2}, {"bias": False}):
        network = nn.Sequential(nn.LSTM(2, 5, **options))
        assert isinstance(with_stacked_layers(network)[0], nn.LSTM)


def test_each_seed_is_clipped_by_its_own_norm() -> None:
    """Gradients of each seed are scaled as `nn.utils.clip_grad_norm_` scales those of one network."""
    torch.manual_seed(0)
    networks = [nn.Linear(3, 2) for _ in range(SEEDS)]
    stack = Stack(networks, "cross_entropy")
    scales = torch.tensor([0.001, 1.0, 100.0])
    for parameter in stack.network.parameters():
        draws = torch.randn_like(parameter)
        parameter.grad = draws * scales.view(-1, *[1] * (draws.dim() - 1))
    for number, network in enumerate(networks):
        for parameter, stacked in zip(network.parameters(), stack.network.parameters(), strict=True):
            parameter.grad = stacked.grad[number].clone()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
    stack.clip(1.0)

    for number, network in enumerate(networks):
        for parameter, stacked in zip(network.parameters(), stack.network.parameters(), strict=True):
            torch.testing.assert_close(stacked.grad[number], parameter.grad)


@pytest.mark.parametrize("loss", ["cross_entropy", "mean_squared_error"])
def test_losses_are_those_of_each_seed(loss: str) -> None:
    """The loss of each seed is torch's mean over its own targets; ignored ones do not count."""
    torch.manual_seed(0)
    answers = torch.randn(SEEDS, BATCH, STEPS, 5)
    if loss == "cross_entropy":
        targets = torch.randint(5, (SEEDS, BATCH, STEPS))
        targets[0, 0], targets[1, :, 0] = -100, -100
        pairs = zip(answers.flatten(1, 2), targets.flatten(1), strict=True)
        alone = [nn.functional.cross_entropy(answer, target) for answer, target in pairs]
    else:
        targets = torch.randn_like(answers)
        alone = [nn.functional.mse_loss(a, t) for a, t in zip(answers, targets, strict=True)]

    torch.testing.assert_close(losses_of(answers, targets, loss), torch.stack(alone))
