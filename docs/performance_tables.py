"""Tables of docs/performance.md, made of the results that docs/performance_measured.py writes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from generated_pages import markdown

Row = dict[str, Any]
SECTIONS = ("steps", "trials", "runs", "benchopt", "series", "start_up", "cells", "ladder", "together")

MOST_LOAD = 0.25
"""Load for each core in the minute before."""
BUSY = (
    "**The machine was busy, so these numbers are provisional.** Ratios of two loops in one process hold roughly. "
    "Seconds do not, nor does what compares processes: Linux gives each session its share of a busy core, and a trial "
    "has a session of its own, while the bare loop beside it shares one."
)


def render(results: dict[str, Any]) -> str:
    """Return all tables as Markdown: the targets on all machines, and for each machine what was measured."""
    machines = results["machines"]
    return "\n\n".join(["## Targets", verdicts(machines), *(part for one in machines for part in _measured_on(one))])


def _measured_on(results: dict[str, Any]) -> list[str]:
    """Return the parts of the page about one machine."""
    return [
        f"## On {results['processor']}",
        conditions(results),
        "### A training step beside loops that people write",
        "Both train the same network on the same data, in turn. Ratios are ours over theirs.",
        ratios([row | {"name": f"{row['work']}, beside {row['rival']}"} for row in results["steps"]], "step"),
        "### What surrounds the steps",
        measured(results["trials"]),
        "### Whole runs beside other ways to start them",
        "How many times as long as `benchmark run` the other way takes for some trainings of the mlp on digits.",
        markdown(("", "found", "quartiles", "n", "seconds", "`benchmark run`"), _runs(results)),
        benchopt(results),
        "### Cost of a trial against the number of trials",
        "Trials of one step, so that nothing but the cost of a trial is left.",
        measured(results["series"]),
        "### Start-up",
        measured(results["start_up"]),
        "### Sequence networks over `torch.nn.LSTM`",
        "Batches of 32, 64 steps, 64 units, forward and backward.",
        ratios(results["cells"], "cell or network", "`torch.nn.LSTM`"),
        "### The ladder of the LSTM",
        "One layer of 64 units on 64 inputs, the rungs of cuDNN 5 (arXiv:1604.01946). Ratios are to the first form.",
        ratios(results["ladder"], "form", "first form"),
        *seeds_together(results.get("together", [])),
    ]


def seeds_together(rows: Sequence[Row]) -> list[str]:
    """Return the part on seeds that train as one batched network; nothing where it was not measured."""
    if not rows:
        return []
    text = "All steps of a training, without its validations. How many times as long one seed after the other takes."
    lines = [
        (row["name"], quantity(row["found"], "ratio"), spread(row), row["n"],
         seconds(row["ours"]), seconds(row["theirs"]))
        for row in rows
    ]  # fmt: skip
    columns = ("seeds", "ratio", "quartiles", "n", "one after the other", "together")
    return ["### Seeds as one batched network", text, markdown(columns, lines)]


def conditions(results: dict[str, Any]) -> str:
    """Return when, where, with what and how busy."""
    before, after = results["load"]
    warning = f" {BUSY}" if before / results.get("cores", 2) > MOST_LOAD else ""
    return (
        f"Measured on {results['date']} in {results['seconds']} s by `{results['command']}` with archbench "
        f"{results['archbench']}, Python {results['python']}, torch {results['torch']}, Lightning "
        f"{results['lightning']}, on {results['platform']}, {results['processor']}. Load of the machine in the minute "
        f"before it began {before:.1f}, and at its end {after:.1f}; measuring itself makes up to one for each core."
        f"{warning}"
    )


def verdict(row: Row) -> str:
    """Return `met` or `missed`: the median counts; a row without a target has none."""
    if "at_most" in row:
        return "met" if row["found"] <= row["at_most"] else "missed"
    if "at_least" in row:
        return "met" if row["found"] >= row["at_least"] else "missed"
    return ""


def target(row: Row) -> str:
    """Return the target of a row in words."""
    for key, words in {"at_most": "at most", "at_least": "at least"}.items():
        if key in row:
            return f"{words} {quantity(row[key], row['unit'])}"
    return ""


def verdicts(machines: Sequence[dict[str, Any]]) -> str:
    """Return which targets are met and which are missed on each machine, the most often missed ones first."""
    found = [{row["name"]: row for name in SECTIONS for row in one.get(name, []) if verdict(row)} for one in machines]
    rows = {name: row for one in reversed(found) for name, row in one.items()}
    often = {name: _missed(one[name] for one in found if name in one) for name in rows}
    lines = [
        (_text(rows[name]), target(rows[name]), *(cell for one in found for cell in _found(one.get(name))))
        for name in sorted(rows, key=lambda name: -often[name])
    ]
    places = ["found"] if len(machines) == 1 else [one["processor"] for one in machines]
    counts = [
        f"Of {len(one)} targets {len(one) - _missed(one.values())} are met and {_missed(one.values())} are missed"
        for one in found
    ]
    if len(machines) > 1:
        counts = [f"{count} on {place}" for count, place in zip(counts, places, strict=True)]
    heads = ("measured", "target", *(head for place in places for head in (place, "")))
    return ". ".join(counts) + ".\n\n" + markdown(heads, lines)


def _missed(rows: Iterable[Row]) -> int:
    return sum(verdict(row) == "missed" for row in rows)


def _found(row: Row | None) -> tuple[str, str]:
    return ("-", "") if row is None else (quantity(row["found"], row["unit"]), verdict(row))


def _text(row: Row) -> str:
    return f"a step of {row['name']} over that of `torch.nn.LSTM`" if "default network" in row["name"] else row["name"]


def ratios(rows: Iterable[Row], what: str, theirs: str = "theirs") -> str:
    """Return paired ratios with their spread and the times of both."""
    lines = [
        (row["name"], quantity(row["found"], "ratio"), spread(row), row["n"],
         seconds(row["ours"]), seconds(row["theirs"]))
        for row in rows
    ]  # fmt: skip
    return markdown((what, "ratio", "quartiles", "n", "ours", theirs), lines)


def measured(rows: Iterable[Row]) -> str:
    """Return medians with their spread."""
    lines = [(row["name"], quantity(row["found"], row["unit"]), spread(row), row["n"]) for row in rows]
    return markdown(("", "found", "quartiles", "n"), lines)


def _runs(results: dict[str, Any]) -> Iterable[Sequence[Any]]:
    for row in [*results["runs"], *results["benchopt"]]:
        times = (seconds(row["ours"]), seconds(row["theirs"]))
        yield (row["name"], quantity(row["found"], "ratio"), spread(row), row["n"], *times)
    if not results["benchopt"]:
        yield ("benchopt, a torch solver on the same work", "not measured", "", 0, "", "")


def benchopt(results: dict[str, Any]) -> str:
    """Return which release of benchopt was measured, or that none was."""
    if results["benchopt"]:
        return f"benchopt {results['benchopt_release']}, in one process with as many workers."
    return "benchopt was not installed where this was measured, so there is no number for it."


def spread(row: Row) -> str:
    """Return the quartiles; one measurement has none."""
    if row["n"] == 1:
        return "-"
    return f"{quantity(row['lower'], row['unit'])} to {quantity(row['upper'], row['unit'])}"


def quantity(value: float, unit: str) -> str:
    """Return a number with its unit."""
    if unit == "s":
        return seconds(value)
    return f"{value:.2f}" if unit == "ratio" else f"{value:.1f} {unit}"


def seconds(value: float) -> str:
    """Return a time in ms or s."""
    return f"{1000 * value:.3g} ms" if value < 1 else f"{value:.2f} s"
