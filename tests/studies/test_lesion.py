"""The study of lesions on hand-made records: shares lost, and paths of known lengths."""

from __future__ import annotations

import pytest

from archbench import StudyData
from archbench_studies import lesion
from archbench_studies._lesions import damage, mean_path, path_profile
from archbench_studies._nets import HIGHWAY_4, MLP_TANH, PLAIN, RESNET

SCORES = {"whole": 1.0, "1": 0.1, "2": 1.0, "3": 0.55, "1+2": 0.1, "1+3": 0.1, "2+3": 0.55}


def test_damage_is_the_share_of_the_score_above_chance(net, reading):
    """1 is lost where chance, 0.1, is left; of all lesions of so many blocks the median counts, or the worst."""
    data = StudyData([net(RESNET, 20, readings=[reading("lesion", SCORES)])])

    assert damage(data, "lesion", 1) == {0: pytest.approx(0.5)}
    assert damage(data, "lesion", 1, max) == {0: pytest.approx(1.0)}
    assert damage(data, "lesion", 2) == {0: pytest.approx(1.0)}
    assert damage(data, "lesion", 5) == {}
    assert damage(data, "swap", 2) == {}


@pytest.mark.parametrize(("whole", "found"), [(0.5, False), (0.6, True)])
def test_nets_that_learned_little_are_left_out(net, reading, whole, found):
    """A net less than half the way from chance to perfect has nothing that a lesion could take away."""
    data = StudyData([net(PLAIN, 20, readings=[reading("lesion", {"whole": whole, "1": 0.1})])])

    assert bool(damage(data, "lesion", 1)) is found


def test_paths_are_weighed_by_their_number(reading):
    """With equal gradients along all 2^4 paths their lengths follow the binomial law; the mean is half the longest."""
    equal = reading("paths", {**{f"gradient {k}": 2.0 for k in range(5)}, "output 0": 9.0})
    profile = path_profile(equal)

    assert profile == pytest.approx({0: 1 / 16, 0.25: 4 / 16, 0.5: 6 / 16, 0.75: 4 / 16, 1: 1 / 16})
    assert mean_path(equal) == pytest.approx(0.5)


def test_branches_that_shrink_the_gradient_shorten_the_paths(reading):
    """If each branch passes a third, paths take it with odds of 1 to 3: the mean length is a quarter of all blocks."""
    shrinking = reading("paths", {f"gradient {k}": 3.0**-k for k in range(28)})

    assert mean_path(shrinking) == pytest.approx(0.25)
    assert mean_path(reading("paths", {"output 0": 1.0})) is None


def test_paths_through_all_blocks_count_though_they_carry_nothing(reading):
    """Lengths are shares of all blocks, also where the longest paths have no gradient; an infinite one has no mean."""
    short = reading("paths", {"gradient 0": 1.0, "gradient 1": 1.0, "gradient 2": 0.0, "gradient 3": 0.0})

    assert path_profile(short) == pytest.approx({0: 0.25, 1 / 3: 0.75, 2 / 3: 0.0, 1: 0.0})
    assert mean_path(short) == pytest.approx(0.25)
    assert mean_path(reading("paths", {"gradient 0": 1.0, "gradient 1": None})) is None
    assert mean_path(reading("paths", {"gradient 0": 0.0, "gradient 1": 0.0})) is None


def test_claims_read_their_own_nets(net, effects, reading):
    """Every claim reads lesions, swaps or paths of the net that it names."""

    def lesions(left: float) -> list[object]:
        return [
            reading("lesion", {"whole": 1.0, "1": left, "1+2+3+4+5": 0.1}),
            reading("swap", {"whole": 1.0, "1+2": left}),
        ]

    records = [net(RESNET, 56, readings=lesions(0.91)), net(PLAIN, 20, readings=lesions(0.1))]
    records += [net(MLP_TANH, 20, readings=lesions(0.19)), net(HIGHWAY_4, 20, readings=lesions(1.0))]
    expected = {
        "lesions-spare-residual-nets": 0.1,
        "lesions-destroy-plain-nets": 1.0,
        "lesions-destroy-plain-layers": 0.9,
        "lesions-spare-highway-nets": 0.0,
        "residual-nets-are-ensembles": 1.0,
        "residual-blocks-can-be-swapped": 0.1,
    }

    assert {name: effects(lesion, name, records)[0] for name in expected} == pytest.approx(expected)


def test_findings_of_lesions(net, reading):
    """The text has the share lost by net, the chart starts at no damage, and each net has a row."""
    paths = reading("paths", {f"gradient {k}": 1.0 for k in range(5)})
    records = [net(RESNET, 20, readings=[reading("lesion", SCORES), paths]), net(PLAIN, 56, score=0.2)]
    findings = lesion.analyse(StudyData(records))
    damaged, separated = findings.charts

    assert "costs this share of its score above chance: 50% in resnet (20)." in findings.text
    assert (damaged.lines[0].x, damaged.lines[0].y) == ((0.0, 1.0, 2.0), (0.0, pytest.approx(0.5), pytest.approx(1.0)))
    assert separated.lines[0].y[2] == pytest.approx(6 / 16)
    assert [row[0] for row in findings.rows] == ["resnet (20)"]
