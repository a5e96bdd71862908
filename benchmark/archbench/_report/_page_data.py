"""The data from which the script of the page answers and draws what a reader asks for.

It is one JSON object in the page. Every number in it was computed here; the script looks them up and draws them.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from archbench._records import Record
from archbench._report import _text
from archbench._report._addresses import Addresses
from archbench._report._charts import SHADE_LIMITS
from archbench._report._errors import errors_data
from archbench._report._pairs import four_digits, pair_data
from archbench._report._scales import is_logarithmic
from archbench._report._schema import Entrant, Leaderboard, OverBoard, TaskBoard, TaskEntry, TaskRow
from archbench._report._trial_data import Trials


class Elsewhere(NamedTuple):
    """The files with what a page of a large leaderboard lacks.

    Args:
        views: the file of each view, by address.
        trials: the ids of the trials in each file.
    """

    views: Mapping[str, str] = {}
    trials: Mapping[str, Sequence[str]] = {}


def entrants_data(board: Leaderboard) -> msgspec.Raw:
    """Return the part of the data that all pages of a leaderboard have: its architectures, as JSON."""
    at = Addresses(board)
    return msgspec.Raw(msgspec.json.encode([_entrant(entrant, at) for entrant in board.entrants]))


def page_data(
    board: Leaderboard,
    entrants: msgspec.Raw,
    records: Sequence[Record] = (),
    elsewhere: Elsewhere = Elsewhere(),  # noqa: B008 - it cannot change
    shown: Sequence[TaskBoard] = (),
) -> str:
    """Return the data of the page as JSON that can stand inside a script element.

    Args:
        board: the leaderboard whose entrants can be compared.
        entrants: those, from `entrants_data`.
        records: the records that it was built from; without them, single trials cannot be shown.
        elsewhere: the files with what the page lacks.
        shown: the boards with a view, whose errors can be looked at.
    """
    at = Addresses(board)
    trials = Trials(board, records)
    errors = {item.id: errors_data(item, board) for item in shown}
    data = {
        "entrants": entrants,
        "boards": [
            *(_over(over, board, at) for over in board.overall),
            *(_task(item, board, at, trials.places) | errors.get(item.id, {}) for item in board.boards),
        ],
        "words": _words(board),
        "shades": SHADE_LIMITS,
        **trials.data(),
        **({"elsewhere": elsewhere.views} if elsewhere.views else {}),
        **({"trialFiles": _beginnings(elsewhere.trials)} if elsewhere.trials else {}),
    }
    # The order of keys is that of the code, so equal leaderboards give equal bytes. `<` would end the element.
    return msgspec.json.encode(data).decode().replace("<", "\\u003c")


def _beginnings(trials: Mapping[str, Sequence[str]]) -> dict[str, Any]:
    """Return the ids of trials by file, cut to the length from which on no two of them are equal, and joined."""
    ids = {key for keys in trials.values() for key in keys}
    size = next(size for size in itertools.count(1) if len({key[:size] for key in ids}) == len(ids))
    return {"size": size, "files": {file: "".join(key[:size] for key in keys) for file, keys in trials.items()}}


def _words(board: Leaderboard) -> str:
    """Return the words above the answers on two architectures."""
    ratios = any(task.factor is not None for task in board.tasks)
    return f"{_text.ANSWERS} {_text.RATIOS}" if ratios else _text.ANSWERS


def _entrant(entrant: Entrant, at: Addresses) -> dict[str, Any]:
    """Return an architecture by its name, its mark, the words that find it, and the facts that set it apart."""
    facts = {
        "summary": entrant.summary,
        "paper": entrant.source,
        "control": entrant.control,
        "provider": entrant.provider,
        "revision": str(entrant.revision),
    }
    options = {f"option {name}": msgspec.json.encode(value).decode() for name, value in sorted(entrant.options.items())}
    return {
        "label": entrant.label,
        "at": at.architecture(entrant),
        "colour": entrant.colour,
        "old": bool(entrant.superseded_by),
        "find": " ".join((entrant.label, entrant.summary, entrant.source, entrant.provider)).lower(),
        "facts": facts | options,
    }


def _where(name: str, protocol: str, board: Leaderboard) -> str:
    labels = {entry.id: entry.label for entry in board.protocols}
    return f"{name}, {labels[protocol]}" if len(labels) > 1 else name


def _over(over: OverBoard, board: Leaderboard, at: Addresses) -> dict[str, Any]:
    """Return a board over tasks: its name, its units, and what is known of its pairs."""
    reasons = {row.entrant: "; ".join(row.missing) for row in over.rows if not row.rank}
    margin = over.comparison.margin
    return {
        "at": at.overall(over),
        "where": _where(f"{_text.kind_word(over.kind).capitalize()} tasks", over.protocol, board),
        "digits": 3,
        "margin": "" if margin is None else f"{margin:.2g}",
        "scale": 1,
        **pair_data(over, _numbers(board), reasons, 3),
    }


def _task(item: TaskBoard, board: Leaderboard, at: Addresses, places: Mapping[str, int]) -> dict[str, Any]:
    """Return the board of a task: its name, its units, what is known of its pairs, its seeds and its costs."""
    task = next(task for task in board.tasks if task.id == item.task)
    newer = {entrant.id: entrant.superseded_by for entrant in board.entrants}
    reasons = {row.entrant: _text.why_unranked(row, newer[row.entrant]) for row in item.rows if not row.rank}
    solved = {row.entrant: _text.solved(row) for row in item.rows} if _text.has_target(item) else None
    digits, numbers = _text.decimals(item, task), _numbers(board)
    return {
        "at": at.task(item),
        "where": _where(task.label, item.protocol, board),
        "metric": task.metric.replace("_", " "),
        "digits": digits,
        **_units(task),
        **pair_data(item, numbers, reasons, digits, solved),
        "seeds": {str(numbers[row.entrant]): _seeds(row, places) for row in item.rows if row.ok},
        "costs": {str(numbers[row.entrant]): _costs(row) for row in item.rows if row.ok},
    }


def _units(task: TaskEntry) -> dict[str, Any]:
    """Return what gives a difference of scores its size: the bounds, the margin, and the scale from 0 to 1."""
    factor = task.factor is not None
    return {
        "bounds": _text.score_bounds(task),
        "ratio": factor,
        "margin": _text.margin_words(task) if factor else "" if task.margin is None else f"{task.margin}",
        "scale": four_digits(task.oracle - task.chance),
        "chance": four_digits(task.chance),
        "powers": factor or is_logarithmic(task),
    }


def _seeds(row: TaskRow, places: Mapping[str, int]) -> list[list[float | int | None]]:
    """Return (seed, test score, place among the trials of the data) of each seed that the board compares."""
    return [
        [seed.seed, four_digits(seed.test), places.get(seed.record)]
        for seed in row.seeds
        if seed.counted and seed.test is not None
    ]


def _costs(row: TaskRow) -> list[str]:
    """Return parameters, operations, seconds and memory of an architecture in words."""
    memory = None if row.peak_memory_bytes is None else row.peak_memory_bytes / 1e6
    numbers = (row.parameters, row.flops, row.samples_per_second)
    return [*map(_text.count, numbers), _text.seconds(row.train_seconds), _text.count(memory)]


def _numbers(board: Leaderboard) -> dict[str, int]:
    return {entrant.id: number for number, entrant in enumerate(board.entrants)}
