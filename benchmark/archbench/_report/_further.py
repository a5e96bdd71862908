"""Further metrics of a task on its board, and the scale of its targets in words."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from archbench._records import Scores
from archbench._report._schema import TaskBoard, TaskEntry
from archbench._report._statistics import Estimate, mean_interval


def further_scores(scores: Sequence[Scores], task: TaskEntry) -> dict[str, Estimate]:
    """Return the means of the further metrics with their intervals, cut at the ends of the range of each metric.

    Args:
        scores: of the counted trials.
        task: says which metrics there are.
    """
    found = {name: [value for s in scores if (value := s.further.get(name)) is not None] for name in task.metrics}
    return {name: _bounded(values, name, task) for name, values in found.items() if values}


def _bounded(values: Sequence[float], name: str, task: TaskEntry) -> Estimate:
    estimate, facts = mean_interval(values), task.metrics[name]
    if estimate.low is None or estimate.high is None or len(set(values)) == 1:
        return replace(estimate, low=None, high=None)
    low = estimate.low if facts.lowest is None else max(estimate.low, facts.lowest)
    high = estimate.high if facts.highest is None else min(estimate.high, facts.highest)
    return replace(estimate, low=low, high=high)


def shown_metrics(item: TaskBoard, task: TaskEntry) -> list[str]:
    """Return the further metrics that a row of a board has a score in, in alphabetical order."""
    return [name for name in sorted(task.metrics) if any(name in row.further for row in item.rows)]


def metric_facts(name: str, task: TaskEntry) -> str:
    """Return the direction of a further metric and its known ends, such as `higher is better, chance 0.1`."""
    facts = task.metrics[name]
    known = {"chance": facts.chance, "perfect": facts.oracle}
    ends = [f"{what} {value:.4g}" for what, value in known.items() if value is not None]
    return ", ".join([f"{'higher' if facts.higher_is_better else 'lower'} is better", *ends])


def target_scale_words(task: TaskEntry) -> str:
    """Return how the numbers to predict were scaled, in a sentence; empty if the task does not say."""
    scale = task.target_scale
    if scale is None:
        return ""
    unit = f" {scale.unit}" if scale.unit else " in the unit of the data"
    offset = f"{abs(scale.offset):.4g}"
    moved = f"(value {'+' if scale.offset < 0 else '-'} {offset}) / {scale.scale:.4g}"
    source = f", {scale.of}" if scale.of else ""
    return f"Targets are scaled as {moved}{source}: an error of 1 is {scale.scale:.4g}{unit}."
