"""What every built-in architecture says of itself."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Sequence
from typing import Any

import pytest

import archbench_plugins
from archbench import Architecture
from archbench._declarations import convert_options
from archbench._plugins import load_plugins
from archbench._selection import select
from archbench_plugins._tags import TAGS

MODULES = [
    module.name
    for module in pkgutil.iter_modules(archbench_plugins.__path__, "archbench_plugins.")
    if not module.ispkg and "._" not in module.name
]
ARCHITECTURES = [item for name in MODULES for item in importlib.import_module(name).archbench_architectures()]
CONTROLS = {"mlp", "plain", "rnn"}
WITHOUT_A_RECIPE = {
    *("mlp", "rnn", "gru"),  # a search over settings, or one for each experiment
    *("lenet", "nin", "googlenet"),  # rates adapted by second derivatives, by hand, or not stated
    "transformer",  # batches of so many tokens, not of sequences
    *("min-gru", "min-lstm"),  # no code of the authors
}


@pytest.fixture(scope="module")
def registered() -> Sequence[Any]:
    """The same as the suite finds them."""
    return load_plugins().architectures


every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda architecture: architecture.name)


@every_architecture
def test_architecture_says_what_it_is(architecture: Architecture):
    """A summary in one line, the paper, and tags from the vocabulary."""
    assert architecture.summary
    assert "\n" not in architecture.summary
    assert not architecture.summary.endswith(".")
    assert architecture.source
    assert architecture.tags
    assert set(architecture.tags) <= TAGS.keys()
    assert len(set(architecture.tags)) == len(architecture.tags)


def test_every_tag_is_used():
    """The vocabulary has no idle words."""
    assert TAGS.keys() == {tag for architecture in ARCHITECTURES for tag in architecture.tags}


@every_architecture
def test_control_is_another_network_for_the_same_inputs(architecture: Architecture, registered: Sequence[Any]):
    """A selector of one network that takes whatever this one takes; only the controls themselves have none."""
    assert (architecture.name in CONTROLS) == (not architecture.control) == ("control" in architecture.tags)
    if architecture.control:
        (control,) = select([architecture.control], registered, "architecture")
        (itself,) = select([architecture.name], registered, "architecture")

        assert control.component.label != itself.component.label
        assert set(architecture.inputs) <= set(control.registered.item.inputs)


def test_controls_end_in_a_control(registered: Sequence[Any]):
    """Going from control to control ends at a network without a straight path, and never in a circle."""
    control_of = {}
    for architecture in ARCHITECTURES:
        if architecture.control:
            (control,) = select([architecture.control], registered, "architecture")
            control_of[architecture.name] = control.registered.item.name
    for name in control_of:
        path = [name]
        while path[-1] in control_of and control_of[path[-1]] != path[-1]:  # a control may be a form of its own
            path.append(control_of[path[-1]])
            assert len(set(path)) == len(path)


@every_architecture
def test_recipe_is_known_or_missing_for_a_reason(architecture: Architecture):
    """Architectures without a recipe are those named above."""
    assert (architecture.name in WITHOUT_A_RECIPE) == (architecture.recipe is None)


@pytest.mark.parametrize(
    ("architecture", "variant"),
    [(item, variant) for item in ARCHITECTURES if item.recipe for variant in ("", *item.variants)],
    ids=lambda value: value.name if isinstance(value, Architecture) else value or "defaults",
)
def test_recipe_is_complete(architecture: Architecture, variant: str):
    """Where a paper's training is known, it says all that is needed to repeat it; forms that it is not of have none."""
    published = architecture.own_recipe(convert_options(architecture, architecture.variants.get(variant, {})))
    if published is None:
        assert callable(architecture.recipe)
        return

    recipe = published.recipe
    assert published.source
    assert published.data
    assert recipe.learning_rate > 0
    assert recipe.batch_size >= 1
    assert (recipe.epochs or 0) + (recipe.steps or 0) >= 1
    assert 0 <= recipe.momentum < 1
    assert all(0 < share < 1 for share in recipe.milestones or ())
    assert 0 < recipe.decay < 1


@every_architecture
def test_exceptions_are_few_and_give_a_reason(architecture: Architecture):
    """Only networks of torch's fused recurrent kernels have an exception, and only to being compiled."""
    fused = architecture.name in {"rnn", "lstm", "gru"}

    assert list(architecture.expected_failures) == (["B403"] if fused else [])
    assert architecture.unused_parameters == (("units.*.branch.*",) if architecture.name == "stochastic-depth" else ())


def test_deep_nets_start_as_their_papers_say(registered: Sequence[Any]):
    """The warm-up of the deepest nets, the biases of Highway nets and what cannot be followed are in the recipes."""
    recipes = {}
    deep = ("resnet-20", "resnet-110", "resnet-18", "preresnet-110", "stochastic-depth-1202")
    highways = ("highway", "highway-conv-32", "highway-b")
    refused = ("vgg", "alexnet", "lstm", "convnext", "fixup", "vit", "xlstm")
    for name in (*deep, *highways, *refused, "tcn", "densenet-bc-100-12", "densenet-121"):
        (found,) = select([name], registered, "architecture")
        recipes[name] = found.registered.item.own_recipe(found.options)

    assert recipes["resnet-18"] is None
    assert recipes["resnet-20"].recipe.warmup == 0
    deeper = recipes["resnet-110"].recipe
    assert (round(deeper.warmup * deeper.steps), deeper.warmup_rate, deeper.milestones) == (400, 0.01, (0.5, 0.75))
    deepest = recipes["stochastic-depth-1202"].recipe
    assert (round(deepest.warmup * deepest.epochs), deepest.warmup_rate, deepest.epochs) == (10, 0.01, 300)
    assert recipes["preresnet-110"].source.startswith("arXiv:1603.05027")
    assert recipes["highway"] is None  # the depth study searched
    for name, rate, steps in (
        ("highway-conv-32", 0.01, [60_000, 120_000]),
        ("highway-b", 0.025, [100_000, 150_000, 175_000]),
    ):
        highway = recipes[name].recipe
        assert (highway.learning_rate, highway.bias_rate, highway.decay_biases) == (rate, 2.0, False)
        assert [round(share * highway.steps) for share in highway.milestones] == steps
    assert recipes["tcn"].recipe.milestones == (0.5,)
    assert [recipes[name].recipe.batch_size for name in ("densenet-bc-100-12", "densenet-121")] == [64, 256]
    assert all(recipes[name].unsupported for name in refused)
