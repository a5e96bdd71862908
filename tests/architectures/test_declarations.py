"""The declarations of the built-in architectures: summary, source, tags, control and recipe."""

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

MODULES = [
    module.name
    for module in pkgutil.iter_modules(archbench_plugins.__path__, "archbench_plugins.")
    if module.name != "archbench_plugins.shared"
]
ARCHITECTURES = [item for name in MODULES for item in importlib.import_module(name).archbench_architectures()]
TAGS = {
    "fully-connected",  # each layer sees all of the layer before it
    "convolutional",  # kernels slide over the image, or over the past
    "recurrent",  # a state is computed step after step
    "linear-recurrence",  # the state is a linear function of the one before, so that all steps are one scan
    "attention",  # steps, or patches, look at one another
    "residual",  # layers add to an input that passes unchanged
    "gated",  # learned gates decide what passes and what is kept
    "dense",  # layers see the outputs of all layers before them
    "constant-error",  # memory that adds up and never decays
    "auxiliary",  # further classifiers help to train, and are dropped after it
    "random-depth",  # layers are left out at random in training
    "unnormalised",  # a deep net that does without batch normalisation, where its relatives need it
    "control",  # has no straight path: what others are compared with
}
CONTROLS = {"mlp", "plain", "rnn"}
WITHOUT_A_RECIPE = {
    *("mlp", "rnn", "gru"),  # a search over settings, or one for each experiment
    *("lenet", "nin", "googlenet"),  # rates adapted by second derivatives, by hand, or not stated
    "residual-mlp",  # no paper trained it: a dial for the studies
    "lstm-greff",  # 200 settings drawn for each form and data set
    "transformer",  # batches of so many tokens, not of sequences
    *("min-gru", "min-lstm"),  # no code of the authors
}


@pytest.fixture(scope="module")
def registered() -> Sequence[Any]:
    """Return the architectures as the suite registers them."""
    return load_plugins().architectures


every_architecture = pytest.mark.parametrize("architecture", ARCHITECTURES, ids=lambda architecture: architecture.name)


@every_architecture
def test_architecture_says_what_it_is(architecture: Architecture):
    """An architecture has a summary in one line, a source, and tags from the vocabulary, each once."""
    assert architecture.summary
    assert "\n" not in architecture.summary
    assert not architecture.summary.endswith(".")
    assert architecture.source
    assert architecture.tags
    assert set(architecture.tags) <= TAGS
    assert len(set(architecture.tags)) == len(architecture.tags)


def test_every_tag_is_used():
    """Every word of the vocabulary is the tag of some architecture."""
    assert {tag for architecture in ARCHITECTURES for tag in architecture.tags} == TAGS


@every_architecture
def test_control_is_another_network_for_the_same_inputs(architecture: Architecture, registered: Sequence[Any]):
    """A control selects one other network that takes the same inputs; only the controls themselves have none."""
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
    """Exactly the architectures in WITHOUT_A_RECIPE have no recipe."""
    assert (architecture.name in WITHOUT_A_RECIPE) == (architecture.recipe is None)


@pytest.mark.parametrize(
    ("architecture", "variant"),
    [(item, variant) for item in ARCHITECTURES if item.recipe for variant in ("", *item.variants)],
    ids=lambda value: value.name if isinstance(value, Architecture) else value or "defaults",
)
def test_recipe_is_complete(architecture: Architecture, variant: str):
    """A recipe says all that is needed to repeat the training; a form that it is not for has none."""
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
    """Only `fixup`, whose last layer starts at zero, has an expected failure."""
    assert list(architecture.expected_failures) == (["B205"] if architecture.name == "fixup" else [])
    assert architecture.unused_parameters == (("units.*.branch.*",) if architecture.name == "stochastic-depth" else ())


def test_deep_nets_start_as_their_papers_say(registered: Sequence[Any]):
    """Recipes hold the warm-up of the deepest nets, the bias rates of highway nets, and what is not supported."""
    recipes = {}
    deep = ("resnet-20", "resnet-110", "resnet-18", "preresnet-110", "stochastic-depth-1202")
    highways = ("highway", "highway-conv-32", "highway-b")
    refused = ("lstm", "lstm-1997-gers", "convnext", "fixup", "vit", "xlstm")
    for name in (*deep, *highways, *refused, "vgg", "alexnet", "tcn", "densenet-bc-100-12", "densenet-121"):
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
    for name in ("vgg", "alexnet"):  # "divided by 10, three times", at moments that were not published
        early = recipes[name].recipe
        assert (len(early.milestones), early.decay, recipes[name].unsupported) == (3, 0.1, "")
    assert [recipes[name].recipe.batch_size for name in ("densenet-bc-100-12", "densenet-121")] == [64, 256]
    assert all(recipes[name].unsupported for name in refused)
