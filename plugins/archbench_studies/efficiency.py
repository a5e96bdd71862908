"""The study of efficiency: how much score does a net give for its parameters and its operations?"""

from __future__ import annotations

from dataclasses import dataclass

import archbench
from archbench_studies._lags import middle
from archbench_studies._nets import DENSENET, PRE_ACTIVATED, RESNET, REZERO, STOCHASTIC, Family
from archbench_studies._parts import part
from archbench_studies._reductions import difference
from archbench_studies._reuse import map_of_reuse, reuse_chart, reuse_text
from archbench_studies._rules import DEPTH_DENSE, DEPTH_DENSE_FEW, DEPTH_FEW, DEPTH_FULL, LESION

FAMILIES = (DENSENET, RESNET, PRE_ACTIVATED, REZERO, STOCHASTIC)
SMALL, LARGE = 22, 56
"""Depths of the densely connected net and of the residual net with twelve times its parameters."""


@dataclass(frozen=True, slots=True)
class Point:
    """A net by its costs and its score.

    Args:
        label: family and depth.
        parameters: trainable ones.
        flops: operations of a forward pass of one example; None if they could not be counted.
        scores: test accuracy of each seed.
    """

    label: str
    parameters: int
    flops: int | None
    scores: dict[int, float]


def points_of(family: Family, data: archbench.StudyData) -> list[Point]:
    """Return the nets of a family that have been trained, in rising depth."""
    found = []
    for depth in family.trained(data):
        mine = family.find(data, depth)
        resources = [record.resources for record in mine.records if record.resources.parameters]
        if resources and resources[0].parameters and mine.scores:
            found.append(Point(f"{family.label}, {depth}", resources[0].parameters, resources[0].flops, mine.scores))
    return found


def small_against_large(data: archbench.StudyData) -> dict[int, float]:
    """Return the test accuracy of the small densely connected net less that of the large residual net, by seed."""
    return difference(DENSENET.find(data, SMALL).scores, RESNET.find(data, LARGE).scores)


def analyse(data: archbench.StudyData) -> archbench.Findings:
    """Return the test accuracy of each net beside its parameters and operations."""
    families = {family.label: points_of(family, data) for family in FAMILIES}
    points = [point for found in families.values() for point in found]
    numbers = {}
    for point in points:
        numbers[f"{point.label}: parameters"] = float(point.parameters)
        numbers[f"{point.label}: score"] = middle(point.scores)
        if point.flops:
            numbers[f"{point.label}: operations"] = float(point.flops)
    reuse = map_of_reuse(DENSENET.find(data, SMALL))
    numbers |= {f"layer {reader} reads {source}": share for (reader, source), share in reuse.items()}
    charts = (_chart(families, "parameters"), _chart(families, "flops"), reuse_chart(reuse))
    return archbench.Findings(
        text=f"{_text(points)}{reuse_text(reuse)}",
        numbers=numbers,
        charts=tuple(chart for chart in charts if any(line.x for line in chart.lines)),
        columns=("net", "parameters", "operations", "test accuracy", "seeds"),
        rows=tuple(_row(point) for point in sorted(points, key=lambda point: point.parameters)),
    )


def _row(point: Point) -> tuple[str, ...]:
    operations = "" if point.flops is None else f"{point.flops:,}"
    return point.label, f"{point.parameters:,}", operations, f"{middle(point.scores):.3f}", str(len(point.scores))


def best_for_their_size(points: list[Point]) -> list[Point]:
    """Return the nets that no net with as few parameters beats, in rising size."""
    front: list[Point] = []
    for point in sorted(points, key=lambda point: (point.parameters, -middle(point.scores))):
        if not front or middle(point.scores) > middle(front[-1].scores):
            front.append(point)
    return front


def _text(points: list[Point]) -> str:
    if not points:
        return "No net has been trained."
    front = "; ".join(f"{p.label} ({p.parameters:,}: {middle(p.scores):.3f})" for p in best_for_their_size(points))
    return (
        "Nets that none with as few parameters beats in test accuracy on digits, with their parameters and accuracy: "
        f"{front}."
    )


def _chart(families: dict[str, list[Point]], cost: str) -> archbench.Chart:
    lines = []
    for label, points in families.items():
        priced = [(float(getattr(point, cost)), point) for point in points if getattr(point, cost)]
        dots = tuple((price, score) for price, point in priced for score in point.scores.values())
        medians = tuple(middle(point.scores) for _, point in priced)
        lines.append(archbench.Line(label=label, x=tuple(price for price, _ in priced), y=medians, seeds=dots))
    words = {"parameters": "parameters", "flops": "operations of a forward pass"}[cost]
    return archbench.Chart(
        title=f"Score against {words}",
        x=words,
        y="test accuracy on digits",
        lines=tuple(lines),
        log_x=True,
        description=f"The test accuracy of each net against its {words}, the median and every seed.",
    )


STUDY = archbench.Study(
    name="efficiency",
    question="How much score does a net give for its parameters and its operations?",
    source="arXiv:1608.06993, sec. 5 and Fig. 4",
    sizes={
        "quick": (
            part(DEPTH_DENSE, DENSENET.selector(SMALL)),
            part(DEPTH_DENSE_FEW, DENSENET.selector()),
            part(LESION, RESNET.selector(20, LARGE)),
            part(DEPTH_FEW, *(family.selector() for family in (PRE_ACTIVATED, REZERO, STOCHASTIC))),
        ),
        "full": (
            part(
                DEPTH_FULL,
                *(family.selector(20, 32, LARGE, 110) for family in FAMILIES if family is not DENSENET),
                DENSENET.selector(SMALL, 40, 100),
            ),
        ),
    },
    analyse=analyse,
)

CLAIMS = (
    archbench.Claim(
        name="dense-nets-need-fewer-parameters",
        statement="A densely connected net of 72 thousand parameters is as accurate on digits as a residual net of "
        "twelve times as many.",
        source="arXiv:1608.06993, sec. 4.3 and Table 2",
        study="efficiency",
        effect="test accuracy of DenseNet-BC-22-12 less that of ResNet-56",
        statistic=small_against_large,
        rule="above",
        threshold=-0.02,  # the margin of the task: the smallest difference that matters
        noise=0.01,  # four test images: what one seed and another of a net differ by
        seeds=5,
        revision=2,
        published="4.51 % errors with 0.8 million parameters, where ResNet-1001 has 4.62 % with 10.2 million",
        refuted_by="an accuracy that is lower by two points",
    ),
)
