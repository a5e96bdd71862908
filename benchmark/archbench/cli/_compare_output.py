"""The answer of `benchmark compare`: a table with small plots, or JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from rich.table import Table
from rich.text import Text

from archbench._statistics import MOST_SEEDS, classify
from archbench._suite._compare import Compared, Rules
from archbench._suite._comparison import generous
from archbench.cli._output import print_json
from archbench.cli._results import broken_plugins, print_failures
from archbench.cli._tables import make_table, print_table

if TYPE_CHECKING:
    from archbench._suite._compared import Comparison, PairComparison

WIDTH = 31
"""Columns of a plot; odd, so that 0 has its own."""

SMALLEST, LARGEST = 1e-3, 1e6
"""Differences below the one, and scores from the other on, are written as powers: four decimals would not show them."""


def show_comparison(compared: Compared, again: str, *, json: bool) -> int:
    """Print the answer and return the exit code: 1 if a trial or a plugin failed, else 0.

    Args:
        compared: the answer.
        again: the command that compares the same cells.
        json: as JSON.
    """
    results = compared.results
    broken = broken_plugins(results)
    code = 1 if results.failures or broken else 0
    if json:
        print_json(_describe(compared, again, code))
    else:
        for comparison in [*compared.tasks, *filter(None, [compared.overall])]:
            _print_comparison(comparison)
        for line in _conclusions(compared, again):
            print(line)
    print_failures(results, broken)
    return code


def draw_interval(low: float, middle: float, high: float, *, margin: float, reach: float) -> str:
    """Return an interval as text: `│` at 0, brackets at the margin, `├─●─┤` for the interval.

    Args:
        low, middle, high: bounds and centre.
        margin: 0 for none.
        reach: value at both ends of the plot; what lies beyond is cut off, with an arrow.
    """
    cells = [" "] * WIDTH
    marks = [("(", -margin), (")", margin)] if margin else []
    for mark, value in [*marks, ("│", 0.0)]:
        if abs(value) <= reach:
            cells[_column(value, reach)] = mark
    start, end = _column(low, reach), _column(high, reach)
    for column in range(start, end + 1):
        cells[column] = "─" if cells[column] == " " else cells[column]
    cells[start], cells[end] = "◄" if low < -reach else "├", "►" if high > reach else "┤"
    cells[_column(middle, reach)] = "●"
    return "".join(cells)


def _column(value: float, reach: float) -> int:
    """Return the column of a value."""
    return round((max(-reach, min(reach, value)) / reach + 1) / 2 * (WIDTH - 1))


def _print_comparison(comparison: Comparison) -> None:
    direction = "higher is better" if comparison.higher_is_better else "lower is better"
    where = f"{comparison.task}: {comparison.metric}, {direction}" if comparison.task else "Mean of normalised scores"
    print(f"{where}, {comparison.seeds} seeds{_margin(comparison)}")
    if not comparison.paired and not comparison.reason:
        print("The records do not prove that all saw the same data at the same seed; compared without pairing.")
    print_table(_table(comparison))
    for line in _explain_comparison(comparison):
        print(line)
    print()


def _margin(comparison: Comparison) -> str:
    """Return what does not matter, in words; empty if nothing says so."""
    if comparison.factor is not None:
        return f", factor {comparison.factor:.4g}"
    return f", margin {comparison.margin:.4g}" if comparison.margin else ""


def _explain_comparison(comparison: Comparison) -> Iterator[str]:
    """Yield the lines below the table."""
    if comparison.factor is not None:
        floor = f"{comparison.floor:.2g}"
        yield f"Errors are compared by their ratio, means are geometric; an error below {floor} counts as {floor}."
    yield from _explain_solving(comparison)
    equal = {label for pair in comparison.pairs if pair.answer == "equivalent" for label in (pair.first, pair.second)}
    for label in [label for label in comparison.alike if label in equal]:
        others = f"up to {comparison.alike[label]:.0%} of other seeds may still differ"
        yield f"{label}: all {comparison.seeds} seeds scored the same, which hides a chance of failure; {others}"
    for pair in comparison.pairs:
        if pair.decided_at and _answer_now(pair, comparison) != pair.answer:
            now = f"all {comparison.seeds} seeds alone would not give it"
            yield f"{pair.first} and {pair.second}: the answer at {pair.decided_at} seeds counts, though {now}"
    if comparison.unfinished:
        names = ", ".join(comparison.unfinished)
        yield f"Still improving when training ended, so that answers hold for this budget only: {names}"
    for label, reason in comparison.missing.items():
        yield f"{label} is not compared: {reason}"
    if comparison.reason:
        yield f"Not compared: {comparison.reason}."


def _explain_solving(comparison: Comparison) -> Iterator[str]:
    """Yield a line for each entrant on how many seeds solved the task, and what follows from that."""
    for label, solved in comparison.solved.items():
        share = f"{solved.seeds} of {solved.of} seeds solved it (95% interval {solved.low:.0%} to {solved.high:.0%})"
        soon = solved.steps is not None and solved.seeds > 0
        yield f"{label}: {share}" + (f", after {solved.steps:.0f} steps on average" if soon else "")
    if any(pair.by == "steps" for pair in comparison.pairs):
        yield "Those that solve it with every seed are compared by their steps to solve it, not by their scores."
    if any(0 < solved.seeds < solved.of for solved in comparison.solved.values()):
        yield "Some seeds solved it and some did not: these counts say more than a difference of means."


def _table(comparison: Comparison) -> Table:
    ratios = comparison.factor is not None
    gap = "first against second" if ratios else "first is better by"
    table = make_table("first", "second", "means", gap, "95% interval", "", "the first is", right=(2, 3, 4))
    for pair in comparison.pairs:
        own = _threshold(pair, comparison)
        alike = [other for other in comparison.pairs if other.by == pair.by]
        bounds = [abs(bound) for other in alike for bound in (other.low, other.high) if bound is not None]
        reach = max([*bounds, 1.2 * own], default=0.0) or 1.0
        means = " / ".join(_mean(comparison, label, pair) for label in (pair.first, pair.second))
        plot = ""
        if pair.difference is not None and pair.low is not None and pair.high is not None:
            plot = draw_interval(pair.low, pair.difference, pair.high, margin=own, reach=reach)
        numbers = _numbers(pair, comparison)
        table.add_row(Text(pair.first), Text(pair.second), means, *numbers, Text(plot), _verdict(pair))
    return table


def _threshold(pair: PairComparison, comparison: Comparison) -> float:
    """Return the smallest difference of a pair that matters; 0 if nothing says so."""
    if pair.by == "steps":
        return 0.0
    return math.log(comparison.factor) if comparison.factor is not None else comparison.margin


def _answer_now(pair: PairComparison, comparison: Comparison) -> str:
    """Return what the interval of a pair says that is shown, which a sequential rule may have got after its answer."""
    if pair.difference is None or pair.low is None or pair.high is None:
        return "undecided"
    return str(classify(pair.difference, (pair.high - pair.low) / 2, _threshold(pair, comparison)))


def _mean(comparison: Comparison, label: str, pair: PairComparison) -> str:
    """Return the mean of an entrant in what a pair is compared by: steps, errors whose ratio counts, or scores."""
    if pair.by == "steps":
        return f"{comparison.solved[label].steps or 0:.0f}"
    mean = comparison.means[label]
    return "-" if mean is None else f"{mean:.3g}" if comparison.factor is not None else _number(mean, pair, comparison)


def _number(value: float, pair: PairComparison, comparison: Comparison, sign: str = "") -> str:
    """Return a score of a pair with four decimals, or as a power where these are no measure of it."""
    of_pair = [abs(number) for number in (pair.difference, pair.low, pair.high) if number is not None]
    means = [abs(mean) for mean in (comparison.means[pair.first], comparison.means[pair.second]) if mean is not None]
    size = max(of_pair, default=0.0) or max(means, default=0.0)
    usual = (not size or size >= SMALLEST) and max(means, default=0.0) < LARGEST
    return f"{value:{sign}.4f}" if usual else f"{value:{sign}.3g}"


def _numbers(pair: PairComparison, comparison: Comparison) -> tuple[str, str]:
    """Return the difference or ratio of a pair, and its interval."""
    if pair.difference is None:
        return "-", "-"
    known = pair.low is not None and pair.high is not None
    if pair.by == "steps":
        interval = f"{pair.low:+.0f} to {pair.high:+.0f} steps" if known else "-"
        return f"{abs(pair.difference):.0f} steps {'sooner' if pair.difference > 0 else 'later'}", interval
    if pair.ratio is not None:
        interval = f"{times(pair.ratio_low)} to {times(pair.ratio_high)}" if known else "-"
        return f"{times(pair.ratio)} times the error", interval
    bounds = [_number(bound, pair, comparison, "+") for bound in (pair.low, pair.high) if bound is not None]
    return _number(pair.difference, pair, comparison, "+"), " to ".join(bounds) or "-"


def times(ratio: float | None) -> str:
    """Return a ratio with two digits, such as `0.30`, or as a whole number where it has more."""
    if ratio is None:
        return "-"
    return f"{ratio:.0f}" if ratio >= 9.95 else f"{ratio:#.2g}"


def _verdict(pair: PairComparison) -> str:
    return pair.answer + (f" (at {pair.decided_at} seeds)" if pair.decided_at else "")


def _conclusions(compared: Compared, again: str) -> Iterator[str]:
    """Yield what holds, and for an open question what it would take."""
    rules, answer = compared.rules, compared.answer
    every = [*compared.tasks, *filter(None, [compared.overall])]
    if any(pair.low is not None or pair.decided_at for comparison in every for pair in comparison.pairs):
        yield _promise(rules, len(compared.tasks))
    needed = [pair.seeds_needed for pair in answer.open]
    known = [number for number in needed if number is not None]
    if known:
        rest = "" if len(known) == len(needed) else f"; other pairs differ too little for {MOST_SEEDS} seeds"
        yield f"Undecided. If what was seen is the truth, about {max(known)} seeds would tell{rest}:"
        yield f"    {again} --decide --max-seeds {generous(max(known))}"
        yield "That rule looks at these seeds again: this answer and that one together are wrong in at most 10%."
    elif needed and not answer.reason:
        yield f"Undecided, and what was seen differs too little for {MOST_SEEDS} seeds; --margin says what matters."


def _promise(rules: Rules, tasks: int) -> str:
    if rules.decide:
        where = "the answer over the tasks" if tasks > 1 else "any of these answers"
        return f"However often it looked: {where} is wrong in at most 5%. At most {rules.seeds} seeds were allowed."
    where = "of each table" if tasks > 1 else "of all pairs"
    return f"The intervals {where} hold together with 95% probability."


def _describe(compared: Compared, again: str, code: int) -> dict[str, Any]:
    """Return what `--json` prints. Scripts rely on these keys."""
    return {
        "exit_code": code,
        "out": str(compared.results.out),
        "trained": compared.results.trained,
        "decided": compared.answer.decided,
        "sequential": compared.rules.decide,
        "largest_number_of_seeds": compared.rules.seeds,
        "tasks": msgspec.to_builtins(compared.tasks),
        "overall": msgspec.to_builtins(compared.overall),
        "command": again,
    }
