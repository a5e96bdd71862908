"""Facts about a task in a record: its metrics, the scale of its targets, and an example. Plain data."""

from __future__ import annotations

import msgspec

from archbench._declarations import TargetScale


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """One training example of a task, small enough to be kept in a record and drawn on a page.

    Args:
        kind: of the inputs: `image`, `sequence` or `tokens`.
        whole: shape of the whole example, of which `values` may be a part: (channels, height, width),
            (steps, features) or (steps,).
        shape: of `values`: at most 3 channels of 32 x 32 pixels, 200 steps of 4 features, or 200 tokens.
        values: in the order of the shape, the last axis fastest. Pixels run from 0, the lowest value of the example, to
            255, the highest; other real values have three significant digits.
        target: its label, or its numbers, in words; for an answer at every step one word for each step of `shape`,
            `-` where nothing is asked.
    """

    kind: str
    whole: list[int]
    shape: list[int]
    values: list[int | float]
    target: str


class MetricFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a metric of a task.

    Args:
        higher_is_better: the direction.
        lowest, highest: the scores that are possible; None where there is no bound.
        chance: the score of the best constant predictor; None if it is not known.
        oracle: the score of a perfect predictor; None if it is not known.
    """

    higher_is_better: bool
    lowest: float | None = None
    highest: float | None = None
    chance: float | None = None
    oracle: float | None = None


class TaskFacts(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a task that the leaderboard needs, stored so that it can be built from records alone.

    Args:
        kind: of the inputs: `image`, `sequence` or `tokens`.
        metric: of the scores.
        higher_is_better: the direction of the metric.
        chance: the score of the best constant predictor.
        oracle: the score of a perfect predictor.
        summary: one line.
        margin: the smallest difference worth a decision, in the unit of the metric; None if the task declares none,
            or the record is older than this field.
        factor: the smallest ratio of two errors that is worth a decision, where entrants are compared by ratios; None
            where they are compared by differences, or the record is older than this field.
        test_examples: size of the test split; None if the trial ended before it was loaded, or the record is older
            than this field.
        classes: names of the classes in the order of their labels; empty if nothing names them.
        metrics: the metrics of the task beside the primary one, and that one if the task declares it itself, by name.
        baseline: the predictor whose score `chance` is; empty for the best constant.
        target_scale: how the numbers to predict were scaled; None if the task does not say.
        source: the paper; empty if none is declared, or the record is older than this field.
        example: the first training example of seed 0. Only evaluation trials of seed 0 keep it, so that all examples of
            a task are equal; never one of people's own files.
    """

    kind: str
    metric: str
    higher_is_better: bool
    chance: float
    oracle: float
    summary: str
    margin: float | None = None
    factor: float | None = None
    test_examples: int | None = None
    classes: list[str] = []
    example: Example | None = None
    metrics: dict[str, MetricFacts] = {}
    baseline: str = ""
    target_scale: TargetScale | None = None
    source: str = ""
