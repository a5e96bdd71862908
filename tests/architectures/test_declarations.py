"""What every built-in architecture says of itself."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import archbench_plugins
from archbench import Architecture
from archbench._plugins import load_plugins
from archbench._selectors import select
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
    *("transformer", "recurrent-highway"),  # batches of tokens; a loss summed over steps
    *("min-gru", "min-lstm"),  # no code of the authors
}

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
def test_control_is_another_network_for_the_same_inputs(architecture: Architecture):
    """A selector of one network that takes whatever this one takes; only the controls themselves have none."""
    assert (architecture.name in CONTROLS) == (not architecture.control) == ("control" in architecture.tags)
    if architecture.control:
        (control,) = select([architecture.control], load_plugins().architectures, "architecture")
        (itself,) = select([architecture.name], load_plugins().architectures, "architecture")

        assert control.component.label != itself.component.label
        assert set(architecture.inputs) <= set(control.registered.item.inputs)


def test_controls_end_in_a_control():
    """Going from control to control ends at a network without a straight path, and never in a circle."""
    control_of = {}
    plugins = load_plugins().architectures
    for architecture in ARCHITECTURES:
        if architecture.control:
            (control,) = select([architecture.control], plugins, "architecture")
            control_of[architecture.name] = control.registered.item.name
    for name in control_of:
        path = [name]
        while path[-1] in control_of and control_of[path[-1]] != path[-1]:  # a control may be a form of its own
            path.append(control_of[path[-1]])
            assert len(set(path)) == len(path)


@every_architecture
def test_recipe_is_complete(architecture: Architecture):
    """Where a paper's training is known, it says all that is needed to repeat it, or how sure it is."""
    assert (architecture.name in WITHOUT_A_RECIPE) == (architecture.recipe is None)
    if architecture.recipe is not None:
        recipe = architecture.recipe

        assert recipe.source
        assert recipe.data
        assert recipe.learning_rate > 0
        assert recipe.batch_size >= 1
        assert (recipe.epochs or 0) + (recipe.steps or 0) >= 1
        assert 0 <= recipe.momentum < 1
        assert (recipe.momentum > 0) or recipe.optimizer != "nesterov"
        assert list(recipe.milestones) == sorted(set(recipe.milestones))
        assert all(0 < share < 1 for share in recipe.milestones)
        assert 0 < recipe.decay < 1


@every_architecture
def test_exceptions_are_few_and_give_a_reason(architecture: Architecture):
    """Only networks of torch's fused recurrent kernels have an exception, and only to being compiled."""
    fused = architecture.name in {"rnn", "lstm", "gru"}

    assert list(architecture.expected_failures) == (["B403"] if fused else [])
    assert architecture.unused_parameters == (("units.*.branch.*",) if architecture.name == "stochastic-depth" else ())
