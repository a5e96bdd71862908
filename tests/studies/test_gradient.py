"""The study of the gradient on hand-made records: profiles and rates of known decays, in depth and in time."""

from __future__ import annotations

import math

import pytest

from archbench import Reading, StudyData
from archbench_studies import gradient
from archbench_studies._nets import HIGHWAY_2, MLP_TANH, PLAIN, RESIDUAL, RESNET
from archbench_studies._reductions import decay, gradient_profile, median_profile
from archbench_studies._rules import TIME
from support.study_records import study_record


def geometric(rate: float, blocks: int = 49, probe: str = "block-gradient", step: int = 0) -> Reading:
    """A gradient that gains so many decades with each block further from the loss, 0.3 at the last."""
    values: list[float | None] = [0.3 * 10 ** (rate * (blocks - 1 - block)) for block in range(blocks)]
    return Reading(probe=probe, step=step, names=[str(block) for block in range(blocks)], values=values)  # type: ignore[arg-type]


@pytest.mark.parametrize("rate", [-0.4, -0.05, 0.0, 0.1])
def test_decay_of_a_geometric_gradient_is_its_rate(rate):
    """The fitted rate of a geometric gradient is that of the geometry, and the profile starts at 1 at the loss."""
    profile = gradient_profile(geometric(rate))

    assert decay(geometric(rate)) == pytest.approx(rate)
    assert profile[0] == (0, 1.0)
    assert profile[-1] == (48, pytest.approx(10 ** (48 * rate)))


def test_underflow_and_gaps_are_left_out():
    """Norms of 0 and missing ones do not bend the fit; distances stay those of the blocks."""
    values: list[float | None] = [0.0, None, 1e-6, 1e-4, 1e-2, 1.0]
    reading = Reading(probe="time-gradient", step=9, names=list("abcdef"), values=values)

    assert [distance for distance, _ in gradient_profile(reading)] == [0, 1, 2, 3]
    assert decay(reading) == pytest.approx(-2)
    assert decay(Reading(probe="time-gradient", step=9, names=["a"], values=[1.0])) is None


def test_median_profile_is_that_of_the_middle_seed():
    """At every distance the median over seeds is taken of the relative gradients."""
    profile = dict(median_profile([geometric(-0.1), geometric(-0.2), geometric(-0.4)]))

    assert profile[10] == pytest.approx(1e-2)
    assert median_profile([]) == []


def test_claims_of_decay_read_the_start(net, effects):
    """Rates are those before the first step; that of the highway net is what it differs from log10(1 - T)."""
    expected = math.log10(1 - 1 / (1 + math.exp(2)))
    records = [
        net(MLP_TANH, 50, readings=[geometric(-0.03), geometric(-0.5, step=200)]),
        net(PLAIN, 56, readings=[geometric(0.1)]),
        net(HIGHWAY_2, 50, readings=[geometric(expected + 0.004)]),
    ]

    assert effects(gradient, "error-vanishes-in-depth", records) == {0: pytest.approx(-0.03)}
    assert effects(gradient, "normalised-plain-nets-keep-their-gradient", records) == {0: pytest.approx(0.1)}
    assert effects(gradient, "error-follows-the-gate", records) == {0: pytest.approx(0.004)}


def test_claims_of_rank_and_correlation_compare_plain_with_residual(net, effects, reading):
    """Before training, ranks are those of the last block, and correlations those of the nearest neighbours."""
    plain = [reading("rank", {"1": 40.0, "2": 3.0}, 0), reading("rank", {"1": 40.0, "2": 20.0})]
    residual = [reading("rank", {"1": 40.0, "2": 30.0}, 0), reading("rank", {"1": 40.0, "2": 20.0})]
    records = [net(MLP_TANH, 50, readings=plain), net(RESIDUAL, 50, readings=residual)]
    records += [net(PLAIN, 56, readings=[reading("correlation", {"0.125": 0.1, "1": 0.0}, 0)])]
    records += [net(RESNET, 56, readings=[reading("correlation", {"0.125": 0.8, "1": 0.0}, 0)])]

    assert effects(gradient, "information-collapses-in-plain-nets", records) == {0: pytest.approx(-1)}
    assert effects(gradient, "gradients-shatter-in-plain-nets", records) == {0: pytest.approx(0.7)}


def test_outputs_that_do_not_differ_count_as_one_direction(net, effects, reading):
    """A rank of 0 is no missing seed: it counts as 1, the least that outputs can have which differ at all."""
    records = [net(MLP_TANH, 50, readings=[reading("rank", {"1": 0.0}, 0)])]
    records += [net(RESIDUAL, 50, readings=[reading("rank", {"1": 10.0}, 0)])]

    assert effects(gradient, "information-collapses-in-plain-nets", records) == {0: pytest.approx(-1)}


def test_figure_has_time_and_depth_on_equal_axes(net, make_record):
    """After training, the RNN in time and the nets of depth are lines of one chart; before it, theory is dashed."""
    rnn = study_record(
        make_record,
        "rnn",
        {"nonlinearity": "tanh"},
        task="adding",
        task_options={"length": 50, "test_length": 0},
        protocol=TIME,
        readings=[geometric(-0.1, 50, "time-gradient"), geometric(-0.3, 50, "time-gradient", 1200)],
    )
    highway = net(HIGHWAY_2, 50, readings=[geometric(-0.055), geometric(-0.01, step=200)])
    findings = gradient.analyse(StudyData([rnn, highway]))
    after, before = findings.charts

    assert [line.label for line in after.lines] == ["RNN in time", "highway with bias -2 (50)"]
    assert after.lines[0].x[-1] == 49
    assert after.lines[1].y[10] == pytest.approx(10**-0.1)
    assert [line.dashed for line in before.lines] == [False, False, True]
    assert findings.numbers["end rnn"] == pytest.approx(-0.3)
    assert findings.numbers["theory highway-2 50"] == pytest.approx(math.log10(1 - 1 / (1 + math.exp(2))))
    assert "from -0.300 in RNN in time to -0.010 in highway with bias -2 (50)" in findings.text


def test_rates_of_weights_leave_out_the_first_and_the_last_layer():
    """Layers of other shapes do not bend the rate of the hidden ones; convolutional nets have none."""
    values: list[float | None] = [99.0, 1.0, 10.0, 100.0, 99.0]
    layers = Reading(probe="gradient", step=0, names=["1", "3", "5", "7", "9"], values=values)
    units = Reading(probe="gradient", step=0, names=["stem", "units.0", "units.1", "units.2", "head"], values=values)

    assert gradient.hidden_decay(layers) == pytest.approx(-1)
    assert gradient.hidden_decay(units) is None
