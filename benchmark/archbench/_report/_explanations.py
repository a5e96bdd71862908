"""The paragraphs of the page that explain its numbers."""

from __future__ import annotations

from archbench._report._cells import solved_share
from archbench._report._schema import Leaderboard
from archbench._statistics import LEVEL, MIN_SEEDS

_SURE = solved_share(3, 3).low

HOW_TO_READ = (
    "An entrant is an architecture with its options. All entrants are compared on the same seeds: the first that "
    "anyone ran, as many as the protocol plans. Further seeds count only if every entrant that finished those has "
    "tried them too; otherwise they are drawn hollow and not counted.",
    f"All pairs of a board are compared at once, and what the board says of them holds together with {LEVEL:.0%} "
    "confidence: one entrant is better if the interval of the difference excludes 0; two are equivalent if the whole "
    "interval lies within the margin, the smallest difference that the task declares to matter, and are then not told "
    "apart, even if the interval excludes 0; else the seeds leave it undecided. An entrant could be the best if no "
    "other is better; those are shaded. Its best possible rank is 1 more than the number of entrants that are better; "
    "its worst is the number of entrants minus those that it is better than. Rows stand in the order of their means, "
    "which says nothing by itself. "
    f"With fewer than {MIN_SEEDS} seeds nothing is told apart.",
    f"The interval beside a score is the {LEVEL:.0%} Student-t interval of this one mean over seeds, cut at the ends "
    "of the range that the metric has; where scores crowd at such an end, it covers less, about 90%. It says how far "
    "the mean would move with other seeds, that is other splits, initial weights and data orders, and nothing about "
    "other tasks. It is not made for comparing two entrants: that is what the comparison above is for. Seeds that all "
    "gave the same score leave no interval.",
    "Where a task has a target, a mean would be a score that no seed reached: the table says how many seeds solved it, "
    f"with the exact binomial {LEVEL:.0%} interval of that share (3 of 3 says only that it exceeds {_SURE:.2f}), gives "
    "the score of the middle seed, and draws each seed as a dot beside the target. Steps to solve are a mean in which "
    "a seed that did not solve the task counts with the whole budget. Those that solve the task with every seed are "
    "ordered and compared by their steps, and not by scores that are all good enough; others by their scores.",
    "The score is the test metric of the weights that validation selected; the test split is read once, at the end. "
    "“Last weights” is the same metric after the last step. In a table over several tasks, each score is first put on "
    "the task's own scale, 0 for chance and 1 for a perfect predictor, and all tasks weigh the same; the interval is "
    "that of Welch and Satterthwaite.",
    "An entrant is ranked only if it finished all of these seeds on every task that the table counts. The others are "
    "shown with the reason and without a rank; none is averaged over only the tasks that it finished. A table over "
    "several tasks counts a task once at least half of the entrants have been tried on it. An entrant that does not "
    "take a task is named there once; it has no trials.",
    "An entrant whose validation was still improving was not trained long enough to say, and is not ranked: the last "
    "fifth of its curve is better than the fifth before by more than the margin and by more than two standard errors "
    "of the noise.",
    "A recipe says how the weights are updated. The house recipe of a protocol is the same for all entrants; an own "
    "recipe is the one that an architecture brings, as its paper published it. Results under the two, like those of "
    "different protocols, never share a table.",
    "A revision or source that a newer one has replaced stays visible, marked as superseded, without a rank. "
    "Parameters, training seconds and throughput are measured, never estimated; what was not measured is absent. "
    "Pareto-optimal means that no ranked entrant has a better mean with as few parameters.",
)

RATIOS = (
    "Errors that lie orders of magnitude apart are compared by their ratio and not by their difference, in which the "
    "noise of the largest would hide all that can be said of the small ones. The means of such errors are geometric, "
    "and intervals are those of the mean logarithm. One entrant is better if the interval of the ratio excludes 1; two "
    "are equivalent if the whole interval lies within the factor that the task declares, such as 1.25: between 0.8 and "
    "1.25 times the error. An error of 0 has no ratio: one below the target counts as the target, since all of these "
    "are good enough; where there is no target, one below a millionth of chance counts as that. In a table over "
    "several tasks these scores are normalised like all others."
)
"""The paragraph that a page with such a task adds."""

TUNING = (
    "Before they are evaluated, all entrants of these protocols get equally many tuning trials on each task, on seeds "
    "that the evaluation does not use. Validation chooses the recipe, and the test split is not read; the trials are "
    "part of the result, their cost is shown, and none of them is ranked. A candidate is written as its learning rate, "
    "or as learning rate/weight decay/bound of the gradient norm, followed by its validation score; the best comes "
    "first."
)


def how_to_read(board: Leaderboard) -> tuple[str, ...]:
    """Return the paragraphs that explain the numbers of a page."""
    return (*HOW_TO_READ, RATIOS) if any(task.factor is not None for task in board.tasks) else HOW_TO_READ
