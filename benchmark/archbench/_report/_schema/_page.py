"""The whole leaderboard, and the parts of the page that are no boards."""

from __future__ import annotations

import msgspec

from archbench._declarations import Chart
from archbench._protocols import Recipe
from archbench._report._schema._boards import OverBoard, OverCell, TaskBoard
from archbench._report._schema._entries import Entrant, EnvironmentEntry, ProtocolEntry, TaskEntry
from archbench._report._schema._studies import ClaimEntry, StudyEntry

FORMAT = 4
"""Version of `leaderboard.json`."""


class MatrixRow(msgspec.Struct, frozen=True, kw_only=True):
    """The states of one entrant on all tasks of a matrix.

    Args:
        entrant: id of the entrant.
        cells: one cell for each task of the matrix, in the same order.
    """

    entrant: str
    cells: list[OverCell]


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """The state of every entrant on every task under one protocol.

    Args:
        protocol: id of the protocol.
        tasks: ids of the tasks, in the order of the columns.
        rows: one row for each entrant; superseded entrants come last.
    """

    protocol: str
    tasks: list[str]
    rows: list[MatrixRow]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A trial that neither finished nor was skipped.

    Args:
        record: id of its record.
        entrant: id of the entrant.
        task: id of the task.
        protocol: id of the protocol.
        seed: its seed.
        status: how it ended: `diverged`, `oom`, `timeout`, `crashed` or `failed`.
        message: the reason, in one line.
        steps: optimiser steps done; None if that is not known.
        planned_steps: the budget in steps; None if it was a time, or `steps` is None.
        detail: the last lines of the traceback, or of what the trial printed; empty if there are none.
    """

    record: str
    entrant: str
    task: str
    protocol: str
    seed: int
    status: str
    message: str
    steps: int | None = None
    planned_steps: int | None = None
    detail: str = ""


class CandidateEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe that tuning tried for one entrant on one task.

    Args:
        recipe: the settings that were tried.
        validation: mean over its seeds of the best validation score, in the unit of the metric; None unless all of
            its trials finished.
        counts: number of its trials by status.
        records: ids of its records, in the order of their seeds.
        chosen: the evaluation used this recipe.
    """

    recipe: Recipe
    validation: float | None
    counts: dict[str, int]
    records: list[str]
    chosen: bool


class TuningEntry(msgspec.Struct, frozen=True, kw_only=True):
    """The tuning of one entrant on one task. Its trials are shown here and are never ranked.

    Args:
        protocol: id of the protocol.
        task: id of the task.
        entrant: id of the entrant.
        trials: number of tuning trials that there are.
        planned: number of tuning trials that the protocol gives to every entrant on every task.
        train_seconds: seconds of training, summed over all these trials.
        candidates: the recipes tried, the best validation score first; those without a score last.
    """

    protocol: str
    task: str
    entrant: str
    trials: int
    planned: int
    train_seconds: float
    candidates: list[CandidateEntry]


class PictureEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that a plugin drew.

    Args:
        media_type: `image/png` or `image/svg+xml`.
        data: the file; base64 in JSON.
        description: what it shows.
    """

    media_type: str
    data: bytes
    description: str


class SectionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A section that a plugin added to the page.

    Args:
        provider: the distribution of the plugin, with its version.
        title: the heading.
        paragraphs: the text, as plain paragraphs.
        columns: the head of the table; empty if there is no table.
        rows: the cells of the table, row by row.
        charts: charts as data; the page draws them.
        pictures: what the plugin drew itself.
    """

    provider: str
    title: str
    paragraphs: list[str]
    columns: list[str]
    rows: list[list[str]]
    charts: list[Chart] = []
    pictures: list[PictureEntry] = []


class Leaderboard(msgspec.Struct, frozen=True, kw_only=True):
    """The whole leaderboard. The same records, sections and notes always give the same leaderboard.

    Args:
        format: version of this structure; raised when fields change.
        trials: number of evaluation trials, tuning trials left out. A record that says that an entrant does not take
            the task is no trial.
        counts: number of these trials by status.
        notes: problems that a reader must know of, such as a plugin that could not be loaded.
        protocols: the protocols, the largest budget first.
        tasks: the tasks, in the order of kind and label; superseded tasks come last.
        entrants: the entrants, in the order of their labels.
        overall: one board for each protocol and kind of task: scores over all tasks of the kind.
        boards: one board for each protocol and task that have results.
        matrices: one matrix for each protocol: the state of every entrant on every task.
        tuning: one entry for each entrant, task and protocol with tuning trials.
        failures: the trials that neither finished nor were skipped.
        environments: the environments that trials ran in, the most used first.
        sections: sections that plugins added.
        studies: the studies that have trials in the folder; these trials are in nothing of the above.
        study_trials: number of their trials; one that several studies share counts once.
        claims: the claims that these studies decide.
    """

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
    studies: list[StudyEntry] = []
    study_trials: int = 0
    claims: list[ClaimEntry] = []
