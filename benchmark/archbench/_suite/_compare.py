"""Compare some entrants: train what has no record yet, and say who is better. Seeds are added where asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from archbench._errors import SelectionError
from archbench._planning import Cell, Plan, check_each_fits
from archbench._suite._results import Results
from archbench._suite._run import Run
from archbench._suite._settings import MAX_SEEDS

if TYPE_CHECKING:
    from archbench._plugins import Plugins
    from archbench._records import Record
    from archbench._suite._compared import Comparison
    from archbench._suite._observer import Observer
    from archbench._suite._settings import RunSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How entrants are compared.

    Args:
        seeds: number of seeds; of a sequential rule, the largest.
        decide: add seeds until the question is decided.
        margin: smallest difference that matters, in the unit of each metric, or where tasks are compared by ratios the
            smallest factor; None for what the tasks declare.

    Raises:
        SelectionError: a value is not allowed.
    """

    seeds: int
    decide: bool = False
    margin: float | None = None

    def __post_init__(self) -> None:
        from archbench._statistics import MIN_SEEDS, MOST_SEEDS  # numpy and scipy are for those who compare

        if self.seeds < MIN_SEEDS:
            raise SelectionError(
                f"`{'max_seeds' if self.decide else 'seeds'}` is {self.seeds}; give {MIN_SEEDS} or more"
            )
        if self.decide and self.seeds > MOST_SEEDS:
            raise SelectionError(f"`max_seeds` is {self.seeds}; at most {MOST_SEEDS} are possible")
        if self.margin is not None and not self.margin >= 0:
            raise SelectionError(f"`margin` is {self.margin:g}; give the smallest difference that matters, 0 or more")


def make_rules(seeds: int | None, usual: int, *, decide: bool, max_seeds: int | None, margin: float | None) -> Rules:
    """Return the rules that a user asks for.

    Args:
        seeds: number of seeds; None for the usual one, and three at least.
        usual: number of seeds of the protocol.
        decide: add seeds until the question is decided.
        max_seeds: where a sequential rule ends; None for ten.
        margin: see `Rules`.

    Raises:
        SelectionError: the options contradict each other, or a value is not allowed.
    """
    if decide and seeds is not None:
        raise SelectionError(
            "`seeds` is a fixed number, and `decide` adds seeds; leave one out, or say with `max_seeds` where to end"
        )
    if max_seeds is not None and not decide:
        raise SelectionError("`max_seeds` is where `decide` ends; add `decide`, or give a fixed number as `seeds`")
    from archbench._statistics import MIN_SEEDS

    fixed = max(usual, MIN_SEEDS) if seeds is None else seeds
    most = MAX_SEEDS if max_seeds is None else max_seeds
    return Rules(seeds=most if decide else fixed, decide=decide, margin=margin)


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The answer to which of some entrants is better.

    Args:
        results: of the last run that it took.
        tasks: a comparison for each task.
        overall: the comparison of the mean over tasks, where there are several; else None.
        rules: how they were compared.
    """

    results: Results
    tasks: tuple[Comparison, ...]
    overall: Comparison | None
    rules: Rules

    @property
    def answer(self) -> Comparison:
        """The comparison that decides: over the tasks if there are several, else that of the one task."""
        return self.overall or self.tasks[0]


def carry_out_comparison(
    plan: Plan, rules: Rules, settings: RunSettings, *, plugins: Plugins, observer: Observer
) -> Compared:
    """Return the comparison of the entrants of a plan on its tasks, after training what it takes.

    Args:
        plan: the cells, with any number of seeds.
        rules: how they are compared.
        settings: where and how to train.
        plugins: those behind the plan.
        observer: is told what happens.

    Raises:
        SelectionError: the plan has fewer than two entrants that take a common task, or the margin suits none of these.
        IncompatibleError: an entrant takes none of the tasks.
    """
    from archbench._statistics import MIN_SEEDS

    check_each_fits((*plan.cells, *plan.declined))
    cells = _by_task(plan.cells)
    _check_margin(rules.margin, [group[0] for group in cells])
    seeds = MIN_SEEDS if rules.decide else rules.seeds
    ended: list[Record] = []  # of the cells in which a trial failed: more seeds cannot make that good
    while True:
        groups = [[replace(cell, seeds=seeds) for cell in group] for group in cells]
        without = {record.trial.cell for record in ended}
        smaller = replace(plan, cells=tuple(cell for group in groups for cell in group if cell.key not in without))
        results = Run(smaller, settings, plugins=plugins, observer=observer).carry_out()
        results = replace(results, records=(*results.records, *ended))
        compared = _compare(groups, results, rules)
        if seeds >= rules.seeds or not compared.answer.open:
            return compared
        failed = {record.trial.cell for record in results.records if record.status != "ok"}
        ended = [record for record in results.records if record.trial.cell in failed]
        seeds += 1


def _compare(groups: Sequence[Sequence[Cell]], results: Results, rules: Rules) -> Compared:
    from archbench._suite._comparison import compare, measure, over_tasks

    limit = rules.seeds if rules.decide else None
    measured = [measure(group, results.records, rules.margin) for group in groups]
    tasks = tuple(compare(item, max_seeds=limit) for item in measured)
    overall = compare(over_tasks(measured, groups), max_seeds=limit) if len(groups) > 1 else None
    return Compared(results=results, tasks=tasks, overall=overall, rules=rules)


def _check_margin(margin: float | None, cells: Sequence[Cell]) -> None:
    """Raise `SelectionError` if a margin cannot hold for the tasks of these cells."""
    by_ratio = [cell.task.component.label for cell in cells if cell.facts.factor is not None]
    if margin is None or not by_ratio:
        return
    if len(by_ratio) < len(cells):
        others = [cell.task.component.label for cell in cells if cell.facts.factor is None]
        raise SelectionError(
            f"`margin` is {margin:g}, but {', '.join(by_ratio)} is compared by the ratio of errors and "
            f"{', '.join(others)} by the difference of scores; leave it out, or name tasks of one kind"
        )
    if margin < 1:
        raise SelectionError(
            f"`margin` is {margin:g}, but {', '.join(by_ratio)} is compared by the ratio of errors; give the smallest "
            "factor that matters, such as 1.25, or 1 for any"
        )


def _by_task(cells: Sequence[Cell]) -> list[list[Cell]]:
    """Return the cells of each task that all entrants take, in the order of the plan."""
    fitting = [cell for cell in cells if cell.refusal is None]
    tasks: dict[str, list[Cell]] = {}
    for cell in fitting:
        tasks.setdefault(cell.key.task, []).append(cell)
    entrants = len({cell.key.architecture for cell in cells})
    if entrants < 2:
        raise SelectionError("one entrant cannot be compared; name two architectures or more")
    common = [group for group in tasks.values() if len(group) == entrants]
    if not common:
        fits = "; ".join(f"{c.architecture.component.label} takes {c.task.component.label}" for c in fitting)
        raise SelectionError(f"no task suits all of them ({fits or 'none takes any'}); choose one with --task")
    return common
