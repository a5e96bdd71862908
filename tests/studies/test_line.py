"""The study of the line on hand-made records: dials, their strengths, and the claims."""

from __future__ import annotations

import pytest

from archbench import StudyData
from archbench_studies import line
from archbench_studies._nets import HIGHWAY_4, PLAIN, RESIDUAL, RESNET


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
