"""`benchmark run`: the main job, from selectors to a leaderboard."""

from __future__ import annotations

import contextlib
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn

import typer

from archbench._declarations import Task
from archbench._errors import SelectionError
from archbench._execution import execute, open_pool
from archbench._job import Device
from archbench._plan import PlannedTrial, make_plan, unfinished
from archbench._plugins import Plugins, Problem, Registered
from archbench._protocol_files import get_protocol
from archbench._protocols import Protocol
from archbench._records import Record
from archbench._selectors import select
from archbench._store import SetAside, Store
from archbench._tuning import next_round, settle, tuned_cells, tuning_left, tuning_records
from archbench.cli._leaderboard import build, note, spare_pages_of_others
from archbench.cli._needs import with_data
from archbench.cli._options import (
    DEFAULT_OUT,
    Blocked,
    Json,
    Out,
    PluginFiles,
    load,
    out_option,
    print_json,
    report,
    tasks_of,
)
from archbench.cli._signals import Stopped, leave

Selectors = Annotated[
    list[str],
    typer.Argument(metavar="SELECTOR...", help="all, NAME, 'NAME\\[option=value,value]', or a pattern such as '*net'."),
]
Tasks = Annotated[
    list[str] | None,
    typer.Option(
        "--task",
        metavar="SELECTOR",
        help="Only these tasks, or all, or your own files as images:PATH; repeatable. Default: a core set, see list.",
    ),
]
ProtocolName = Annotated[
    str, typer.Option("--protocol", metavar="NAME|FILE", help="smoke, quick, standard, paper, or ./MINE.toml.")
]
Seeds = Annotated[int | None, typer.Option("--seeds", metavar="N", help="Seeds 0 to N-1. Default: the protocol's.")]
Workers = Annotated[
    int | None, typer.Option("--workers", metavar="N", help="Trials at a time. Default: GPUs, or cores.")
]
DeviceName = Annotated[Literal["auto", "cpu", "cuda"], typer.Option("--device", help="Where to train.")]
Timeout = Annotated[
    float | None, typer.Option("--timeout", metavar="SECONDS", help="Limit for one trial. Default: the protocol's.")
]
Retry = Annotated[bool, typer.Option("--retry", help="Repeat trials that did not end ok.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the matrix and what it will cost; keep nothing.")]


@dataclass(slots=True)
class Run:
    """What one call of the verb has to do, and how it went."""

    store: Store
    plugins: Plugins
    plan: list[PlannedTrial]
    records: dict[str, Record]
    set_aside: list[SetAside]
    todo: list[PlannedTrial] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    def results(self) -> list[Record]:
        """The records of the plan, in its order."""
        return [self.records[planned.trial.id] for planned in self.plan]

    def tuning(self) -> list[Record]:
        """The records of the tuning trials that the plan needs."""
        return tuning_records(self.plan, self.records)

    def failures(self) -> list[Record]:
        """Those that are neither ok nor rightly skipped; a tuning trial may also diverge."""
        tuning = [record for record in self.tuning() if record.status != "diverged"]
        return [record for record in [*self.results(), *tuning] if record.status not in ("ok", "skipped")]


def run(
    selectors: Selectors,
    task: Tasks = None,
    protocol: ProtocolName = "quick",
    seeds: Seeds = None,
    out: Out = DEFAULT_OUT,
    workers: Workers = None,
    device: DeviceName = "auto",
    timeout: Timeout = None,
    retry: Retry = False,
    dry_run: DryRun = False,
    plugin: PluginFiles = None,
    no_plugin: Blocked = None,
    json: Json = False,
) -> None:
    """Train what is not trained yet and write the leaderboard. The same command again goes on where it was."""
    carry_out(
        load(plugin, no_plugin),
        get_protocol(protocol),
        selectors,
        task,
        seeds=seeds,
        out=out,
        workers=workers,
        device=device,
        timeout=timeout,
        retry=retry,
        dry_run=dry_run,
        json=json,
    )


def carry_out(
    plugins: Plugins,
    rules: Protocol,
    selectors: list[str],
    task: list[str] | None,
    *,
    seeds: int | None,
    out: Path,
    workers: int | None,
    device: str,
    timeout: float | None,
    retry: bool,
    dry_run: bool,
    json: bool,
) -> None:
    """Do, or forecast, what one call of `run` or of `tune` asks for; the options are theirs."""
    tasks = tasks_of(task, plugins) if task else select(["all"], _default_tasks(plugins), "task")
    plan = make_plan(
        select(selectors, plugins.architectures, "architecture"),
        with_data(tasks),
        protocol=rules,
        seeds=rules.seeds if seeds is None else seeds,
    )
    limit = rules.timeout if timeout is None else timeout
    if not limit > 0:
        raise SelectionError(f"--timeout is {limit:g}; give a positive number of seconds")
    if workers is not None and workers < 1:
        raise SelectionError(f"--workers is {workers}; at least 1 is needed")
    store = Store(out)
    if dry_run:
        from archbench.cli._forecast import show_forecast

        show_forecast(plan, store, retry=retry, device=device, workers=workers, json=json)
        return
    spare_pages_of_others(store)
    with store.locked():
        records, set_aside = store.load()
        job = Run(store, plugins, plan, records, set_aside, problems=list(plugins.problems))
        try:
            files = _finish_plan(job, device=device, workers=workers, timeout=limit, retry=retry)
        except Stopped as stop:
            _say_how_to_go_on(job, stop.number)
    _finish(job, files, json=json)


def _finish_plan(job: Run, *, device: str, workers: int | None, timeout: float, retry: bool) -> list[str]:
    """Train what is open, write the leaderboard; the names of its files."""
    _settle_refusals(job, job.plan)
    first = _next_round(job, retry=retry)
    if first:
        _train(job, first, device=device, workers=workers, timeout=timeout, retry=retry)
    job.store.write_problems([note(problem) for problem in job.problems if problem.fatal])
    records = [job.records[key] for key in sorted(job.records)]
    files, problems = build(job.store, records, job.plugins, job.set_aside)
    job.problems.extend(problems)
    return files


def _default_tasks(plugins: Plugins) -> list[Registered[Task]]:
    return [registered for registered in plugins.tasks if registered.item.by_default]


def _next_round(job: Run, *, retry: bool) -> list[PlannedTrial]:
    """What is to be trained now: all that is open, or of a tuned protocol first the tuning."""
    ready = next_round(job.plan, job.records, retry=retry, tried={planned.trial.id for planned in job.todo})
    _settle_refusals(job, ready)
    return [planned for planned in ready if planned.refusal is None]


def _settle_refusals(job: Run, plan: list[PlannedTrial]) -> None:
    """Write down what will not be run and why, unless a record says something already."""
    for planned in plan:
        if planned.refusal is None:
            continue
        record = planned.job(Device(kind="cpu")).record(*planned.refusal)
        known = job.records.get(record.id)
        if known is None or known.status not in ("ok", record.status):
            record = job.store.write(record)
            job.records[record.id] = record
            _keep(job, job.plugins.trial_finished(record.trial, record))


def _train(
    job: Run, ready: list[PlannedTrial], *, device: str, workers: int | None, timeout: float, retry: bool
) -> None:
    from archbench._execution._capacity import libraries_of
    from archbench.cli._progress import make_progress

    libraries = libraries_of([planned.task.registered.item.libraries for planned in job.plan])
    left = _count_left(job, retry=retry)
    progress = make_progress(left, done_before=_count_all(job) - left)
    with progress:
        pool = open_pool(device=device, workers=workers, libraries=libraries)
        progress.opened(pool)
        started = _announce_start(job, progress)
        while ready:
            job.todo += ready
            trials = execute(ready, job.store, pool, timeout=timeout, on_start=started, on_tick=progress.tick)
            with contextlib.closing(trials):
                for record in trials:
                    job.records[record.id] = record
                    progress.finished(record)
                    _keep(job, job.plugins.trial_finished(record.trial, record))
            ready = _next_round(job, retry=retry)


def _count_all(job: Run) -> int:
    runnable = sum(planned.refusal is None for planned in job.plan)
    return runnable + sum(cell.trial.protocol.tuning_cost for cell in tuned_cells(job.plan))


def _count_left(job: Run, *, retry: bool) -> int:
    settled = settle(job.plan, job.records)
    tuning = sum(tuning_left(cell, job.records, retry=retry) for cell in tuned_cells(job.plan))
    return tuning + len(unfinished(settled, job.records, retry=retry))


def _announce_start(job: Run, progress: Any) -> Any:
    def announce(planned: PlannedTrial) -> None:
        progress.started(planned.trial)
        _keep(job, job.plugins.trial_started(planned.trial))

    return announce


def _keep(job: Run, problems: list[Problem]) -> None:
    report(problems)
    job.problems.extend(problems)


def _say_how_to_go_on(job: Run, number: int) -> NoReturn:
    for planned in job.todo:  # some trial may have ended in this moment
        if planned.trial.id not in job.records and (record := job.store.read(planned.trial.id)):
            job.records[record.id] = record
    settled = [planned for planned in settle(job.plan, job.records) if planned.refusal is None]
    kept = sum(planned.trial.id in job.records for planned in settled) + len(job.tuning())
    leave(
        number,
        f"Stopped. {kept} of {_count_all(job)} trials are finished and kept in {job.store.root}; the same command "
        f"goes on from there, `benchmark leaderboard{out_option(job.store.root)}` shows what there is.",
    )


def _finish(job: Run, files: list[str], *, json: bool) -> None:
    failures = job.failures()
    broken = [problem for problem in job.problems if problem.fatal]
    code = 1 if failures or broken else 0
    if json:
        print_json(_summary(job, files, code))
    else:
        from archbench.cli._progress import print_results

        print_results(job.results(), job.store.root)
    for record in failures:
        print(f"{record.status}: {record.trial}: {record.message}", file=sys.stderr)
    for problem in broken:
        print(f"problem: {problem.plugin}: {problem.message}", file=sys.stderr)
    if failures:
        print(f"{len(failures)} of {len(job.plan)} trials did not end ok; --retry repeats them.", file=sys.stderr)
    if broken:
        print(
            "Some plugins did not load fully; see `benchmark plugins`, leave one out with --no-plugin.", file=sys.stderr
        )
    sys.exit(code)


def _summary(job: Run, files: list[str], code: int) -> dict[str, Any]:
    return {
        "exit_code": code,
        "out": str(job.store.root),
        "trained": len(job.todo),
        "files": files,
        "set_aside": [str(item) for item in job.set_aside],
        "problems": [{"plugin": p.plugin, "message": p.message, "fatal": p.fatal} for p in job.problems],
        "trials": [
            {
                "id": record.id,
                "architecture": record.trial.architecture.label,
                "task": record.trial.task.label,
                "seed": record.trial.seed,
                "status": record.status,
                "message": record.message,
                "test": None if record.scores is None else record.scores.test,
                "metric": record.task_facts.metric,
            }
            for record in job.results()
        ],
        "tuning": [
            {
                "id": record.id,
                "architecture": record.trial.architecture.label,
                "task": record.trial.task.label,
                "seed": record.trial.seed,
                "recipe": record.trial.settings.words(),
                "status": record.status,
                "validation": record.validation,
            }
            for record in job.tuning()
        ],
    }
