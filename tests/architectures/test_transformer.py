"""The layers of the transformer against torch's, and its positions against the formula."""

# ruff: noqa: N803, N806 - the papers' symbols are capitals

from __future__ import annotations

import math

import pytest
import torch
from msgspec import ValidationError
from torch import nn

from archbench import TaskInfo
from archbench._declarations import convert_options
from archbench._training._measure import count_flops
from archbench_plugins.transformer import network as transformer
from archbench_plugins.transformer.by_hand import Attention
from archbench_plugins.transformer.network import Layer, sinusoids


@pytest.mark.parametrize("causal", [False, True])
def test_layer_is_torchs_with_the_norm_first(causal):
    """With the weights copied over, a layer agrees with torch.nn.TransformerEncoderLayer to 1e-5."""
    layer = Layer(12, heads=3, causal=causal, dropout=0.0)
    reference = nn.TransformerEncoderLayer(12, 3, 48, dropout=0.0, batch_first=True, norm_first=True)
    pairs = [
        (reference.norm1, layer.attention[0]),
        (reference.self_attn.out_proj, layer.attention[1].out),
        (reference.norm2, layer.feed_forward[0]),
        (reference.linear1, layer.feed_forward[1]),
        (reference.linear2, layer.feed_forward[3]),
    ]
    for target, source in pairs:
        target.load_state_dict(source.state_dict())
    with torch.no_grad():
        reference.self_attn.in_proj_weight.copy_(layer.attention[1].QKV.weight)
        reference.self_attn.in_proj_bias.copy_(layer.attention[1].QKV.bias)
    x = torch.randn(4, 7, 12)
    mask = nn.Transformer.generate_square_subsequent_mask(7) if causal else None

    torch.testing.assert_close(layer(x), reference(x, src_mask=mask, is_causal=causal), atol=1e-5, rtol=1e-5)


class Scaled(nn.Module):
    """A stand-in for dropout that is not random."""

    def forward(self, x):
        """Return half of x."""
        return x / 2


def answers_and_gradients(network, x, lengths, *, by_hand, monkeypatch):
    """Return the answers of one form of a network, and the gradients in the input and in all weights."""
    monkeypatch.setattr(transformer, "is_faster_by_hand", lambda _: by_hand)
    y = network(x, lengths)
    weight = torch.linspace(-1, 1, y.numel(), dtype=y.dtype).view(y.shape)
    return [y, *torch.autograd.grad((weight * y).sum(), [x, *network.parameters()])]


@pytest.mark.parametrize("B", [1, 4])
@pytest.mark.parametrize(("heads", "T"), [(1, 30), (3, 7), (3, 1)])
@pytest.mark.parametrize(
    ("per_step", "causal", "padded"),
    [(False, False, False), (False, False, True), (False, True, True), (True, False, False), (True, False, True)],
)
def test_form_for_cpus_is_the_readable_one(build, monkeypatch, per_step, causal, padded, heads, T, B):
    """The form by hand gives the answers and gradients of the readable one in float64: in it, and in float32."""
    task = TaskInfo(kind="sequence", input_shape=(T, 2), outputs=3, per_step=per_step)
    network = build("transformer", task, heads=heads, width=6, causal=causal).double()
    for layer in network.core.layers:
        layer.attention[2], layer.feed_forward[4] = Scaled(), Scaled()
    for parameter in network.parameters():
        parameter.data += torch.randn_like(parameter) / 5  # none is 0 or 1, where a wrong term could hide
    x = torch.randn(B, T, 2, dtype=torch.double, requires_grad=True)
    lengths = torch.tensor([T, 1, (T + 1) // 2, max(1, T - 1)])[:B] if padded else None
    expected = answers_and_gradients(network, x, lengths, by_hand=False, monkeypatch=monkeypatch)
    exact = answers_and_gradients(network, x, lengths, by_hand=True, monkeypatch=monkeypatch)
    single = x.detach().float().requires_grad_()
    found = answers_and_gradients(network.float(), single, lengths, by_hand=True, monkeypatch=monkeypatch)

    torch.testing.assert_close(exact, expected)
    for got, wanted in zip(found, expected, strict=True):
        assert (got - wanted).abs().max() <= 1e-5 * max(1, wanted.abs().max())


def test_form_for_cpus_is_taken_where_it_is_faster(build, monkeypatch):
    """A CPU takes it for 24 to 128 steps, 640 in a batch; autocast, tracing and hooks take the readable form."""
    x = torch.zeros(10, 64, 4)
    by_hand = [T for T in range(1, 300) if transformer.is_faster_by_hand(torch.zeros(30, T, 4))]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = transformer.is_faster_by_hand(x)
    core = build("transformer", TaskInfo(kind="sequence", input_shape=(64, 2), outputs=3)).core
    unwatched = core.is_watched()
    core.layers[0].feed_forward.register_forward_hook(lambda *_: None)

    assert list(range(24, 129)) == by_hand
    assert transformer.is_faster_by_hand(x)
    assert not transformer.is_faster_by_hand(x[:9])
    assert not transformer.is_faster_by_hand(x.to("meta"))
    assert not under_autocast
    assert (unwatched, core.is_watched()) == (False, True)
    for module, name in ((torch.compiler, "is_compiling"), (torch.jit, "is_tracing")):
        with monkeypatch.context() as patched:
            patched.setattr(module, name, lambda: True)
            assert not transformer.is_faster_by_hand(x)


def test_a_watched_network_computes_what_the_form_for_cpus_does(build):
    """With a hook on a branch the network takes the readable form, which calls it, and gives the same answers."""
    network, x = build("transformer", TaskInfo(kind="sequence", input_shape=(64, 2), outputs=3)), torch.randn(10, 64, 2)
    fast, seen = network(x), []
    network.core.layers[1].feed_forward.register_forward_hook(lambda *call: seen.append(call))
    watched = network(x)

    assert len(seen) == 1
    torch.testing.assert_close(fast, watched, atol=1e-5, rtol=1e-5)


def test_not_a_number_stays_in_its_sequence(build):
    """In the form for CPUs a sequence with NaN gives NaN, and the others give numbers."""
    network, x = build("transformer", TaskInfo(kind="sequence", input_shape=(64, 2), outputs=3)), torch.randn(10, 64, 2)
    x[3, 40] = torch.nan
    y = network(x)

    assert y[3].isnan().all()
    assert y[torch.arange(10) != 3].isfinite().all()


@pytest.mark.parametrize("T", [28, 64])
def test_count_of_operations_has_all_products(build, T):
    """The FLOPs of a single sequence are those of the products by hand."""
    network = build("transformer", TaskInfo(kind="sequence", input_shape=(T, 2), outputs=3)).eval()
    D = 28
    a_layer = 2 * T * 12 * D**2 + 2 * 2 * T**2 * D  # the weights, then Q'K and V P

    assert count_flops(network, torch.randn(1, T, 2)) == 2 * T * 2 * D + 2 * a_layer + 2 * D * 3


def test_gradient_of_attention_agrees_with_finite_differences():
    """The hand-written gradient passes gradcheck."""
    QKV = torch.randn(3, 2, 4, 2, 5, dtype=torch.double, requires_grad=True)
    mask = torch.full((1, 5, 5), -torch.inf, dtype=torch.double).triu(1)

    assert torch.autograd.gradcheck(Attention.apply, (QKV, mask))


def test_layer_has_the_documented_weights():
    """A layer has 12 D^2 + 13 D parameters."""
    layer = Layer(12, heads=3, causal=False, dropout=0.0)

    assert sum(p.numel() for p in layer.parameters()) == 12 * 12**2 + 13 * 12


@pytest.mark.parametrize("width", [6, 7])
def test_positions_follow_the_formula(width):
    """Position PE(t, 2i) is the sine and PE(t, 2i+1) the cosine of t / 10000^(2i/D)."""
    found = sinusoids(5, width)
    for t in range(5):
        for j in range(width):
            angle = t / 10_000 ** (2 * (j // 2) / width)

            assert found[t, j].item() == pytest.approx(math.cos(angle) if j % 2 else math.sin(angle), abs=1e-6)


def test_encoder_sees_the_whole_sequence_and_the_order(build):
    """The answer of an encoder depends on every step and on the order of steps."""
    network = build("transformer", TaskInfo(kind="sequence", input_shape=(9, 2), outputs=3))
    x = torch.randn(4, 9, 2, requires_grad=True)
    network(x).sum().backward()

    assert x.grad.abs().sum((0, 2)).bool().all()
    assert not torch.allclose(network(x), network(x.flip(1)), atol=1e-4)


def test_causal_encoder_reads_its_last_step(build):
    """With `causal`, a single answer is the last of the answers at every step."""
    once, always = (
        build("transformer", TaskInfo(kind="sequence", input_shape=(9, 2), outputs=3, per_step=per_step), causal=True)
        for per_step in (False, True)
    )
    always.load_state_dict(once.state_dict())
    x = torch.randn(4, 9, 2)

    torch.testing.assert_close(always(x)[:, -1], once(x))


def test_heads_must_divide_the_width(declared):
    """A width that the heads do not divide is refused, and the message names both."""
    with pytest.raises(ValidationError, match="width is 28 and heads is 3; the heads must divide the width"):
        convert_options(declared("transformer"), {"heads": 3})
