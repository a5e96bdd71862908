"""The contract of every net that reads sequences: kinds of input, shapes, gradients, independence, causality."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from archbench import TaskInfo
from archbench._training import half_precision
from archbench_plugins.shared.sequences import Front

NETS = [
    ("rnn", {}),
    ("rnn", {"initialisation": "uniform"}),
    ("rnn", {"nonlinearity": "relu", "initialisation": "identity"}),
    ("lstm", {}),
    ("lstm", {"peepholes": True, "width": 5, "layers": 2}),
    ("lstm", {"forget_gate": "coupled"}),
    ("lstm", {"forget_gate": "none", "peepholes": True}),
    ("gru", {}),
    ("gru", {"width": 5, "layers": 3}),
    ("lstm_1997", {}),
    ("lstm_1997", {"truncated": False}),
    ("lstm_1997", {"connectivity": "below", "output_gate": False, "biases": "none"}),
    ("lstm_1997", {"connectivity": "cells", "forget_gate": True, "biases": "gates-output"}),
    ("recurrent_highway", {}),
    ("recurrent_highway", {"width": 5, "depth": 1}),
    ("recurrent_highway", {"width": 5, "depth": 4}),
    ("min_gru", {}),
    ("min_gru", {"layers": 1, "expansion": 1}),
    ("min_lstm", {}),
    ("tcn", {}),
    ("tcn", {"width": 12, "levels": 2, "kernel": 3}),
    ("transformer", {}),
    ("xlstm", {}),
    ("xlstm", {"blocks": "sm", "width": 6, "heads": 1}),
    ("transformer", {"positions": "learned", "causal": True, "width": 6, "heads": 1, "layers": 1}),
]
KINDS = [
    ({"kind": "sequence", "input_shape": (7, 2)}, 7),
    ({"kind": "tokens", "input_shape": (7,), "vocabulary": 11}, 7),
    ({"kind": "image", "input_shape": (3, 6, 5)}, 6),
]
DEFAULT_NETS = [(name, options) for name, options in NETS if not options]
per_net = pytest.mark.parametrize(("name", "options"), NETS)


def draw(task: TaskInfo, batch: int = 3) -> Tensor:
    """Return a batch of random inputs."""
    if task.vocabulary is not None:
        return torch.randint(task.vocabulary, (batch, *task.input_shape))
    return torch.randn(batch, *task.input_shape)


@per_net
@pytest.mark.parametrize(("kind", "steps"), KINDS)
@pytest.mark.parametrize("per_step", [False, True])
def test_net_answers_once_or_at_every_step(build, name, options, kind, steps, per_step):
    """A net gives finite float32 logits (B, K), or (B, T, K) per step, for vectors, tokens and images."""
    task = TaskInfo(**kind, outputs=4, per_step=per_step)
    logits = build(name, task, **options)(draw(task))

    assert ((3, steps, 4) if per_step else (3, 4)) == logits.shape
    assert torch.float32 == logits.dtype
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", sorted({name for name, _ in NETS}))
def test_declared_inputs_are_all_kinds(declared, name):
    """A net that reads sequences also takes tokens and images."""
    assert {"sequence", "tokens", "image"} == set(declared(name).inputs)


@pytest.mark.parametrize("name", sorted({name for name, _ in NETS}))
def test_pixels_make_longer_sequences(build, name):
    """With image=pixels every pixel is a step, and the net answers at each of them."""
    task = TaskInfo(kind="image", input_shape=(3, 6, 5), outputs=4, per_step=True)

    assert build(name, task, image="pixels")(draw(task, 2)).shape == (2, 30, 4)


def test_front_reads_images_from_top_to_bottom():
    """As rows, row t of all channels is step t; as pixels, pixel (r, c) is step r * width + c."""
    x = torch.arange(2 * 3 * 4.0).view(1, 2, 3, 4)
    task = TaskInfo(kind="image", input_shape=(2, 3, 4), outputs=1)
    rows, pixels = (Front(task, image=image) for image in ("rows", "pixels"))

    assert (rows.steps, rows.features) == (3, 8)
    assert torch.equal(x[0, :, 1].flatten(), rows(x)[0, 1])
    assert (pixels.steps, pixels.features) == (12, 2)
    assert torch.equal(x[0, :, 1, 2], pixels(x)[0, 6])


def test_front_embeds_tokens():
    """The front looks tokens up in a table of 32 features."""
    front = Front(TaskInfo(kind="tokens", input_shape=(5,), outputs=1, vocabulary=7), image="rows")
    tokens = torch.randint(7, (2, 5))

    assert torch.equal(front.embedding.weight[tokens], front(tokens))
    assert (front.steps, front.features) == (5, 32)


@per_net
def test_gradient_reaches_every_parameter(build, name, options):
    """Every parameter has a gradient that is not all zeros."""
    task = TaskInfo(kind="sequence", input_shape=(7, 2), outputs=10)
    network = build(name, task, **options)
    torch.nn.functional.cross_entropy(network(draw(task, 32)), torch.randint(10, (32,))).backward()

    assert [key for key, p in network.named_parameters() if p.grad is None or not p.grad.any()] == []


@per_net
def test_examples_are_independent(build, name, options):
    """A sequence alone gets the logits that it gets in a batch."""
    task = TaskInfo(kind="sequence", input_shape=(7, 2), outputs=10)
    network, x = build(name, task, **options).eval(), draw(task, 5)

    torch.testing.assert_close(network(x)[2:3], network(x[2:3]), atol=1e-5, rtol=1e-5)


@per_net
def test_answers_do_not_see_the_future(build, name, options):
    """Changing the inputs after a step leaves the answers up to that step as they were."""
    task = TaskInfo(kind="sequence", input_shape=(9, 2), outputs=3, per_step=True)
    network, x = build(name, task, **options).eval(), draw(task)
    changed = torch.cat([x[:, :5], torch.randn(3, 4, 2)], 1)
    before, after = network(x), network(changed)

    torch.testing.assert_close(before[:, :5], after[:, :5])
    assert not torch.allclose(before[:, 5:], after[:, 5:], atol=1e-6, rtol=0)


@per_net
def test_weights_come_from_the_global_stream(build, name, options):
    """The same seed gives the same weights, and building does not reset the seed."""
    task = TaskInfo(kind="sequence", input_shape=(7, 2), outputs=10)
    torch.manual_seed(1)
    first, second = build(name, task, **options), build(name, task, **options)
    torch.manual_seed(1)
    again = build(name, task, **options)

    assert all(torch.equal(p, q) for p, q in zip(first.parameters(), again.parameters(), strict=True))
    assert not torch.equal(first.head.weight, second.head.weight)


@pytest.mark.parametrize("name", [name for name, _ in DEFAULT_NETS])
def test_default_sizes_are_comparable(build, name):
    """Every default net has the parameters of the default LSTM on a two-feature task, to within a fifth."""
    task = TaskInfo(kind="sequence", input_shape=(50, 2), outputs=1)
    reference, network = (sum(p.numel() for p in build(n, task).parameters()) for n in ("lstm", name))

    assert 0.8 * reference <= network <= 1.2 * reference


@pytest.mark.parametrize(
    ("name", "options"), [row for row in NETS if row[0] in ("lstm", "lstm_1997", "recurrent_highway", "xlstm", "gru")]
)
def test_half_precision_product_feeds_a_loop_in_full(build, name, options):
    """Under autocast to bfloat16, logits are close to those of float32 and gradients are finite and float32."""
    task = TaskInfo(kind="sequence", input_shape=(7, 2), outputs=4)
    network, x = build(name, task, **options), torch.randn(3, 7, 2)
    with half_precision(torch.device("cpu")):
        half = network(x)
    half.float().square().sum().backward()

    torch.testing.assert_close(half.float(), network(x), atol=0.05, rtol=0.05)
    assert all(p.grad.isfinite().all() and p.grad.dtype == torch.float32 for p in network.parameters())
