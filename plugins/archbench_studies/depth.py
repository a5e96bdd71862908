"""The study of depth: does a deeper net train as well, and is it the shortcut or the isometry?"""

from __future__ import annotations

import math
from itertools import pairwise

import archbench
from archbench_studies._depth_claims import CLAIMS as CLAIMS
from archbench_studies._nets import CONVOLUTIONAL, FIXUP, FULLY_CONNECTED, ORTHOGONAL, PLAIN, RESNET, Family
from archbench_studies._parts import DEPTH_FULL_PARTS, DEPTH_QUICK
from archbench_studies._reductions import LOSS_FLOOR, floored, log_ratio, median, training_losses
from archbench_studies._wording import listed, plain_number

AS_WELL = math.log10(2)
"""A net trains as well as another if its training loss is at most twice as high: protocol of C2 in published.md, and
what one seed and another of a net that trains differ by."""

Ladder = dict[int, dict[int, float]]
"""Training losses by depth and seed."""


def ladder(data: archbench.StudyData, family: Family) -> Ladder:
    """Return the training losses of a family at the depths that have records."""
    losses = {depth: training_losses(family.find(data, depth), floor=0.0) for depth in family.trained(data)}
    return {depth: seeds for depth, seeds in losses.items() if seeds}


def ceiling(losses: Ladder) -> int:
    """Return the depth ceiling: the deepest net that trains at least as well as its shallower sibling.

    It is found from the shallowest upwards and ends at the first net that does not, for two nets at chance train
    equally well. Depths about double from one sibling to the next; seeds are paired, and their median decides. Losses
    below `LOSS_FLOOR` count as equal.
    """
    depths = sorted(losses)
    reached = depths[0]
    for shallow, deep in pairwise(depths):
        ratio = median(log_ratio(floored(losses[deep]), floored(losses[shallow])))
        if ratio is None or ratio > AS_WELL:
            break
        reached = deep
    return reached


def analyse(data: archbench.StudyData) -> archbench.Findings:
    """Return training loss against depth, and the depth ceiling of every family."""
    ladders = {family: losses for family in (*FULLY_CONNECTED, *CONVOLUTIONAL) if (losses := ladder(data, family))}
    ceilings = {family: ceiling(losses) for family, losses in ladders.items()}
    numbers = {f"ceiling {family.name}": float(depth) for family, depth in ceilings.items()}
    for family, losses in ladders.items():
        numbers |= {f"loss {family.name} {depth}": median(seeds) or 0.0 for depth, seeds in losses.items()}
    kinds = [(title, families) for title, families in (*_KINDS, _ISOMETRY) if ladders.keys() & set(families)]
    return archbench.Findings(
        text=" ".join(_sentences(ladders, ceilings)),
        numbers=numbers,
        charts=tuple(_chart(title, families, ladders) for title, families in kinds),
        columns=("net", "depth", "seeds", "median training loss", "median test accuracy", "depth ceiling"),
        rows=tuple(row for family in ladders for row in _rows(data, family, ladders[family], ceilings[family])),
    )


_KINDS = (("Fully connected nets", FULLY_CONNECTED), ("Convolutional nets", CONVOLUTIONAL))
_ISOMETRY = ("Convolutional nets without shortcuts or without normalisation", (PLAIN, ORTHOGONAL, FIXUP, RESNET))


def _chart(title: str, families: tuple[Family, ...], ladders: dict[Family, Ladder]) -> archbench.Chart:
    lines = []
    for family in families:
        losses = ladders.get(family, {})
        points = tuple((float(depth), loss) for depth, seeds in losses.items() for loss in seeds.values())
        medians = tuple(median(seeds) for seeds in losses.values())
        lines.append(archbench.Line(label=family.label, x=tuple(map(float, losses)), y=medians, seeds=points))
    return archbench.Chart(
        title=f"{title}: training loss against depth",
        x="layers",
        y="training loss after the last step",
        lines=tuple(line for line in lines if line.x),
        log_x=True,
        log_y=True,
        description="Medians over seeds, and each seed as a dot; chance is at 2.3.",
    )


def _rows(data: archbench.StudyData, family: Family, losses: Ladder, deepest: int) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    for depth, seeds in losses.items():
        accuracy = median(family.find(data, depth).scores)
        shown = "" if accuracy is None else f"{accuracy:.3f}"
        loss = plain_number(median(seeds))
        rows.append((family.label, str(depth), str(len(seeds)), loss, shown, str(deepest) if depth == deepest else ""))
    return rows


def _sentences(ladders: dict[Family, Ladder], ceilings: dict[Family, int]) -> list[str]:
    texts = []
    for title, families in _KINDS:
        reached = [(family, ceilings[family]) for family in families if family in ceilings]
        if reached:
            named = listed([f"{family.label} ({depth})" for family, depth in reached])
            texts.append(f"{title} train as well as their shallower siblings up to these depths: {named}.")
    if texts:
        texts.append(
            "This goes by the medians of the seeds: as well means at most twice the loss, and losses below "
            f"{LOSS_FLOOR:g} count as equal. The claims say what is certain."
        )
    for family in (PLAIN, RESNET, ORTHOGONAL):
        texts += _from_shallow_to_deep(family, ladders.get(family, {}))
    if ORTHOGONAL in ceilings and RESNET in ceilings and PLAIN in ceilings:
        texts.append(_shortcut_or_isometry(*(ceilings[family] for family in (PLAIN, ORTHOGONAL, RESNET))))
    return texts


def _from_shallow_to_deep(family: Family, losses: Ladder) -> list[str]:
    if len(losses) < 2:
        return []
    shallow, deep = min(losses), max(losses)
    values = [plain_number(median(losses[depth])) for depth in (shallow, deep)]
    return [
        f"From {shallow} to {deep} layers the training loss of {family.label} goes from {values[0]} to {values[1]}."
    ]


def _shortcut_or_isometry(plain: int, orthogonal: int, residual: int) -> str:
    question = "Is it the shortcut or the isometry?"
    if orthogonal > plain:
        return (
            f"{question} By the medians a start that keeps lengths lifts the ceiling of plain nets from {plain} to "
            f"{orthogonal}."
        )
    if residual > plain:
        return (
            f"{question} Here it takes the shortcut: a start that keeps lengths does not lift the ceiling of {plain}."
        )
    return f"{question} Not to be told here: neither lifts the ceiling of {plain}."


STUDY = archbench.Study(
    name="depth",
    question="Does a deeper net train as well, with a straight path or without? Is it the shortcut or the isometry?",
    source="arXiv:1512.03385, arXiv:1507.06228, arXiv:1806.05393",
    sizes={"quick": DEPTH_QUICK, "full": DEPTH_FULL_PARTS},
    analyse=analyse,
)
