"""Layers of several seeds at once compute what torch's layers compute for each."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from archbench._training import _stacked_cells
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


def fused_lstm(z: Tensor, more: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what torch's kernel of `nn.LSTMCell` returns, in the words of its equations."""
    i, f, candidate, o = (z + more).chunk(4, 1)
    i, f, candidate, o = i.sigmoid(), f.sigmoid(), candidate.tanh(), o.sigmoid()
    new = f * c + i * candidate
    return o * new.tanh(), new, torch.cat([i, f, candidate, o], 1)


def fused_lstm_gradient(
    dh: Tensor, dc: Tensor, before: Tensor, after: Tensor, activations: Tensor, has_bias: bool
) -> tuple[Tensor, Tensor, None]:
    """Return the gradient that autograd finds for these equations."""
    z = activations.clone()
    squashed = [0, 1, 3]
    parts = list(z.chunk(4, 1))
    parts = [part.logit() if number in squashed else part.atanh() for number, part in enumerate(parts)]
    net, memory = torch.cat(parts, 1).requires_grad_(), before.detach().clone().requires_grad_()
    with torch.enable_grad():
        h, c, _ = fused_lstm(net, torch.zeros_like(net), memory)
    torch.testing.assert_close(c, after)
    d_net, d_memory = torch.autograd.grad([h, c], [net, memory], [dh, dc])
    return d_net, d_memory, None


OPTIONS = pytest.mark.parametrize(
    "options", [{"batch_first": True}, {"num_layers": 2}], ids=["batch-first", "two-layers"]
)


@OPTIONS
@pytest.mark.parametrize("name", LAYERS)
def test_states_and_gradients_are_torchs(name: str, options: dict[str, bool]) -> None:
    """States, and the gradients of a random sum of them in inputs and weights, agree to ten digits in float64."""
    compare_with_torch(name, options)


@OPTIONS
@pytest.mark.parametrize("name", LAYERS)
def test_the_form_for_gpus(name: str, options: dict[str, bool], monkeypatch: pytest.MonkeyPatch) -> None:
    """With one product for all steps, and one kernel for each step of an LSTM, results agree as well."""
    monkeypatch.setattr(_stacked_cells, "ALL_STEPS_AT_ONCE", ("cpu",))
    monkeypatch.setattr(_stacked_cells, "LSTMS", {"cpu": _stacked_cells.FusedLSTM})
    monkeypatch.setattr(_stacked_cells, "_fused_lstm", fused_lstm)
    monkeypatch.setattr(_stacked_cells, "_fused_lstm_gradient", fused_lstm_gradient)
    compare_with_torch(name, options)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@OPTIONS
@pytest.mark.parametrize("name", LAYERS)
def test_states_and_gradients_on_a_gpu(name: str, options: dict[str, bool]) -> None:
    """On a GPU, too, where torch's layers have kernels of cuDNN."""
    compare_with_torch(name, options, "cuda")


def compare_with_torch(name: str, options: dict[str, bool], kind: str = "cpu") -> None:
    """Assert that stacked layers compute on a kind of device what torch's layers compute."""
    torch.manual_seed(0)
    networks = [Net(LAYERS[name](**options)).double().to(kind) for _ in range(SEEDS)]
    x = torch.randn(SEEDS, BATCH, STEPS, 2, dtype=torch.float64, device=kind, requires_grad=True)
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


@pytest.mark.parametrize(
    ("norm", "shape"),
    [(nn.BatchNorm1d, (4, 3)), (nn.BatchNorm1d, (4, 3, 5)), (nn.BatchNorm2d, (4, 3, 5, 2))],
    ids=["features", "steps", "images"],
)
def test_norms_and_their_running_statistics_are_torchs(norm: type[nn.Module], shape: tuple[int, ...]) -> None:
    """Answers, gradients and running statistics of two batches agree to ten digits in float64, in any layout."""
    torch.manual_seed(0)
    networks = [nn.Sequential(norm(3, momentum=0.3, eps=0.1)).double() for _ in range(SEEDS)]
    for network in networks:
        for parameter in network.parameters():
            nn.init.normal_(parameter)
    stack = Stack(networks, "mean_squared_error")
    assert type(stack.network[0]) is not norm
    for _ in range(2):
        x = torch.randn(*shape[1:], SEEDS, shape[0], dtype=torch.float64).movedim((-2, -1), (0, 1)).requires_grad_()
        weights = torch.randn_like(x)
        answers = stack._call({**dict(stack.network.named_parameters()), **dict(stack.network.named_buffers())}, x)
        gradients = torch.autograd.grad((answers * weights).sum(), [x, *stack.network.parameters()])
        for number, network in enumerate(networks):
            alone = x[number].detach().clone().requires_grad_()
            answer = network(alone)
            expected = torch.autograd.grad((answer * weights[number]).sum(), [alone, *network.parameters()])
            torch.testing.assert_close(answers[number], answer, rtol=1e-10, atol=1e-12)
            for ours, theirs in zip(gradients, expected, strict=True):
                torch.testing.assert_close(ours[number], theirs, rtol=1e-10, atol=1e-12)
    for number, network in enumerate(networks):
        for ours, theirs in zip(stack.network.buffers(), network.buffers(), strict=True):
            torch.testing.assert_close(ours[number], theirs, rtol=1e-10, atol=1e-12)
        assert network[0].num_batches_tracked == 2


def test_norms_that_differ_stay_torchs() -> None:
    """Norms without weights or running statistics are left alone, and one that is frozen moves no statistics."""
    for options in ({"affine": False}, {"track_running_stats": False}, {"momentum": None}):
        assert type(with_stacked_layers(nn.Sequential(nn.BatchNorm1d(2, **options)))[0]) is nn.BatchNorm1d
    stack = Stack([nn.Sequential(nn.BatchNorm1d(2).eval()) for _ in range(SEEDS)], "mean_squared_error")
    x = torch.randn(SEEDS, BATCH, 2)
    stack.losses([x], x)

    assert stack.network[0].running_mean.eq(0).all()
    assert stack.network[0].num_batches_tracked.eq(0).all()


def test_weights_are_written_to_networks_that_moved_theirs() -> None:
    """Networks whose weights lie elsewhere by now, as those of recurrent layers on a GPU, get those of the stack."""
    networks = [nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2)) for _ in range(SEEDS)]
    stack = Stack(networks, "cross_entropy")
    for tensor in (*stack.network.parameters(), *stack.network.buffers()):
        tensor.data += torch.arange(1, SEEDS + 1).to(tensor.dtype).view(-1, *[1] * (tensor.dim() - 1))
    for network in networks:
        for parameter in network.parameters():
            parameter.data = parameter.data.clone()
    stack.write_to(networks)

    for number, network in enumerate(networks):
        for ours, theirs in zip(
            (*stack.network.parameters(), *stack.network.buffers()),
            (*network.parameters(), *network.buffers()),
            strict=True,
        ):
            assert torch.equal(ours[number], theirs)


class WithScalar(nn.Linear):
    """A layer with a further parameter that is a scalar."""

    def __init__(self) -> None:
        super().__init__(3, 2)
        self.scale = nn.Parameter(torch.ones(()))


def test_each_seed_is_clipped_by_its_own_norm() -> None:
    """Gradients of each seed are scaled as `nn.utils.clip_grad_norm_` scales those of one network."""
    torch.manual_seed(0)
    networks = [WithScalar() for _ in range(SEEDS)]
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
