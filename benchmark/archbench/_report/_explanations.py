"""The paragraphs of the page that explain its numbers."""

from __future__ import annotations

from archbench._report._statistics import LEVEL, MIN_SEEDS

HOW_TO_READ = (
    f"An interval (±) is the {LEVEL:.0%} Student-t interval of the mean over seeds, on this fixed task set. It says "
    "how far the mean would move with other seeds, that is other splits, initial weights and data orders. It says "
    f"nothing about other tasks. It needs {MIN_SEEDS} seeds; with fewer there are only the dots.",
    "The score is the test metric of the weights that validation selected; the test split is read once, at the end. "
    "“Last weights” is the same metric after the last step. In a table over several tasks, each score is first put on "
    "the task's own scale, 0 for chance and 1 for a perfect predictor, and all tasks weigh the same; the interval is "
    "that of Welch and Satterthwaite.",
    "An entrant is an architecture with its options. All entrants are compared on the same seeds: the first that "
    "anyone ran, as many as the protocol plans. Further seeds count only if every entrant that finished those has "
    "tried them too; otherwise they are drawn hollow and not counted.",
    "An entrant is ranked only if it finished all of these seeds on every task that the table counts. The others are "
    "shown with the reason and without a rank; none is averaged over only the tasks that it finished. A table over "
    "several tasks counts a task once at least half of the entrants have been tried on it.",
    "Equal scores share a rank (2=). Groups say more than ranks: an entrant is in the group of the leader above it "
    "unless the interval of the difference between the two excludes 0. The difference is taken seed by seed where both "
    "saw the same data. There is no correction for the number of comparisons. The best group is set in bold. "
    f"From {MIN_TASKS} tasks on, a range gives the ranks that other tasks and seeds could have led to.",
    "A recipe says how the weights are updated. The house recipe of a protocol is the same for all entrants; an own "
    "recipe is the one that an architecture brings, as its paper published it. Results under the two, like those of "
    "different protocols, never share a table.",
    "A revision or source that a newer one has replaced stays visible, marked as superseded, without a rank. "
    "Parameters, training seconds and throughput are measured, never estimated; what was not measured is absent. "
    "Pareto-optimal means that no ranked entrant scores better with as few parameters.",
)


TUNING = (
    "Before they are evaluated, all entrants of these protocols get equally many tuning trials on each task, on seeds "
    "that the evaluation does not use. Validation chooses the recipe, and the test split is not read; the trials are "
    "part of the result, their cost is shown, and none of them is ranked. A candidate is written as its learning rate, "
    "or as learning rate/weight decay/bound of the gradient norm, followed by its validation score; the best comes "
    "first."
)
