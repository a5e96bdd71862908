"""The contract of every built-in architecture: shapes, gradients, independence of examples, random streams."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys

import pytest
import torch
from msgspec import ValidationError

import archbench_plugins
from archbench import Architecture, Outputs, TaskInfo
from archbench._declarations import convert_options


def modules() -> list[str]:
    """Return the names of the declaration modules on disk."""
    found = pkgutil.iter_modules(archbench_plugins.__path__, "archbench_plugins.")
    return [module.name for module in found if module.name != "archbench_plugins.shared"]


def architectures(kind: str) -> list[Architecture]:
    """Return every built-in architecture for this kind of input."""
    every = [item for name in modules() for item in importlib.import_module(name).archbench_architectures()]
    return [item for item in every if kind in item.inputs]


# Every image architecture in its default form, found on disk so that a new one is tested too, and some other forms.
IMAGE_NETS = [
    *((architecture.name, {}) for architecture in architectures("image")),
    ("mlp", {"activation": "tanh"}),
    ("residual-mlp", {"activation": "relu", "line": 0.5}),
    ("highway", {"activation": "relu"}),
    ("highway", {"form": "convolutional", "depth": 9, "width": 16}),
    ("plain", {"depth": 8}),
    ("plain", {"depth": 8, "start": "delta-orthogonal", "activation": "tanh", "normalise": False}),
    ("resnet", {"depth": 8}),
    ("resnet", {"depth": 8, "order": "pre-activation"}),
    ("resnet", {"depth": 11, "block": "bottleneck"}),
    ("resnet", {"depth": 11, "block": "bottleneck", "order": "pre-activation", "shortcut": "B"}),
    ("resnet", {"depth": 14, "shortcut": "C"}),
    ("resnet", {"depth": 14, "shortcut": "shortcut-gate"}),
    ("resnet", {"depth": 14, "shortcut": "exclusive-gate", "gate_bias": 0.0}),
    ("resnet", {"depth": 14, "shortcut": "dropout"}),
    ("rezero", {"depth": 8, "normalise": False}),
    ("wide-resnet", {"depth": 10, "k": 1, "dropout": 0.3}),
    ("highway", {"form": "cifar", "depth": 7, "width": 8}),
    ("densenet", {"depth": 10, "bottleneck": False, "compression": 1.0, "dropout": 0.2, "checkpointed": True}),
    ("googlenet", {"normalise": True, "aux_weight": 0.0}),
    ("vgg", {"depth": "16-C", "width": 4, "normalise": False}),
    ("lenet", {"activation": "relu", "pool": "max"}),
    ("convnext", {"patch": 2, "drop": 0.5}),
]
SEQUENCE_NETS = [
    ("rnn", {}),
    ("rnn", {"nonlinearity": "relu", "width": 5, "layers": 2}),
    ("lstm", {}),
    ("lstm", {"width": 5, "layers": 3}),
]
IMAGES = [((1, 8, 8), 10), ((3, 12, 9), 1)]
SEQUENCES = [(7, 1), (4, 3)]

EVERY_NET = [(name, options, (1, 8, 8)) for name, options in IMAGE_NETS] + [
    (name, options, (7, 2)) for name, options in SEQUENCE_NETS
]
per_net = pytest.mark.parametrize(("name", "options", "shape"), EVERY_NET)


def task_of(shape: tuple[int, ...], outputs: int = 10, *, per_step: bool = False) -> TaskInfo:
    """Return a task with inputs of this shape."""
    kind = "image" if len(shape) == 3 else "sequence"
    return TaskInfo(kind=kind, input_shape=shape, outputs=outputs, per_step=per_step)


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 12, 9), (1, 28, 28), (3, 32, 32)])
@pytest.mark.parametrize("architecture", architectures("image"), ids=lambda architecture: architecture.name)
def test_default_image_net_takes_small_images(architecture, shape):
    """In its default form an image architecture runs on digits, MNIST and CIFAR."""
    if architecture.incompatible is not None:
        assert architecture.incompatible(task_of(shape), convert_options(architecture, {})) is None


@pytest.mark.parametrize(("shape", "outputs"), IMAGES)
@pytest.mark.parametrize(("name", "options"), IMAGE_NETS)
def test_image_net_answers_once_for_each_image(build, name, options, shape, outputs):
    """An image net gives finite float32 logits (batch, outputs) for any size, channel count and number of outputs."""
    answer = build(name, task_of(shape, outputs), **options)(torch.randn(3, *shape))
    logits = answer.logits if isinstance(answer, Outputs) else answer

    assert (3, outputs) == logits.shape
    assert torch.float32 == logits.dtype
    assert logits.isfinite().all()


@pytest.mark.parametrize("outputs", [1, 10])
@pytest.mark.parametrize("shape", SEQUENCES)
@pytest.mark.parametrize(("name", "options"), SEQUENCE_NETS)
@pytest.mark.parametrize("per_step", [False, True])
def test_recurrent_net_answers_once_or_at_every_step(build, name, options, shape, outputs, per_step):
    """A recurrent net gives (batch, outputs), or (batch, steps, outputs) for a per-step task."""
    logits = build(name, task_of(shape, outputs, per_step=per_step), **options)(torch.randn(3, *shape))

    assert ((3, shape[0], outputs) if per_step else (3, outputs)) == logits.shape


@pytest.mark.parametrize("name", ["rnn", "lstm"])
def test_last_step_of_a_per_step_net_is_the_single_answer(build, name):
    """The single answer of a recurrent net is its answer at the last step."""
    once = build(name, task_of((6, 2)))
    at_every_step = build(name, task_of((6, 2), per_step=True))
    at_every_step.load_state_dict(once.state_dict())
    x = torch.randn(3, 6, 2)

    torch.testing.assert_close(at_every_step(x)[:, -1], once(x))


@per_net
def test_gradient_reaches_every_parameter(build, name, options, shape):
    """Within 20 steps every parameter gets a gradient, even behind a factor of zero or a dropped unit."""
    network = build(name, task_of(shape), **options)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01)
    waiting = {key for key, _ in network.named_parameters()}
    x, y = torch.randn(32, *shape), torch.randint(10, (32,))
    for _ in range(20):
        optimizer.zero_grad()
        loss(network(x), y).backward()
        waiting -= {key for key, p in network.named_parameters() if p.grad is not None and p.grad.any()}
        if not waiting:
            break
        optimizer.step()

    assert waiting == set()


def loss(outputs: torch.Tensor | Outputs, targets: torch.Tensor) -> torch.Tensor:
    """Return the cross entropy, with the weighted losses of auxiliary classifiers added."""
    if isinstance(outputs, Outputs):
        return loss(outputs.logits, targets) + sum(w * loss(a, targets) for a, w in outputs.auxiliary.values())
    return torch.nn.functional.cross_entropy(outputs, targets)


@per_net
def test_examples_are_independent_in_evaluation(build, name, options, shape):
    """An example alone gets the logits that it gets in a batch."""
    network = build(name, task_of(shape), **options).eval()
    x = torch.randn(5, *shape)

    torch.testing.assert_close(network(x)[2:3], network(x[2:3]), atol=1e-5, rtol=1e-5)


@per_net
def test_weights_come_from_the_global_stream(build, name, options, shape):
    """The same seed gives the same weights, and building does not reset the seed."""
    torch.manual_seed(1)
    first, second = build(name, task_of(shape), **options), build(name, task_of(shape), **options)
    torch.manual_seed(1)
    again = build(name, task_of(shape), **options)
    head = next(key for key, p in reversed(list(first.named_parameters())) if p.dim() > 1 and p.any())

    assert torch.equal(first.state_dict()[head], again.state_dict()[head])
    assert not torch.equal(first.state_dict()[head], second.state_dict()[head])


def test_declarations_do_not_import_torch():
    """Listing the architectures loads neither torch nor numpy."""
    code = f"import sys, {', '.join(modules())}; print({{'torch', 'numpy'}} & set(sys.modules))"

    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


@pytest.mark.parametrize("name", ["plain", "resnet", "stochastic-depth", "rezero", "fixup"])
@pytest.mark.parametrize(("depth", "near"), [(21, "20 and 26"), (57, "56 and 62"), (19, "14 and 20")])
def test_depth_that_is_not_6n_plus_2_names_the_nearest(declared, name, depth, near):
    """A depth between two nets is refused with both neighbours."""
    with pytest.raises(ValidationError, match=rf"depth is {depth}; .* 6n\+2 layers: the nearest depths are {near}"):
        convert_options(declared(name), {"depth": depth})


@pytest.mark.parametrize(
    ("name", "values", "message"),
    [
        ("resnet", {"depth": "abc"}, r"Expected `int`, got `str` - at `\$\.depth`"),
        ("resnet", {"depth": 2}, r"Expected `int` >= 8 - at `\$\.depth`"),
        ("mlp", {"width": 0}, r"Expected `int` >= 1 - at `\$\.width`"),
        ("mlp", {"activation": "gelu"}, r"Invalid enum value 'gelu' - at `\$\.activation`"),
        ("highway", {"form": "dense"}, r"Invalid enum value 'dense' - at `\$\.form`"),
        ("rnn", {"nonlinearity": "sigmoid"}, r"Invalid enum value 'sigmoid' - at `\$\.nonlinearity`"),
        ("lstm", {"forget_bias": "high"}, r"Expected `float`, got `str` - at `\$\.forget_bias`"),
    ],
)
def test_wrong_option_is_named(declared, name, values, message):
    """A value of the wrong type or out of bounds is refused, and the message names the option."""
    with pytest.raises(ValidationError, match=message):
        convert_options(declared(name), values)


def test_options_may_be_text(declared):
    """Option values given as text, as on a command line, are converted."""
    options = convert_options(declared("highway"), {"depth": "20", "gate_bias": "-4"})

    assert (options.depth, options.gate_bias) == (20, -4.0)
