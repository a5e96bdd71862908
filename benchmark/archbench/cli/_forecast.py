"""`benchmark run --dry-run`: every architecture on every task, with state and cost."""

from __future__ import annotations

import dataclasses
from typing import Any

from rich.text import Text

from archbench._planning import Plan
from archbench._suite import Observer, RunSettings
from archbench._suite._forecast import CellForecast, Forecast, forecast
from archbench._suite._progress import format_seconds
from archbench.cli._describe import describe_all_own_data
from archbench.cli._output import print_json
from archbench.cli._refused import plain_refused, refused_lines
from archbench.cli._tables import make_table, print_table


def show_forecast(plan: Plan, settings: RunSettings, observer: Observer, *, json: bool) -> None:
    """Print the state and the cost of every cell of a plan, and the cost of the whole run."""
    expected = forecast(plan, settings, observer)
    if json:
        cells: list[dict[str, Any]] = [{**dataclasses.asdict(cell), "seconds": cell.seconds} for cell in expected.cells]
        together = {"devices_per_trial": expected.devices_per_trial, "strategy": expected.strategy}
        places = {"workers": expected.workers, **together}
        shared = {"per_device": expected.per_device}
        seconds = {"seconds": expected.seconds, "cost_sources": expected.sources}
        cost = {**places, **shared, **seconds, "warnings": expected.warnings}
        refused = {"refused": plain_refused(expected.refused)}
        print_json({"cells": cells, **cost, **refused, "own_data": describe_all_own_data(plan)})
    else:
        _print(expected)


def _print(expected: Forecast) -> None:
    several = len({cell.protocol for cell in expected.cells}) > 1
    heads = ["architecture", "task", "state", "trials to train", "each", "all"]
    table = make_table(*["protocol"] * several, *heads, right=(3 + several, 4 + several, 5 + several))
    for cell in expected.cells:
        table.add_row(*[cell.protocol] * several, *_describe_cell(cell))
    print_table(table)
    for line in refused_lines(expected.refused):
        print(line)
    seconds = format_seconds(expected.seconds)
    together = f", each on {expected.devices_per_trial} devices" if expected.devices_per_trial > 1 else ""
    together += " with sharded weights" if expected.strategy == "fsdp" else ""
    print(f"\nForecast: about {seconds} with {expected.workers} at a time{together}. Nothing was kept.")
    for line in _describe_sources(expected):
        print(line)
    for line in expected.warnings:
        print(f"warning: {line}")


def _describe_cell(cell: CellForecast) -> tuple[Text | str, ...]:
    each = cell.seconds_per_trial
    state = f"{cell.state}: {cell.reason}" if cell.reason else cell.state
    about = "~" if cell.cost_source == "estimated" else ""
    cost = (about + format_seconds(each), about + format_seconds(cell.seconds)) if each and cell.to_train else ("", "")
    return Text(cell.architecture), Text(cell.task), Text(state), f"{cell.to_train}/{cell.trials}", *cost


def _describe_sources(expected: Forecast) -> list[str]:
    """Return a line that counts the cells by where their cost is from, unless all were trained or measured."""
    sources = expected.sources
    told = {
        "records": "known from records",
        "measured": "measured",
        "estimated": "estimated from the most similar of these (marked ~)",
        "unknown": "could not be measured and count as 0",
    }
    if not sources["estimated"] and not sources["unknown"]:
        return []
    counts = ", ".join(f"{number} {told[source]}" for source, number in sources.items() if number)
    return [f"Costs, architecture on task: {counts}."]
