"""Single trials in the data of the page, small enough to carry them all."""

from __future__ import annotations

import base64
import math
import shlex
from collections.abc import Sequence
from typing import Any

from archbench._protocols import Recipe, protocols
from archbench._records import Origin, Record
from archbench._report._curve_text import curve_text
from archbench._report._pairs import four_digits
from archbench._report._schema import Leaderboard
from archbench._report._seeds import status_of

MOST_TRIALS = 2_000
"""A page with more trials than this carries only those that did not end well; the others are in their records."""
MOST_POINTS = 40
"""Points of a learning curve that a chart of this size can show; longer ones are thinned, their ends kept."""
MOST_DETAIL = 3_000
"""Characters of a traceback or log that the page carries; the end says why it failed."""

CELL_FIELDS = (
    "architecture", "entrant", "board", "task", "protocol", "tuning", "recipe", "environment", "command"
)  # fmt: skip
"""What the trials of an entrant on a task share, in order. Texts are places in the list of texts."""
FIELDS = ("id", "cell", "seed", "status", "message", "detail", "scores", "cost", "curve", "splits", "batches")
"""The fields of a trial, in order. Its id is written in base 64; other texts are places in the list of texts."""


class Trials:
    """The trials of a page, with texts and steps that several share written once.

    Args:
        board: the leaderboard: its labels name them, and it says which of them count.
        records: all records, in any order.
    """

    def __init__(self, board: Leaderboard, records: Sequence[Record]) -> None:
        self._labels = {entrant.id: entrant.label for entrant in board.entrants}
        self._labels |= {task.id: task.label for task in board.tasks}
        self._labels |= {protocol.id: protocol.label for protocol in board.protocols}
        self._numbers = {entrant.id: number for number, entrant in enumerate(board.entrants)}
        over = len(board.overall)
        self._boards = {(item.task, item.protocol): over + place for place, item in enumerate(board.boards)}
        seeds = (seed for item in board.boards for row in item.rows for seed in row.seeds)
        self._said = {seed.record: (seed.status, seed.message) for seed in seeds}
        self._texts: dict[str, int] = {}
        self._steps: dict[tuple[int, ...], int] = {}
        self._cells: dict[tuple[int, ...], int] = {}
        self._met: dict[tuple[object, ...], int] = {}
        tried = sorted((r for r in records if r.status != "skipped"), key=lambda record: record.id)
        self._shown = [r for r in tried if len(tried) <= MOST_TRIALS or r.status != "ok"][:MOST_TRIALS]
        self.places = {record.id: place for place, record in enumerate(self._shown)}
        """The place of each trial in the data, by the id of its record."""

    def data(self) -> dict[str, Any]:
        """Return the part of the data that holds the trials."""
        rows = [self._row(record) for record in self._shown]
        shared = {"texts": list(self._texts), "steps": list(self._steps), "cells": list(self._cells)}
        return {"fields": FIELDS, "cellFields": CELL_FIELDS, "trials": rows, **shared}

    def _row(self, record: Record) -> list[Any]:
        status, message = self._said.get(record.id) or status_of(record)
        texts = (status, message, record.detail[-MOST_DETAIL:].strip())
        proof = (record.pairing.splits, record.pairing.batches) if record.pairing else ("", "")
        return [
            base64.urlsafe_b64encode(bytes.fromhex(record.id)).decode().rstrip("="),
            self._cell(record),
            record.trial.seed,
            *map(self._text, texts),
            _scores(record),
            _cost(record),
            self._curve(record),
            *map(self._text, proof),
        ]

    def _cell(self, record: Record) -> int:
        """Return the place of what a trial shares with others; the records of a folder share the objects in it, too."""
        trial, penalty = record.trial, _penalty_words(record)
        parts = (trial.architecture, trial.task, trial.protocol, _recipe(record), record.environment)
        key = (*map(id, (*parts, record.architecture_origin, record.task_origin)), trial.tuning, penalty)
        place = self._met.get(key)
        if place is None:
            place = self._met[key] = self._new_cell(record, penalty)
        return place

    def _new_cell(self, record: Record, penalty: str) -> int:
        trial, recipe = record.trial, _recipe(record)
        words = f"{recipe.words() if recipe else ''}{penalty}", _environment(record), _command(record)
        cell = (
            self._text(self._label(trial.architecture)),
            self._numbers.get(trial.architecture.key, -1),
            self._boards.get((trial.task.key, trial.protocol.key), -1),
            self._text(self._label(trial.task)),
            self._text(self._label(trial.protocol)),
            int(trial.tuning),
            *map(self._text, words),
        )
        return self._cells.setdefault(cell, len(self._cells))

    def _label(self, part: Any) -> str:
        """Return the name of an architecture, a task or a protocol on the page."""
        known: str | None = self._labels.get(part.key)
        return known or str(getattr(part, "label", part.name))

    def _text(self, text: str) -> int:
        place = self._texts.get(text)
        if place is None:
            place = self._texts.setdefault(text.encode("utf-8", "replace").decode(), len(self._texts))
        return place

    def _curve(self, record: Record) -> list[Any]:
        """Return the place of the steps, and the texts of validation scores and losses; nothing without a curve."""
        curves = record.curves
        if curves is None or not curves.step:
            return []
        every = math.ceil(len(curves.step) / MOST_POINTS)
        kept = slice((len(curves.step) - 1) % every, None, every)
        steps = tuple(curves.step[kept])
        texts = curve_text(curves.validation[kept]), curve_text(curves.train_loss[kept])
        return [self._steps.setdefault(steps, len(self._steps)), *texts[0], *texts[1]]


def _scores(record: Record) -> list[float | int | None]:
    """Return test, test of the last weights, validation, both training losses, and the step of the weights."""
    found = record.scores
    if found is None:
        return []
    values = (found.test, found.test_last, found.validation, found.train_loss, found.plain_train_loss)
    return [*map(four_digits, values), found.selected_step]


def _cost(record: Record) -> list[float | int | None]:
    """Return parameters, training seconds, memory in megabytes, steps done and steps to the target."""
    spent, training = record.resources, record.training
    memory = None if spent.peak_memory_bytes is None else round(spent.peak_memory_bytes / 1e6)
    steps = (training.steps, training.steps_to_target) if training else (None, None)
    return [spent.parameters, four_digits(spent.train_seconds), memory, *steps]


def _recipe(record: Record) -> Recipe | None:
    """Return the recipe that a trial followed, or would have; None if its architecture was to choose one."""
    asked = record.trial.recipe or record.trial.protocol.recipe
    recipe = record.training.recipe if record.training else asked
    return recipe if isinstance(recipe, Recipe) else None


def _penalty_words(record: Record) -> str:
    if record.curves is None or not record.curves.penalty:
        return ""
    return f"; penalties of the network added {record.curves.penalty[-1]:.3g} to the loss at the end"


def _environment(record: Record) -> str:
    place = record.environment
    if place is None:
        return ""
    named = {"archbench": place.archbench, "torch": place.torch, "lightning": place.lightning, "numba": place.numba}
    versions = ", ".join(f"{name} {version}" for name, version in (named | {"Python": place.python}).items() if version)
    threads = f"{place.threads} thread{'' if place.threads == 1 else 's'}"
    return f"{place.processor}, {place.place}, {threads}; {versions}; {place.platform}"


def _command(record: Record) -> str:
    """Return the command that runs the cell of a trial, to which the page adds the seeds; empty for one of a study.

    A study plans its own trials, so its view has the command.
    """
    trial = record.trial
    if trial.protocol.for_studies:
        return ""
    known = trial.protocol.provider or trial.protocol.name in [protocol.name for protocol in protocols()]
    words = ["benchmark", "tune" if trial.tuning else "run", trial.architecture.label, "--task", trial.task.label]
    words += ["--protocol", trial.protocol.name if known else f"./{trial.protocol.name}.toml"]
    for origin in (record.architecture_origin, record.task_origin):
        words += ["--plugin", origin.distribution] if _is_file(origin) else []
    words += ["--plugin", trial.protocol.provider] if trial.protocol.provider.endswith(".py") else []
    return shlex.join(words)


def _is_file(origin: Origin) -> bool:
    return not origin.entry_point and not origin.version
