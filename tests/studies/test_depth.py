"""The study of depth on hand-made records: losses, the depth ceiling, and its claims."""

from __future__ import annotations

import math

import pytest

from archbench import StudyData
from archbench_studies import depth
from archbench_studies._nets import HIGHWAY_4, MLP_TANH, ORTHOGONAL, PLAIN, PRE_ACTIVATED, RESNET, STOCHASTIC
from archbench_studies._reductions import CHANCE_LOSS, LOSS_FLOOR, training_losses


@pytest.mark.parametrize(
    ("losses", "expected"),
    [
        ({10: 0.1, 20: 0.1, 50: 0.19, 100: 0.3}, 100),  # no step is worse than twofold
        ({10: 0.1, 20: 0.21, 50: 2.3, 100: 2.3}, 10),  # two nets at chance train equally well, and neither trains
        ({10: 0.1, 20: 0.1, 50: 0.9, 100: 0.1}, 20),
        ({10: 0.001, 20: 0.049, 50: 0.2}, 20),  # below 0.05 all losses are alike
        ({20: 0.2}, 20),
    ],
)
def test_ceiling_is_the_last_net_that_trains_as_well_as_its_sibling(losses, expected):
    """From the shallowest on, the ceiling is the last depth before the first that is more than twice as bad."""
    assert depth.ceiling({layers: {0: loss} for layers, loss in losses.items()}) == expected


def test_how_far_a_loss_falls_counts_only_where_it_is_claimed(net, effects):
    """Two nets below the floor train equally well, but a hundredfold difference is one of the losses themselves."""
    records = [net(HIGHWAY_4, 10, loss=0.04), net(HIGHWAY_4, 100, loss=0.002), net(MLP_TANH, 100, loss=2.0)]

    assert effects(depth, "highway-nets-do-not-degrade", records) == {0: 0.0}
    assert effects(depth, "highway-hundredfold", records) == {0: pytest.approx(3)}


def test_ceiling_follows_the_median_of_paired_seeds():
    """One seed in three that fails does not lower the ceiling; two do."""
    assert depth.ceiling({20: {0: 0.1, 1: 0.2, 2: 0.3}, 56: {0: 2.0, 1: 0.2, 2: 0.3}}) == 56
    assert depth.ceiling({20: {0: 0.1, 1: 0.2, 2: 0.3}, 56: {0: 2.0, 1: 2.0, 2: 0.3}}) == 20


def test_losses_lie_between_floor_and_chance(net):
    """A loss above chance and a diverged seed count as chance, a tiny one as the floor, a failed seed not at all."""
    records = [net(PLAIN, 20, 0, loss=7.0), net(PLAIN, 20, 1, loss=1e-6), net(PLAIN, 20, 2, loss=0.3)]
    records += [net(PLAIN, 20, 3, status="diverged"), net(PLAIN, 20, 4, status="timeout")]

    assert training_losses(StudyData(records)) == {0: CHANCE_LOSS, 1: LOSS_FLOOR, 2: 0.3, 3: CHANCE_LOSS}
    assert pytest.approx(math.log(10)) == CHANCE_LOSS


def test_claims_compare_the_nets_that_they_name(net, effects):
    """An effect is log10 of the ratio of the two training losses, in the seeds that both nets have."""
    records = [net(PLAIN, 20, seed, loss=0.2) for seed in range(3)] + [
        net(PLAIN, 56, seed, loss=2.0) for seed in (0, 1)
    ]
    records += [net(RESNET, 20, 0, loss=0.1), net(RESNET, 56, 0, loss=0.2), net(PRE_ACTIVATED, 56, 0, loss=0.1)]
    records += [net(ORTHOGONAL, 20, 0, loss=0.5), net(ORTHOGONAL, 56, 0, loss=0.5), net(STOCHASTIC, 56, 0, loss=1.0)]

    assert effects(depth, "degradation", records) == {0: pytest.approx(1), 1: pytest.approx(1)}
    assert effects(depth, "residual-nets-do-not-degrade", records) == {0: pytest.approx(math.log10(2))}
    assert effects(depth, "shortcuts-train-deep-nets", records) == {0: pytest.approx(1)}
    assert effects(depth, "pre-activation-trains-as-well", records) == {0: pytest.approx(-math.log10(2))}
    assert effects(depth, "isometry-suffices", records) == {0: 0.0}
    assert effects(depth, "highway-hundredfold", records) == {}


def test_a_reference_that_was_not_trained_decides_nothing(net, effects):
    """Of two nets that both fail, none trains as well as the other or worse: the seed has no effect."""
    records = [net(family, layers, loss=2.3) for family in (PLAIN, RESNET, ORTHOGONAL) for layers in (20, 56)]
    records += [net(RESNET, 20, 1, loss=0.1), net(RESNET, 56, 1, loss=0.1)]

    assert effects(depth, "degradation", records) == {}
    assert effects(depth, "residual-nets-do-not-degrade", records) == {1: 0.0}
    assert effects(depth, "isometry-suffices", records) == {}


def test_claims_about_losses_say_where_these_are_cut(net, effects):
    """Losses that lie apart below the floor have a ratio of 1, and the claim names the floor that makes it so."""
    records = [net(RESNET, 20, loss=0.001), net(RESNET, 56, loss=0.04)]
    records += [net(HIGHWAY_4, 100, loss=0.001), net(MLP_TANH, 100, loss=0.04)]
    notes = {claim.name: claim.note for claim in depth.CLAIMS}

    assert effects(depth, "residual-nets-do-not-degrade", records) == {0: 0.0}
    assert notes["residual-nets-do-not-degrade"].startswith("Training losses below 0.05 count as 0.05")
    assert effects(depth, "highway-hundredfold", records) == {0: pytest.approx(math.log10(40))}
    assert notes["highway-hundredfold"].startswith("Training losses below 0.0001 count as 0.0001")
    assert all("above 2.3" in note and "above 0.5 decides nothing" in note for note in notes.values())


@pytest.mark.parametrize(
    ("orthogonal", "residual", "expected"),
    [
        (0.1, 0.1, "lifts the ceiling of plain nets from 20 to 56"),
        (2.0, 0.1, "Here it takes the shortcut"),
        (2.0, 2.0, "Not to be told here"),
    ],
)
def test_findings_answer_shortcut_or_isometry(net, orthogonal, residual, expected):
    """The text says whether a start that keeps lengths, or the shortcut alone, lifts the ceiling of plain nets."""
    deep = {PLAIN: 2.0, ORTHOGONAL: orthogonal, RESNET: residual}
    records = [
        net(family, layers, loss=0.1 if layers == 20 else loss) for family, loss in deep.items() for layers in (20, 56)
    ]
    findings = depth.analyse(StudyData(records))

    assert expected in findings.text
    assert "From 20 to 56 layers the training loss of plain goes from 0.1 to 2" in findings.text
    assert "medians of the seeds: as well means at most twice the loss, and losses below 0.05" in findings.text
    assert findings.numbers["ceiling plain"] == 20
    assert findings.numbers["loss plain 56"] == 2.0


def test_findings_have_a_chart_for_each_kind_of_net(net):
    """Fully connected and convolutional nets have a chart each, with every seed as a dot, and a row for each net."""
    records = [net(MLP_TANH, layers, seed, loss=0.1 * layers) for layers in (10, 20) for seed in (0, 1)]
    records += [net(PLAIN, 20, score=0.75)]
    findings = depth.analyse(StudyData(records))
    (line,) = findings.charts[0].lines

    assert [chart.title.split(":")[0] for chart in findings.charts] == [
        "Fully connected nets",
        "Convolutional nets",
        "Convolutional nets without shortcuts or without normalisation",
    ]
    assert (line.label, line.x, line.y) == ("plain tanh", (10.0, 20.0), (1.0, 2.0))
    assert line.seeds == ((10.0, 1.0), (10.0, 1.0), (20.0, 2.0), (20.0, 2.0))
    assert ("plain", "20", "1", "0.1", "0.750", "20") in findings.rows
    assert depth.analyse(StudyData([])).charts == ()
