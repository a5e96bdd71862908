"""The studies of auxiliary classifiers, dropped layers and efficiency on hand-made records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from archbench import Claim, Reading, Record, StudyData
from archbench_studies import auxiliary, efficiency, layer_drop
from archbench_studies._nets import DENSENET, RESNET, STOCHASTIC, Family
from archbench_studies._rules import DEPTH
from support import MakeRecord
from support.study_records import study_record

Trained = Callable[..., Record]


@pytest.fixture
def trained(make_record: MakeRecord) -> Trained:
    """`trained(architecture, options, seed, ...)` is the record of a net on digits."""

    def make(architecture: str, options: Mapping[str, Any], seed: int = 0, **more: Any) -> Record:
        return study_record(
            make_record, architecture, options, task="digits", task_options={}, protocol=DEPTH, seed=seed, **more
        )

    return make


@pytest.fixture
def of_family(trained: Trained) -> Trained:
    """`of_family(family, depth, seed, ...)` is the record of a net of a family on digits."""

    def make(family: Family, depth: int, seed: int = 0, **more: Any) -> Record:
        return trained(family.architecture, {**family.options, "depth": depth}, seed, **more)

    return make


def gradients(start: float, end: float) -> list[Reading]:
    """Return the gradient of the first of two layers, before training and after it."""
    return [
        Reading(probe="gradient", step=step, names=["stem", "head"], values=[value, 5.0])
        for step, value in ((0, start), (300, end))
    ]


def effect(claims: tuple[Claim, ...], name: str, data: StudyData) -> Mapping[int, float]:
    """Return the effect of a claim for each seed."""
    (claim,) = [claim for claim in claims if claim.name == name]
    assert callable(claim.statistic)
    return claim.statistic(data)


def test_auxiliary_losses_are_compared_with_none(trained: Trained) -> None:
    """Effects of auxiliary losses are those of weight 0.3 over none: in score, early score, gradient."""
    without = trained(
        "googlenet", {"aux_weight": 0.0}, score=0.97, validation=[0.2, 0.4, 0.9], readings=gradients(1.0, 7.0)
    )
    heads = trained(
        "googlenet", {"aux_weight": 0.3}, score=0.98, validation=[0.4, 0.6, 0.9], readings=gradients(10.0, 3.0)
    )
    more = trained("googlenet", {"aux_weight": 1.0}, score=0.5)
    one = trained("googlenet", {"aux_weight": 0.3, "only_head": "4d"}, score=0.95, readings=gradients(9.0, 9.0))
    data = StudyData([without, heads, more, one])

    assert effect(auxiliary.CLAIMS, "auxiliary-losses-change-little", data) == {0: pytest.approx(0.01)}
    assert effect(auxiliary.CLAIMS, "one-auxiliary-head-is-enough", data) == {0: pytest.approx(-0.03)}
    assert effect(auxiliary.CLAIMS, "auxiliary-losses-do-not-speed-up", data) == {0: pytest.approx(0.2)}
    assert effect(auxiliary.CLAIMS, "auxiliary-losses-add-gradient", data) == {0: pytest.approx(1.0)}


def test_one_head_is_not_taken_for_two(trained: Trained) -> None:
    """The net with one head has the weight of the net with two, and is told from it."""
    data = StudyData([trained("googlenet", {"aux_weight": 0.3, "only_head": "4d"}, 5, score=0.95)])

    assert not auxiliary.weighted(data, 0.3).records
    assert auxiliary.weighted(data, 0.3, head="4d").scores == {5: 0.95}


def test_findings_of_auxiliary_losses(trained: Trained) -> None:
    """The text has the change in points and the spread between seeds; each weight has its row."""
    gains = (0.01, -0.01, 0.02)
    records = [trained("googlenet", {"aux_weight": 0.0}, seed, score=0.9) for seed in range(3)]
    records += [trained("googlenet", {"aux_weight": 0.3}, seed, score=0.9 + g) for seed, g in enumerate(gains)]
    findings = auxiliary.analyse(StudyData(records))

    assert "changes by +1.0 points at the median of 3 seeds, which differ among themselves by 3.0" in findings.text
    assert [row[0] for row in findings.rows] == ["weight 0", "weight 0.3"]
    assert findings.numbers["score, weight 0.3"] == pytest.approx(0.91)


def test_dropped_layers_are_compared_with_the_whole_net(of_family: Trained) -> None:
    """Effects of dropped layers are those over the residual net of equal depth: in time, gradient and score."""
    whole = of_family(RESNET, 56, score=0.95, step_seconds=0.04, readings=gradients(1.0, 0.1))
    part = of_family(STOCHASTIC, 56, score=0.96, step_seconds=0.03, readings=gradients(1.0, 1.0))
    shallow = of_family(RESNET, 20, score=0.5, step_seconds=9.0, readings=gradients(1.0, 9.0))
    data = StudyData([whole, part, shallow])

    assert effect(layer_drop.CLAIMS, "dropped-layers-save-time", data) == {0: pytest.approx(0.75)}
    assert effect(layer_drop.CLAIMS, "dropped-layers-keep-gradient", data) == {0: pytest.approx(1.0)}
    assert effect(layer_drop.CLAIMS, "dropped-layers-generalise", data) == {0: pytest.approx(0.01)}
    text = layer_drop.analyse(data).text
    assert "changes the test accuracy by +1.0 points; it takes 0.75 times as long a step; it leaves the first" in text


def test_a_gradient_of_zero_has_no_logarithm(of_family: Trained) -> None:
    """A seed whose first layer has no gradient has no effect."""
    whole = of_family(RESNET, 56, readings=gradients(1.0, 0.0))
    data = StudyData([whole, of_family(STOCHASTIC, 56, readings=gradients(1.0, 1.0))])

    assert effect(layer_drop.CLAIMS, "dropped-layers-keep-gradient", data) == {}


def test_nets_are_best_for_their_size_if_no_smaller_one_beats_them(of_family: Trained) -> None:
    """The front holds the nets that no net with as few parameters beats, and the text and table name their costs."""
    data = StudyData(
        [
            of_family(DENSENET, 22, score=0.97, parameters=70_000, flops=10),
            of_family(RESNET, 20, score=0.96, parameters=270_000, flops=20),
            of_family(RESNET, 56, score=0.98, parameters=850_000),
        ]
    )
    findings = efficiency.analyse(data)
    points = [point for family in efficiency.FAMILIES for point in efficiency.points_of(family, data)]

    assert [point.label for point in efficiency.best_for_their_size(points)] == ["densenet, 22", "resnet, 56"]
    assert "densenet, 22 (70,000: 0.970); resnet, 56 (850,000: 0.980)." in findings.text
    assert ("resnet, 20", "270,000", "20", "0.960", "1") in findings.rows
    assert ("resnet, 56", "850,000", "", "0.980", "1") in findings.rows
    assert effect(efficiency.CLAIMS, "dense-nets-need-fewer-parameters", data) == {0: pytest.approx(-0.01)}


def test_map_of_reuse_is_relative_to_the_mean_of_a_layer(of_family: Trained) -> None:
    """A layer that reads its input twice as strongly as the layer before it has 4/3 and 2/3; one source is no map."""
    weights = {"1<input": 9.0, "2<input": 0.2, "2<1": 0.1}
    reading = Reading(probe="reuse", step=150, names=list(weights), values=list(weights.values()))
    findings = efficiency.analyse(StudyData([of_family(DENSENET, 22, seed, readings=[reading]) for seed in range(3)]))
    (chart,) = findings.charts

    assert [(line.label, line.x) for line in chart.lines] == [("layer 2", (2.0, 1.0))]
    assert chart.lines[0].y == (pytest.approx(4 / 3), pytest.approx(2 / 3))
    assert findings.numbers["layer 2 reads 1"] == pytest.approx(2 / 3)
    assert "1.33 in layer 2" in findings.text


@pytest.mark.parametrize("study", [auxiliary, layer_drop, efficiency])
def test_findings_without_records_say_so(study: Any) -> None:
    """An analysis of nothing neither fails nor claims anything."""
    findings = study.analyse(StudyData([]))

    assert "trained" in findings.text
    assert not findings.numbers
