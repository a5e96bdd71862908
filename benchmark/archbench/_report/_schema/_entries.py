"""The entrants, tasks, protocols and environments that the rows of the boards refer to."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from archbench._declarations import TargetScale
from archbench._protocols import Recipe, Tuning
from archbench._records import Environment, Example, MetricFacts, Origin


class Entrant(msgspec.Struct, frozen=True, kw_only=True):
    """An architecture with its options, as it competes on the page.

    Args:
        id: key of its identity (provider, name, revision, options, fingerprint); equal on every page. Rows refer to
            entrants by it.
        label: name for people; unique on the page.
        selector: how to name it on the command line.
        provider: the distribution that registered it, or the file name of a one-file plugin.
        name: the name that the plugin declares, without options.
        revision: the revision that the plugin declares, from 1.
        options: every option with its value, defaults included.
        fingerprint: hash of the source of a one-file plugin or an editable installation; else empty.
        summary: one line about it.
        source: the paper; empty if none is declared.
        control: the architecture to compare it with; empty if none is declared.
        expected_failures: checks of the conformance kit that it fails for a declared reason, with the reasons.
        colour: index of its colour and mark, the same in every chart; no two entrants share it.
        superseded_by: label of the newer revision or source that replaced it; empty when it is current.
        origins: where the code of its records came from.
        environments: numbers of the environments that its records came from; see `EnvironmentEntry`.
    """

    id: str
    label: str
    selector: str
    provider: str
    name: str
    revision: int
    options: dict[str, Any]
    fingerprint: str
    summary: str
    source: str
    control: str
    expected_failures: dict[str, str]
    colour: int
    superseded_by: str
    origins: list[Origin]
    environments: list[int]


class TaskEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A task of the page, as its newest record describes it.

    Args:
        id: key of its identity; equal on every page. Boards refer to tasks by it.
        label: name for people; unique on the page.
        selector: how to name it on the command line.
        provider: the distribution that registered it, or the file name of a one-file plugin.
        revision: the revision that the plugin declares, from 1.
        effort: factor by which the steps of the protocol are multiplied on this task.
        target: the validation score from which on the task counts as solved; None if there is none.
        kind: kind of its inputs: `image`, `sequence` or `tokens`.
        metric: name of the metric, which is the unit of all scores on this task.
        higher_is_better: the direction of the metric.
        chance: score of guessing, in the unit of the metric; 0 on the normalised scale.
        oracle: score of a perfect predictor, in the unit of the metric; 1 on the normalised scale.
        margin: smallest difference worth a decision, in the unit of the metric; None if the task declares none.
        factor: smallest ratio of two errors worth a decision; None where differences are compared and not ratios.
        summary: one line about it.
        superseded_by: label of the newer revision or source that replaced it; empty when it is current.
        test_examples: size of the test split; None if no record knows it.
        classes: names of the classes in the order of their labels; empty if nothing names them.
        example: the first training example of seed 0; None if no record keeps it.
        source: the paper; empty if no record names one.
        metrics: the metrics beside the primary one, and that one if the task declares it itself, by name.
        baseline: the predictor whose score `chance` is; empty for the best constant.
        target_scale: how the numbers to predict were scaled; None if the task does not say.
        origins: where the code of its records came from.
    """

    id: str
    label: str
    selector: str
    provider: str
    revision: int
    effort: float
    target: float | None
    kind: str
    metric: str
    higher_is_better: bool
    chance: float
    oracle: float
    margin: float | None
    factor: float | None
    summary: str
    superseded_by: str
    test_examples: int | None = None
    classes: list[str] = []
    example: Example | None = None
    source: str = ""
    metrics: dict[str, MetricFacts] = {}
    baseline: str = ""
    target_scale: TargetScale | None = None
    origins: list[Origin]


class ProtocolEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A protocol of the page: the rules under which the results of a board were obtained.

    Args:
        id: key of its identity; equal on every page. Boards refer to protocols by it.
        label: name for people; unique on the page, even when two revisions are shown.
        name: the name that `--protocol` takes.
        revision: raised when a rule changes, from 1.
        summary: one line about it.
        track: `house recipe` or `own recipe`.
        budget: the budget in words.
        steps: the budget in optimiser steps by kind of input; None where the budget is something else.
        epochs: the budget in passes over the training split; None where the budget is something else.
        seconds: the budget in seconds of training; None where the budget is something else.
        batch_size: examples per step; None with own recipes, which have their own.
        validations: number of validations in a trial.
        seeds: number of seeds that the protocol plans for each entrant on each task.
        recipe: the house recipe; None with the own recipe of each architecture.
        recipe_words: the recipe in words.
        precision: of matrix products and convolutions: `32`, `tf32` or `bf16`.
        stop_at_target: training ends at the first validation that reaches the target of the task.
        augment: training batches are augmented where the task declares an augmentation.
        tuning: how every entrant is tuned before it is evaluated; None if it is not.
        tuning_words: the tuning in words; empty if there is none.
        provider: the distribution or file of the plugin that registered it; absent for other protocols.
    """

    id: str
    label: str
    name: str
    revision: int
    summary: str
    track: str
    budget: str
    steps: dict[str, int] | None
    epochs: float | None
    seconds: float | None
    batch_size: int | None
    validations: int
    seeds: int
    recipe: Recipe | None
    recipe_words: str
    precision: str
    stop_at_target: bool
    augment: bool
    tuning: Tuning | None
    tuning_words: str
    provider: str | UnsetType = UNSET


class EnvironmentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An environment in which trials ran.

    Args:
        number: the number by which entrants and rows refer to it, from 1; the most used environment is 1.
        trials: number of trials that ran in it, tuning included.
        environment: versions, processor, device and threads per trial.
    """

    number: int
    trials: int
    environment: Environment
