"""Shards: the share of a plan that one of several machines trains. A function of the plan alone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from archbench._errors import SelectionError
from archbench._planning._cell import Cell, PlannedTrial
from archbench._planning._plan import Plan

_FORM = re.compile(r"([1-9]\d{0,5})/([1-9]\d{0,5})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One share of several, such as the first of four.

    Args:
        number: which share, from 1.
        total: number of shares.
    """

    number: int
    total: int

    @classmethod
    def parse(cls, text: str) -> Shard:
        """Return the shard that a text such as `1/4` names.

        Raises:
            SelectionError: the text does not name one.
        """
        found = _FORM.fullmatch(text)
        if found is None or int(found[1]) > int(found[2]):
            raise SelectionError(
                f"`shard` is {text!r}; give I/N, such as 1/4 for the first of four shares, where I goes from 1 to N"
            )
        return cls(int(found[1]), int(found[2]))


def take_shard(plan: Plan, shard: Shard) -> Plan:
    """Return the share of a plan: the shards of one plan have no trial in common, and together all of them.

    Pieces are handed out from the longest to the shortest, each to the shard that has least so far. Their cost is
    counted in optimiser steps, which is what every machine can know before it trains. Seeds of a cell follow each
    other, so each shard gets about as many trials of a slow architecture as the others. A cell that is tuned stays
    whole, since its trials wait for each other.

    Raises:
        SelectionError: the plan has fewer pieces than there are shards, and nothing is left for this one.
    """
    pieces = sorted(_pieces(plan), key=lambda piece: -piece[2])
    mine: dict[Cell, list[int]] = {}
    for number, (cell, seeds, _) in zip(_hand_out((cost for *_, cost in pieces), shard.total), pieces, strict=True):
        if number == shard.number - 1:
            mine.setdefault(cell, []).extend(seeds)
    if not mine:
        raise SelectionError(
            f"shard {shard.number}/{shard.total} gets nothing, since there is less to train than there are shards; "
            "take fewer shards, or more seeds"
        )
    cells = tuple(replace(cell, share=tuple(sorted(mine[cell]))) for cell in plan.cells if cell in mine)
    return replace(plan, cells=cells)


def deal(trials: Sequence[PlannedTrial], total: int) -> list[list[PlannedTrial]]:
    """Return the trials in as many shares, which cost about the same; each share keeps their order.

    As in `take_shard`, the seeds of a cell go to different shares. Trials that wait for others are not among them.
    """
    place = {id(cell): number for number, cell in enumerate(dict.fromkeys(planned.cell for planned in trials))}
    longest = sorted(trials, key=lambda planned: (-_cost(planned.cell), place[id(planned.cell)]))
    numbers = _hand_out((_cost(planned.cell) for planned in longest), total)
    share_of = {planned.id: number for planned, number in zip(longest, numbers, strict=True)}
    return [[planned for planned in trials if share_of[planned.id] == number] for number in range(total)]


def _hand_out(costs: Iterable[float], total: int) -> Iterator[int]:
    """Yield the number of the share that each piece goes to: the first of those that have least so far."""
    loads = defaultdict[int, float](float)
    for cost in costs:
        least = min(range(total), key=lambda number: loads[number])
        loads[least] += cost
        yield least


def _pieces(plan: Plan) -> Iterator[tuple[Cell, list[int], float]]:
    """Yield what is handed out as a whole, as a cell with seeds, and its cost."""
    for cell in plan.cells:
        cost, seeds = _cost(cell), [planned.trial.seed for planned in cell.trials()]
        if cell.tuning_cost:
            yield cell, seeds, cost * (len(seeds) + cell.tuning_cost)
        else:
            yield from ((cell, [seed], cost) for seed in seeds)


def _cost(cell: Cell) -> float:
    """Return the cost of a trial, in an unit that all cells of one protocol share: its steps, or its seconds.

    Where the budget is in epochs, the size of the data is not known before they are loaded; one example stands for it.
    """
    if cell.refusal is not None:
        return 0.0  # nothing is trained
    trial = next(planned.trial for planned in cell.trials())
    if trial.seconds is not None:
        return trial.seconds
    steps = trial.steps(cell.facts.kind, examples=trial.batch_size)
    assert steps is not None
    return float(steps)
