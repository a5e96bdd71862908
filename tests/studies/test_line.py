"""The study of the line on hand-made records: dials, their strengths, and the claims."""

from __future__ import annotations

import pytest

from archbench import StudyData
from archbench_studies import line
from archbench_studies._lags import CHANCE, LSTM, LSTM_CLOSED
from archbench_studies._nets import HIGHWAY_4, PLAIN, RESIDUAL, RESNET
from archbench_studies._rules import TIME
from support.study_records import study_record


@pytest.fixture
def dial(net, reading):
    """`dial(s, score, seed, loss)` is the fully connected net with that line."""

    def make(s: float, score: float = 0.9, seed: int = 0, loss: float = 0.1):
        return net(
            RESIDUAL, 50, seed, score=score, loss=loss, line=s, readings=[reading("strength", {"1": s, "2": s}, 0)]
        )

    return make


def test_charts_place_scores_at_the_strength_of_the_line(dial):
    """A block's strength is that before training; that of the whole net is its power of 49."""
    findings = line.analyse(StudyData([dial(0.5, 0.2), dial(1.0, 0.9), dial(1.0, 0.8, seed=1)]))
    block, whole = (chart.lines[0] for chart in findings.charts)

    assert (block.x, block.y) == ((0.5, 1.0), (0.2, pytest.approx(0.85)))
    assert block.seeds == ((0.5, 0.2), (1.0, 0.9), (1.0, 0.8))
    assert whole.x == (pytest.approx(0.5**49), 1.0)
    assert "0.20 at s = 0.5 and 0.85 at s = 1" in findings.text


def test_kinds_of_shortcuts_are_not_joined(net, reading):
    """They are no settings of one dial: each is a point with its name, where a line would say what lies between."""
    kinds = {"A": (1.0, 0.9), "scaled": (0.5, 0.3)}
    records = [
        net(RESNET, 56, score=score, shortcut=kind, readings=[reading("strength", {"1": strength, "2": strength}, 0)])
        for kind, (strength, score) in kinds.items()
    ]
    found = {each.label: (each.x, each.y) for each in line.analyse(StudyData(records)).charts[0].lines}

    assert found == {"resnet-56, identity": ((1.0,), (0.9,)), "resnet-56, scaled": ((0.5,), (0.3,))}


@pytest.mark.parametrize(
    ("scores", "least"),
    [
        ({1.0: 0.95, 0.9: 0.93, 0.5: 0.2}, "0.9"),
        ({1.0: 0.95, 0.9: 0.3, 0.5: 0.94}, "1"),
        ({1.0: 0.95, 0.5: 0.94}, "0.5"),
    ],
)
def test_least_line_reaches_the_score_of_the_identity(dial, scores, least):
    """It is the smallest s from which on every setting comes within five points."""
    findings = line.analyse(StudyData([dial(s, score) for s, score in scores.items()]))

    assert f"With a line of {least} in each of 49 blocks" in findings.text


def test_claims_compare_with_the_identity(net, dial, effects):
    """An effect is log10 of the training loss with a weakened line over that with an identity."""
    records = [dial(0.5, loss=1.0), dial(1.0, loss=0.1), net(RESNET, 56, loss=0.1), net(PLAIN, 56, loss=2.0)]
    records += [net(RESNET, 56, loss=0.1 * factor, shortcut=kind) for kind, factor in (("scaled", 10), ("dropout", 2))]

    assert effects(line, "half-a-line-is-not-enough", records) == {0: pytest.approx(1)}
    assert effects(line, "halved-shortcuts-hurt", records) == {0: pytest.approx(1)}
    assert effects(line, "dropped-shortcuts-hurt", records) == {0: pytest.approx(0.30103)}
    assert effects(line, "open-gates-recover", records) == {}


def test_the_dial_in_time_is_the_forget_gate(make_record, reading):
    """Errors stand at the mean opening of the forget gate, before training and after it; other gates do not count."""

    def gates(opening, step):
        return reading("gate", {"1.i": 0.9, "1.f": opening, "1.o": 0.1}, step)

    records = [
        study_record(
            make_record, net.architecture, net.options, task="adding", task_options={"length": 50, "test_length": 0},
            protocol=TIME, score=error * CHANCE, readings=[gates(start, 0), gates(end, 600)],
        )
        for net, error, start, end in ((LSTM_CLOSED, 0.5, 0.05, 0.4), (LSTM, 0.02, 0.75, 0.9))
    ]  # fmt: skip
    findings = line.analyse(StudyData(records))
    (chart,) = findings.charts

    assert [(one.x, one.y) for one in chart.lines] == [
        ((0.05, 0.75), (pytest.approx(0.5), pytest.approx(0.02))),
        ((0.4, 0.9), (pytest.approx(0.5), pytest.approx(0.02))),
    ]
    assert "0.50 from an opening of 0.05, which became 0.40 and 0.02 from an opening of 0.75" in findings.text
    assert findings.rows[1][:3] == ("LSTM", "50 steps", "0.75")
    assert findings.numbers["error lstm-closed"] == pytest.approx(0.5)


def test_every_dial_has_its_own_settings(net):
    """Highway biases and shortcuts are told apart; a plain net stands for no shortcut."""
    records = [net(HIGHWAY_4, 100, gate_bias=-2.0), net(HIGHWAY_4, 100), net(HIGHWAY_4, 50), net(PLAIN, 56)]
    records += [net(RESNET, 56), net(RESNET, 56, shortcut="averaged"), net(RESNET, 20)]
    found = {kind: list(dial) for kind, dial in line.settings(StudyData(records)).items()}

    assert found == {
        "fully connected": [],
        "highway": ["bias -2", "bias -4"],
        "resnet-56": ["none", "averaged", "A"],
    }
