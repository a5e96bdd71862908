"""The layers of the transformer against torch's, and its positions against the formula."""

from __future__ import annotations

import math

import pytest
import torch
from msgspec import ValidationError
from torch import nn

from archbench import TaskInfo
from archbench._declarations import convert_options
from archbench_plugins.transformer import network as transformer
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


@pytest.mark.parametrize(("per_step", "padded"), [(False, False), (False, True), (True, False)])
@pytest.mark.parametrize("heads", [1, 3])
def test_attention_by_hand_is_torchs(build, monkeypatch, per_step, padded, heads):
    """The form for CPUs gives the answers and gradients of torch's, also with padding and the future hidden."""
    task = TaskInfo(kind="sequence", input_shape=(30, 2), outputs=3, per_step=per_step)
    network = build("transformer", task, heads=heads, width=6).double()
    x = torch.randn(4, 30, 2, dtype=torch.double, requires_grad=True)
    lengths = torch.tensor([30, 1, 7, 29]) if padded else None
    answers, gradients = [], []
    for is_faster in (True, False):
        monkeypatch.setattr(transformer, "is_faster_by_hand", lambda x, is_faster=is_faster: is_faster)
        answers.append(network(x, lengths))
        gradients.append(torch.autograd.grad(answers[-1].square().sum(), [x, *network.parameters()]))

    torch.testing.assert_close(*answers)
    torch.testing.assert_close(*gradients)


def test_attention_by_hand_is_the_form_of_a_cpu_for_middle_lengths():
    """A CPU takes the form by hand for 24 to 128 steps in float32, and torch's for others and under autocast."""
    by_hand = [T for T in range(1, 300) if transformer.is_faster_by_hand(torch.zeros(2, T, 4))]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under_autocast = transformer.is_faster_by_hand(torch.zeros(2, 64, 4))

    assert list(range(24, 129)) == by_hand
    assert not transformer.is_faster_by_hand(torch.zeros(2, 64, 4, device="meta"))
    assert not under_autocast


def test_gradient_of_attention_agrees_with_finite_differences():
    """The hand-written gradient passes gradcheck."""
    sizes = ((2, 5, 4), (12, 4), (12,), (4, 4), (4,))
    inputs = [torch.randn(*size, dtype=torch.double, requires_grad=True) for size in sizes]
    mask = torch.full((1, 5, 5), -torch.inf, dtype=torch.double).triu(1)

    assert torch.autograd.gradcheck(transformer.AttentionByHand.apply, (*inputs, 2, mask))


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
