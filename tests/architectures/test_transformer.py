"""The layers of the transformer against torch's, and its positions against the formula."""

from __future__ import annotations

import math

import pytest
import torch
from msgspec import ValidationError
from torch import nn

from archbench import TaskInfo
from archbench._declarations import convert_options
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
