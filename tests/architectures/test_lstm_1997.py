"""The LSTM of 1997 against the weight counts of Table 10, its equations, and both of its gradients."""

# ruff: noqa: N806 - the papers' symbols are capitals

from __future__ import annotations

import math

import pytest
import torch

from archbench import TaskInfo
from archbench._declarations import convert_options
from support.equations import lstm_1997

# variant, inputs, outputs, weights: Table 10 of the paper; 2c has p + 4 inputs and 6p + 64 weights; Gers et al. 2000.
TABLE_10 = [
    ("lstm-1997-1a", 7, 7, 264),
    ("lstm-1997-1b", 7, 7, 276),
    ("lstm-1997-2a", 101, 101, 10_504),
    *(
        ("lstm-1997-2c", p + 4, 2, weights)
        for p, weights in ((50, 364), (100, 664), (200, 1264), (500, 3064), (1000, 6064))
    ),
    ("lstm-1997-3", 1, 1, 102),
    ("lstm-1997-4", 2, 1, 93),
    ("lstm-1997-6a", 8, 4, 156),
    ("lstm-1997-6b", 8, 8, 308),
    ("lstm-1997-gers", 7, 7, 424),
]
# variant, learning rate of Table 10, sequences until success of Tables 2, 3 and 10; Gers et al. 2000, sec. 4.
RECIPES = [
    ("lstm-1997-1a", 0.1, 39_740),
    ("lstm-1997-1b", 0.5, 8_440),
    ("lstm-1997-2a", 1.0, 5_040),
    ("lstm-1997-2c", 0.01, 31_000),
    ("lstm-1997-3", 1.0, 39_850),
    ("lstm-1997-4", 0.5, 74_000),
    ("lstm-1997-6a", 0.5, 31_390),
    ("lstm-1997-6b", 0.1, 571_100),
    ("lstm-1997-gers", 0.5, 30_000),
]
FORMS = [
    {"connectivity": connectivity, "output_gate": output_gate, "forget_gate": forget_gate}
    for connectivity in ("full", "cells", "below")
    for output_gate, forget_gate in ((True, False), (True, True), (False, False))
]
per_form = pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(str(value) for value in form.values()))


@pytest.mark.parametrize(("variant", "rate", "steps"), RECIPES)
def test_every_experiment_has_its_own_recipe(declared, variant, rate, steps):
    """A variant is trained with the rate and the sequences of its experiment, with the full gradient too."""
    architecture = declared("lstm-1997")
    for more in ({}, {"truncated": False}):
        options = convert_options(architecture, {**architecture.variants[variant], **more})
        recipe = architecture.own_recipe(options).recipe

        assert (recipe.optimizer, recipe.batch_size, recipe.momentum) == ("sgd", 1, 0.0)
        assert (recipe.learning_rate, recipe.steps) == (rate, steps)


def test_recipes_cover_the_variants(declared):
    """Every variant is in the table of recipes, and a net of none of the experiments has the recipe of experiment 4."""
    architecture = declared("lstm-1997")

    assert [name for name, _, _ in RECIPES] == list(architecture.variants)
    assert architecture.own_recipe(convert_options(architecture, {})).recipe.steps == 74_000


@pytest.fixture
def make(build):
    """Return a function that builds a float64 net of 3 blocks of 2 cells, with weights large enough to matter."""

    def make_network(**options):
        task = TaskInfo(kind="sequence", input_shape=(6, 3), outputs=2, per_step=True)
        return build("lstm_1997", task, **{"blocks": 3, "block_size": 2, "weight_range": 0.9, **options}).double()

    return make_network


@pytest.mark.parametrize(("variant", "inputs", "outputs", "weights"), TABLE_10)
def test_variant_has_the_published_number_of_weights(build, variant, inputs, outputs, weights):
    """A variant has exactly the weights that Table 10, or Gers et al., print for it."""
    task = TaskInfo(kind="sequence", input_shape=(20, inputs), outputs=outputs, per_step=True)

    assert weights == sum(p.numel() for p in build("lstm_1997", task, variant=variant).parameters())


def test_declared_counts_are_those_of_the_table(declared):
    """The declared counts, which `benchmark check` compares with, are the published counts of all variants."""
    parameters = declared("lstm_1997").parameters
    rows = {(name, task.input_shape[1], task.outputs, count) for name, (task, count) in parameters.items()}

    assert rows <= set(TABLE_10)
    assert {row[0] for row in TABLE_10} == parameters.keys() == declared("lstm_1997").variants.keys()


@per_form
@pytest.mark.parametrize("truncated", [True, False])
def test_core_computes_its_equations(make, form, truncated):
    """Outputs of the core and the gradients of all parameters agree with autograd through a plain loop."""
    core = make(truncated=truncated, **form).core
    x = torch.randn(4, 6, 3, dtype=torch.double)
    found, expected = core(x), lstm_1997(core, x, truncated=truncated)
    parameters = list(core.parameters())

    torch.testing.assert_close(found, expected)
    for a, b in zip(*(torch.autograd.grad(y.square().sum(), parameters) for y in (found, expected)), strict=True):
        torch.testing.assert_close(a, b)


@per_form
def test_full_gradient_agrees_with_finite_differences(make, form):
    """The hand-written gradient through all gates passes gradcheck."""
    core = make(truncated=False, **form).core
    x = torch.randn(2, 4, 3, dtype=torch.double, requires_grad=True)

    assert torch.autograd.gradcheck(lambda x, *_: core(x), (x, *core.parameters()))


def test_truncation_changes_the_gradient_and_not_the_outputs(make):
    """With and without truncation the outputs agree and the gradients differ."""
    network = make()
    x = torch.randn(4, 6, 3, dtype=torch.double)
    gradients = []
    for network.core.truncated in (True, False):
        gradients.append((network(x), *torch.autograd.grad(network(x).square().sum(), network.core.R)))

    torch.testing.assert_close(gradients[0][0], gradients[1][0])
    assert not torch.allclose(gradients[0][1], gradients[1][1], rtol=1e-2)


def test_truncated_gradient_of_a_hand_computed_case(make):
    """For one cell, two steps and L = y_c(2), gradients are those derived by hand from the appendix."""
    core = make(blocks=1, block_size=1, biases="none").core
    x = [0.7, -0.4]
    w = {"c": 0.5, "in": -0.3, "out": 0.8}  # from the input
    r = {"c": (0.6, -0.2, 0.4), "in": (-0.5, 0.3, 0.1), "out": (0.2, 0.7, -0.6)}  # from the cell, its gates in and out
    with torch.no_grad():
        core.W.copy_(torch.tensor([[w[unit], 0.0, 0.0] for unit in w]))
        core.R.copy_(torch.tensor([r[unit] for unit in r]))

    def sigmoid(z: float) -> float:
        return 1 / (1 + math.exp(-z))

    s, y, steps = 0.0, (0.0, 0.0, 0.0), []
    for x_t in x:
        net = {unit: w[unit] * x_t + sum(a * b for a, b in zip(r[unit], y, strict=True)) for unit in w}
        gate = {unit: sigmoid(net[unit]) for unit in w}
        s += gate["in"] * (4 * gate["c"] - 2)
        steps.append({"x": x_t, "past": y, "gate": gate})
        y = (gate["out"] * (2 * sigmoid(s) - 1), gate["in"], gate["out"])
    slope = {unit: [step["gate"][unit] * (1 - step["gate"][unit]) for step in steps] for unit in w}
    error_in_s = steps[1]["gate"]["out"] * 2 * sigmoid(s) * (1 - sigmoid(s))  # y_out h'(s), at both steps
    error = {  # in each net input, by step: nothing passes from step 2 to step 1 but through s
        "c": [error_in_s * step["gate"]["in"] * 4 * d for step, d in zip(steps, slope["c"], strict=True)],
        "in": [error_in_s * (4 * step["gate"]["c"] - 2) * d for step, d in zip(steps, slope["in"], strict=True)],
        "out": [0.0, (2 * sigmoid(s) - 1) * slope["out"][1]],
    }
    inputs = torch.zeros(1, 2, 3, dtype=torch.double)
    inputs[0, :, 0] = torch.tensor(x)
    y_c = core(inputs)[0, 1, 0]
    dW, dR = torch.autograd.grad(y_c, (core.W, core.R))

    torch.testing.assert_close(y_c.item(), y[0])
    for row, unit in enumerate(w):
        torch.testing.assert_close(
            dW[row, 0].item(), sum(e * step["x"] for e, step in zip(error[unit], steps, strict=True))
        )
        for column in range(3):
            expected = sum(e * step["past"][column] for e, step in zip(error[unit], steps, strict=True))
            torch.testing.assert_close(dR[row, column].item(), expected)


def test_biases_start_as_asked(build):
    """Biases of input gates and forget gates start at their options, all others at 0."""
    task = TaskInfo(kind="sequence", input_shape=(6, 3), outputs=2)
    core = build("lstm_1997", task, blocks=2, forget_gate=True, input_bias=-4.0, forget_bias=1.5).core

    assert core.b.tolist() == [0.0] * 4 + [-4.0] * 2 + [0.0] * 2 + [1.5] * 2
