"""Boards: results on one task, and over all tasks of one kind."""

from __future__ import annotations

from functools import cached_property

import msgspec

from archbench._report._schema._comparison import Board, Row
from archbench._report._statistics import Estimate


class SeedResult(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one trial of an entrant.

    Args:
        seed: its seed.
        record: id of its record.
        status: `ok`, or how it ended instead.
        message: the reason in one line; empty when the status is `ok`.
        counted: its seed is one that the board compares, so its score enters the mean and the rank.
        test: test score with the weights that validation selected, in the unit of the metric; None unless it finished.
        steps: optimiser steps done; None without facts about the training.
        steps_to_target: optimiser steps until validation first reached the target of the task; None if it did not, or
            if the task has none.
        train_seconds: seconds of training, evaluation left out; None if they were not measured.
        wrong: indices within the test split of wrongly classified examples, the most confident first, at most ten;
            empty where the record names none.
    """

    seed: int
    record: str
    status: str
    message: str
    counted: bool
    test: float | None
    steps_to_target: int | None
    steps: int | None = None
    train_seconds: float | None = None
    wrong: list[int] = []


class TaskRow(Row, frozen=True, kw_only=True):
    """An entrant on one task.

    Scores are in the unit of the task's metric. Every mean is over the finished trials among the seeds of the board;
    what was not measured is None. Where the task declares a factor, the means of scores are geometric.

    Args:
        state: `complete` when all seeds of the board finished; else the status that most of the others have, or
            `not run` when that is all that is wrong.
        gap: why it is not complete, such as `diverged 1 of 3`; empty when it is complete.
        superseded: a newer revision or source replaced the entrant, so it is not ranked.
        score: test score with the weights that validation selected.
        median: the middle of these test scores, the worse of the two for an even number: a score that a seed has.
        normalised: mean test score on the scale where 0 is chance and 1 is a perfect predictor; of a perplexity, the
            scale is that of its logarithm.
        last: test score with the weights after the last step.
        validation: validation score of the selected weights, the best of the trial.
        train_loss: mean loss of the last weights on training examples in evaluation mode, without auxiliary losses;
            None if the records are older than this measurement.
        recipe: the recipe of its trials in words, where the protocol alone does not say it: its own recipe, or the one
            that tuning chose; else empty.
        solved: number of its counted trials that reached the target of the task; None if the task has no target.
        solved_share: the share of seeds on which it would reach the target, with the exact binomial interval. Trials
            that diverged count as not solved; those that failed otherwise or are missing do not count. None if the task
            has no target.
        steps_to_target: mean number of optimiser steps until the target was reached, where a trial that did not reach
            it counts with the whole budget; None if none did.
        planned: number of seeds that the board compares.
        ok: how many of these finished.
        counts: number of its trials by status, further seeds included.
        seeds: all its trials, further seeds included, in the order of seeds.
        parameters: number of trainable parameters.
        flops: floating-point operations of one forward pass of one example.
        train_seconds: mean seconds of training in a trial, evaluation left out.
        samples_per_second: mean training throughput in examples per second.
        peak_memory_bytes: mean peak memory of a trial in bytes.
        pareto: no ranked entrant scores better on average, or with the middle seed where the task has a target, with as
            few parameters; None when it is not ranked or its number of parameters is unknown.
        confusion: how many test examples of each true class (row) got each class (column), summed over the counted
            seeds; None unless the task asks for one of at most 100 classes of each example, and in older records.
        further: mean test scores in the further metrics of the task, by name; those that no trial has are left out.
        environments: numbers of the environments that its records came from; see `EnvironmentEntry`.
        command: the command that reproduces the row.
    """

    state: str
    gap: str
    superseded: bool
    score: Estimate | None
    median: float | None
    normalised: float | None
    last: Estimate | None
    validation: Estimate | None
    train_loss: float | None
    recipe: str
    solved: int | None
    solved_share: Estimate | None
    steps_to_target: float | None
    planned: int
    ok: int
    counts: dict[str, int]
    seeds: list[SeedResult]
    parameters: int | None
    flops: int | None
    train_seconds: float | None
    samples_per_second: float | None
    peak_memory_bytes: float | None
    pareto: bool | None
    confusion: list[list[int]] | None = None
    further: dict[str, Estimate] = msgspec.field(default_factory=dict)
    environments: list[int]
    command: str


class SeedCurve(msgspec.Struct, frozen=True, kw_only=True):
    """The learning curve of one trial, at the steps of the curve of its entrant and with four digits.

    Args:
        seed: its seed.
        status: `ok`, or how it ended instead; such a curve may be shorter.
        solved: validation reached the target of the task.
        validation: validation score at each step, in the unit of the metric.
        train_loss: mean since the step before of what training minimises, auxiliary losses included.
    """

    seed: int
    status: str
    solved: bool
    validation: list[float]
    train_loss: list[float]


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """The learning curves of one entrant: each seed, and means over finished seeds at the steps that all of them have.

    Args:
        entrant: id of the entrant.
        n: number of trials in the mean; 0 if none finished.
        step: optimiser steps done, in rising order; those of the longest trial if none finished.
        validation: mean validation score at each of these steps, in the unit of the metric; empty if none finished.
        train_loss: likewise the mean since the step before of what training minimises, auxiliary losses included.
        split: the mean describes no seed: some finished or solved the task and others did not, or it lies a visible
            distance from all of them at some step.
        seeds: the curves of its counted trials, in the order of seeds; trials without a curve are left out.
    """

    entrant: str
    n: int
    step: list[int]
    validation: list[float]
    train_loss: list[float]
    split: bool
    seeds: list[SeedCurve]


class Incompatible(msgspec.Struct, frozen=True, kw_only=True):
    """An entrant that cannot take the task.

    Args:
        entrant: id of the entrant.
        reason: the reason that its records give.
    """

    entrant: str
    reason: str


class TaskBoard(Board, frozen=True, kw_only=True, dict=True):  # dict: for what is computed once
    """The results under one protocol on one task.

    Args:
        task: id of the task.
        seeds: the seeds on which all entrants are compared.
        rows: one row for each entrant that was tried: the ranked ones, the best first, then the others by label.
        curves: learning curves, in the order of the rows; entrants without finished trials have none.
        incompatible: the entrants that cannot take the task.
    """

    task: str
    seeds: list[int]
    rows: list[TaskRow]
    curves: list[Curve]
    incompatible: list[Incompatible]

    @cached_property
    def smallest_mean(self) -> float:
        """The mean score nearest to 0, without its sign; 0 if there is none but 0."""
        return min((abs(row.score.mean) for row in self.rows if row.score and row.score.mean), default=0.0)


class OverCell(msgspec.Struct, frozen=True, kw_only=True):
    """The state of an entrant on one task.

    Args:
        task: id of the task.
        state: the state in one word, as in `TaskRow.state`; `skipped` when the entrant cannot take the task, and
            `not run` when there is no record.
        text: the state in more words, such as `2 ok, 1 diverged`.
        normalised: mean score on the scale where 0 is chance and 1 is a perfect predictor; None without a score.
    """

    task: str
    state: str
    text: str
    normalised: float | None


class OverRow(Row, frozen=True, kw_only=True):
    """An entrant over all tasks of one kind.

    Args:
        mean_rank: mean over tasks of its rank among the ranked entrants, where equal scores share the mean of their
            places; None when it is not ranked.
        score: mean over tasks of its normalised scores, every task weighing the same; None when it is not ranked.
        cells: its state on each task of the board, in the same order.
        missing: why it is not ranked, one entry for each reason; empty when it is ranked.
        parameters: the different numbers of trainable parameters that it has on these tasks, in rising order.
        train_seconds: seconds of training, summed over tasks of the mean of one trial; None when it is not ranked, or
            when a time is unknown.
    """

    mean_rank: float | None
    score: Estimate | None
    cells: list[OverCell]
    missing: list[str]
    parameters: list[int]
    train_seconds: float | None


class OverBoard(Board, frozen=True, kw_only=True):
    """The results under one protocol over all tasks of one kind.

    Args:
        kind: kind of inputs of these tasks: `image`, `sequence` or `tokens`.
        tasks: ids of the tasks that count.
        left_out: tasks that do not count yet, because too few entrants were tried on them, in words.
        rows: one row for each entrant: the ranked ones, the best first, then the others by label.
    """

    kind: str
    tasks: list[str]
    left_out: list[str]
    rows: list[OverRow]
