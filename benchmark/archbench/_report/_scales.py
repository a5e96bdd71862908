"""How the scores of a task are compared: by differences, or by ratios where the task declares a factor."""

from __future__ import annotations

from archbench._declarations import METRICS
from archbench._records import TaskFacts
from archbench._report._schema import TaskEntry
from archbench._statistics import Scale, floor_of


def scale_of(task: TaskEntry | TaskFacts, target: float | None) -> Scale:
    """Return the scale on which entrants are compared on a task.

    Args:
        task: its facts; `usable_factor` says which factors are possible.
        target: the score from which on it counts as solved; None if there is none.
    """
    examples = task.test_examples if task.metric == "accuracy" else None
    return Scale(
        higher_is_better=task.higher_is_better,
        margin=task.margin,
        factor=task.factor,
        floor=0.0 if task.factor is None else floor_of(task.chance, target),
        example=1 / examples if examples else None,
    )


def usable_factor(facts: TaskFacts) -> float | None:
    """Return the factor of a record; None where it cannot be, as in a record that somebody else made."""
    possible = facts.factor is not None and facts.factor > 1 and facts.chance > 0 and not facts.higher_is_better
    return facts.factor if possible else None


def is_logarithmic(task: TaskEntry | TaskFacts) -> bool:
    """Return whether equal steps of the metric of a task are ratios, as of a perplexity."""
    rules = METRICS.get(task.metric)  # None in a record of a newer suite
    return rules is not None and rules.logarithmic
