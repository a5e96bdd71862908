"""What the leaderboard shows, as data. Every number on the page is a field here; `leaderboard.json` is this struct."""

from __future__ import annotations

from typing import Any

import msgspec

from archbench._protocols import Recipe, Tuning
from archbench._records import Environment, Origin
from archbench._report._statistics import Estimate

FORMAT = 1
"""Version of `leaderboard.json`."""


class Entrant(msgspec.Struct, frozen=True, kw_only=True):
    """An architecture as it competes: provider, name, revision, options and, for one file, the hash of its source.

    Args:
        id: short hash of that identity, stable between pages.
        label: what people read; unique on the page.
        selector: how to write it on the command line.
        colour: its place in the palette, the same in every chart.
        superseded_by: label of the newer revision or newer source of the same thing; empty when current.
        origins: the distributions its records came from.
        environments: numbers of the environments its records came from.
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
    """A task of the page; fields as for `Entrant` and `TaskFacts`.

    Args:
        effort: what multiplies a protocol's steps.
        target: the validation score from which on it counts as solved; None if there is none.
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
    summary: str
    superseded_by: str
    origins: list[Origin]


class ProtocolEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A protocol of the page; `label` is unique even when two revisions are shown.

    Args:
        track: `house recipe` or `own recipe`.
        budget, recipe_words, tuning_words: for people; the fields of the protocol itself are beside them.
        recipe: of the house; None with the own recipe of each architecture.
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
    stop_at_target: bool
    augment: bool
    tuning: Tuning | None
    tuning_words: str


class SeedResult(msgspec.Struct, frozen=True, kw_only=True):
    """One trial. `counted`: its seed is one of the board's, so it enters means and ranks."""

    seed: int
    record: str
    status: str
    message: str
    counted: bool
    test: float | None


class TaskRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entrant on one task. Means are over its finished trials among the board's seeds.

    Args:
        rank, tied: place among the complete entrants, shared when `tied`; None when not ranked.
        group: tie group from 1; None when not ranked or when there are too few seeds.
        state, gap: `complete`, or else the word for the matrix and what became of the board's seeds.
        superseded: something newer took the entrant's place, so it is not ranked.
        score: test metric with the weights that validation selected.
        last: the same with the weights after the last step.
        normalised: `score` with 0 at chance and 1 at the oracle.
        planned, ok: seeds of the board, and how many of them finished.
        counts: trials by status, extra seeds included.
        train_seconds, samples_per_second, peak_memory_bytes: means.
        recipe: the settings of its trials where the protocol alone does not say them: its own, or what tuning chose.
        steps_to_target: mean over trials that reached the target of the task; None if none did.
        solved: how many of the finished trials reached it; None where the task has no target.
        pareto: no complete entrant has a better score with as few parameters; None when unknown.
    """

    entrant: str
    rank: int | None
    tied: bool
    group: int | None
    state: str
    gap: str
    superseded: bool
    score: Estimate | None
    normalised: float | None
    last: Estimate | None
    validation: Estimate | None
    train_loss: float | None
    recipe: str
    solved: int | None
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
    environments: list[int]
    command: str


class Curve(msgspec.Struct, frozen=True, kw_only=True):
    """Learning curve of one entrant: means over `n` seeds at the steps that all of them have."""

    entrant: str
    n: int
    step: list[int]
    validation: list[float]
    train_loss: list[float]


class Incompatible(msgspec.Struct, frozen=True, kw_only=True):
    """An entrant that declared that it cannot take the task."""

    entrant: str
    reason: str


class TaskBoard(msgspec.Struct, frozen=True, kw_only=True):
    """One protocol on one task.

    Args:
        seeds: the seeds that everyone is compared on.
        paired: the records prove that entrants saw the same data at the same seed.
        timings_comparable: all trials ran in one environment.
        verdict: the result in one sentence.
    """

    id: str
    protocol: str
    task: str
    seeds: list[int]
    paired: bool
    timings_comparable: bool
    verdict: str
    rows: list[TaskRow]
    curves: list[Curve]
    incompatible: list[Incompatible]


class OverCell(msgspec.Struct, frozen=True, kw_only=True):
    """An entrant on one task of an `OverBoard`: its normalised mean, or the state in a word."""

    task: str
    state: str
    text: str
    normalised: float | None


class OverRow(msgspec.Struct, frozen=True, kw_only=True):
    """An entrant over all tasks of one kind.

    Args:
        score: equal-weight mean of the normalised task means; None unless every cell is complete.
        mean_rank: mean over tasks of its rank among the ranked entrants, ties averaged.
        rank_range: where it could be with other tasks and seeds; None when there are too few tasks.
        missing: which tasks are missing and why; empty when ranked.
        train_seconds: sum over tasks of the mean of one trial.
    """

    entrant: str
    rank: int | None
    tied: bool
    group: int | None
    rank_range: tuple[int, int] | None
    mean_rank: float | None
    score: Estimate | None
    cells: list[OverCell]
    missing: list[str]
    parameters: list[int]
    train_seconds: float | None


class OverBoard(msgspec.Struct, frozen=True, kw_only=True):
    """One protocol over all tasks of one kind. `left_out` lists tasks that do not count yet."""

    id: str
    protocol: str
    kind: str
    tasks: list[str]
    left_out: list[str]
    paired: bool
    timings_comparable: bool
    verdict: str
    rows: list[OverRow]


class MatrixRow(msgspec.Struct, frozen=True, kw_only=True):
    """The states of one entrant, one per task of the matrix."""

    entrant: str
    cells: list[OverCell]


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """Entrants x tasks under one protocol: what became of every cell."""

    protocol: str
    tasks: list[str]
    rows: list[MatrixRow]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that neither finished nor was skipped."""

    record: str
    entrant: str
    task: str
    protocol: str
    seed: int
    status: str
    message: str


class CandidateEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe that tuning tried on one entrant and task.

    Args:
        recipe: its settings.
        validation: mean over its seeds; None unless all of them finished.
        counts: its trials by status.
        records: their ids, in the order of their seeds.
        chosen: the evaluation used this one.
    """

    recipe: Recipe
    validation: float | None
    counts: dict[str, int]
    records: list[str]
    chosen: bool


class TuningEntry(msgspec.Struct, frozen=True, kw_only=True):
    """How one entrant was tuned on one task. Its trials are part of the result, and never entrants themselves.

    Args:
        trials, planned: tuning trials there are, and those that the protocol gives everybody.
        train_seconds: training of all of them together.
        candidates: in order of validation, the best first; those without a score last.
    """

    protocol: str
    task: str
    entrant: str
    trials: int
    planned: int
    train_seconds: float
    candidates: list[CandidateEntry]


class EnvironmentEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An environment with the number that rows refer to."""

    number: int
    trials: int
    environment: Environment


class SectionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A section that a plugin added."""

    provider: str
    title: str
    paragraphs: list[str]
    columns: list[str]
    rows: list[list[str]]


class Leaderboard(msgspec.Struct, frozen=True, kw_only=True):
    """The whole leaderboard: a function of the records, the plugins' sections and the notes."""

    format: int = FORMAT
    trials: int
    counts: dict[str, int]
    notes: list[str]
    protocols: list[ProtocolEntry]
    tasks: list[TaskEntry]
    entrants: list[Entrant]
    overall: list[OverBoard]
    boards: list[TaskBoard]
    matrices: list[Matrix]
    tuning: list[TuningEntry]
    failures: list[Failure]
    environments: list[EnvironmentEntry]
    sections: list[SectionEntry]
