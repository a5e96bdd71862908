"""The results of a run: a table or JSON on standard output, failures on standard error."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from archbench._planning import Plan
from archbench._plugins import Plugins, Problem
from archbench._records import CellKey, Record, Store, strangers
from archbench._suite import Results
from archbench._suite._newer import describe_retry
from archbench.cli._answers import describe_answers, print_answers
from archbench.cli._describe import describe_all_own_data
from archbench.cli._output import out_option, plugin_options, print_json, print_problems
from archbench.cli._refused import plain_refused, refused_lines
from archbench.cli._tables import make_table, print_table


def show_results(results: Results, plan: Plan, plugins: Plugins, *, json: bool) -> int:
    """Print the results of a run and return its exit code: 1 if a trial or a plugin failed, else 0.

    Args:
        results: of the run.
        plan: of the run, whose own data JSON describes.
        plugins: of the run, which commands to copy name.
        json: print JSON and no table.
    """
    broken = broken_plugins(results)
    code = 1 if results.failures or broken else 0
    if json:
        print_json({**_describe(results, code), "own_data": describe_all_own_data(plan)})
    else:
        _print_table(results)
        print_answers(results.studies, results.claims, f"{plugin_options(plugins)}{out_option(results.out)}")
    print_failures(results, broken)
    return code


def _print_table(results: Results) -> None:
    """Print one row for each entrant and task, over its seeds, and a line for each task that some do not take."""
    several = len({record.trial.protocol.name for record in results.records}) > 1
    heads = ["task", "architecture", "metric", "mean over seeds", "seeds", "status"]
    table = make_table(*["protocol"] * several, *heads, right=(3 + several, 4 + several))
    cells: dict[CellKey, list[Record]] = defaultdict(list)
    for record in results.records:
        cells[record.trial.cell].append(record)
    for group in cells.values():
        table.add_row(*[group[0].trial.protocol.name] * several, *_make_row(group))
    print_table(table)
    for line in refused_lines(results.refused):
        print(line)
    out = results.out
    print(f"\nLeaderboard: {out / 'index.html'} (open it with `benchmark leaderboard{out_option(out)} --open`)")


def _make_row(group: Sequence[Record]) -> tuple[Text | str, ...]:
    apart = strangers(group)  # as on the page, no mean mixes devices or versions
    scores = [record.scores.test for record in group if record.scores is not None and record.id not in apart]
    mean = f"{sum(scores) / len(scores):.4f}" if scores else "-"
    bad = sorted({record.status for record in group} - {"ok"}) + ["set aside"] * bool(apart)
    first, *_ = group
    return (
        Text(first.trial.task.label),
        Text(first.trial.architecture.label),
        first.task_facts.metric,
        mean,
        f"{len(scores)}/{len(group)}",
        ", ".join(bad) or "ok",
    )


def broken_plugins(results: Results) -> list[Problem]:
    """Return the problems because of which something is missing."""
    return [problem for problem in results.problems if problem.fatal]


def print_failures(results: Results, broken: Sequence[Problem]) -> None:
    """Print trials and plugins that failed, on standard error, with what to do."""
    store = Store(results.out)
    for record in results.failures:
        log = store.log(record.id)
        where = f" (log: {log})" if log.exists() else ""
        print(f"{record.status}: {record.trial}: {record.message}{where}", file=sys.stderr)
    print_problems(broken)
    if results.failures:
        count = f"{len(results.failures)} of {len(results.records) + len(results.tuning_records)}"
        blocked = sum(record.id in results.blocked for record in results.failures)
        print(f"{count} trials did not end ok; {describe_retry(len(results.failures), blocked)}.", file=sys.stderr)
    if any(problem.stage != "train" for problem in broken):
        advice = "see `benchmark plugins`, leave one out with --no-plugin."
        print(f"Some plugins did not load fully; {advice}", file=sys.stderr)


def _describe(results: Results, code: int) -> dict[str, Any]:
    """Return what `--json` prints. Scripts rely on these keys, and on those of trials and tuning trials."""
    return {
        "exit_code": code,
        "out": str(results.out),
        "trained": results.trained,
        "per_device": results.per_device,
        "files": results.files,
        "set_aside": [str(item) for item in results.set_aside],
        "newer": dict(results.newer),
        "problems": [{"plugin": p.plugin, "message": p.message, "fatal": p.fatal} for p in results.problems],
        "trials": [_describe_trial(record) for record in results.records],
        "refused": plain_refused(results.refused),
        "tuning": [_describe_tuning_trial(record) for record in results.tuning_records],
        **describe_answers(results.studies, results.claims),
    }


def _describe_trial(record: Record) -> dict[str, Any]:
    return {
        **_identify(record),
        "status": record.status,
        "message": record.message,
        "test": None if record.scores is None else record.scores.test,
        "metric": record.task_facts.metric,
        "further": {} if record.scores is None else record.scores.further,
    }


def _describe_tuning_trial(record: Record) -> dict[str, Any]:
    return {
        **_identify(record),
        "recipe": record.trial.settings.words(),
        "status": record.status,
        "validation": record.validation,
    }


def _identify(record: Record) -> dict[str, Any]:
    trial = record.trial
    return {
        "id": record.id,
        "architecture": trial.architecture.label,
        "task": trial.task.label,
        "protocol": trial.protocol.name,
        "seed": trial.seed,
    }
