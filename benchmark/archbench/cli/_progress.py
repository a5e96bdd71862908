"""What a run shows while it works: a live display on a terminal, plain lines elsewhere. All on standard error."""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from archbench._execution import Pool
from archbench._records import Record
from archbench._trial import Trial
from archbench.cli._options import out_option

STYLES = {"ok": "green", "skipped": "dim"}


class Progress:
    """Counts trials and guesses the time left from those that are finished.

    Args:
        total: trials to train.
        done_before: trials of the plan that need no training.
    """

    def __init__(self, total: int, done_before: int) -> None:
        self.total, self.done_before = total, done_before
        self.console = Console(stderr=True, highlight=False)
        self.running: dict[str, tuple[Trial, float]] = {}
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.done = self.failed = 0
        self.workers = 1

    def __enter__(self) -> Progress:
        kept = f", {self.done_before} already there" if self.done_before else ""
        self.console.print(f"{self.total} trial{'' if self.total == 1 else 's'} to train{kept}. Loading torch ...")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Leave the display as it is."""

    def opened(self, pool: Pool) -> None:
        """The workers are ready."""
        self.workers = len(pool.devices)
        first = pool.devices[0]
        threads = f"{first.threads} thread{'s' if first.threads > 1 else ''} each"
        self.console.print(f"{self.workers} at a time on {first.kind}, {threads}.")
        if pool.warning:
            self.console.print(f"warning: {pool.warning}")

    def started(self, trial: Trial) -> None:
        """A trial was handed to a worker."""
        self.running[trial.id] = (trial, time.monotonic())

    def finished(self, record: Record) -> None:
        """A trial has a record."""
        trial, start = self.running.pop(record.id, (record.trial, time.monotonic()))
        seconds = time.monotonic() - start
        self.seconds[_cell(trial)].append(seconds)
        self.done += 1
        self.failed += record.status not in ("ok", "skipped")
        line = Text(f"[{self.done}/{self.total}] ")
        line.append(record.status, STYLES.get(record.status, "bold red"))
        line.append(f" {trial}: {describe_result(record)} ({seconds:.1f} s)")
        self.console.print(line, soft_wrap=True)

    def tick(self) -> None:
        """Called now and then while trials run."""

    def seconds_left(self) -> float | None:
        """A guess; None until a trial is finished."""
        finished = [value for values in self.seconds.values() for value in values]
        if not finished:
            return None
        mean = sum(finished) / len(finished)
        now = time.monotonic()
        running = []
        for trial, start in self.running.values():
            known = self.seconds.get(_cell(trial))
            expected = sum(known) / len(known) if known else mean
            running.append(max(0.0, expected - (now - start)))
        waiting = mean * max(0, self.total - self.done - len(self.running))
        return makespan([*running, waiting], self.workers, longest=max(running, default=0.0))


class LiveProgress(Progress):
    """The same with a bar and the running trials, redrawn in place."""

    def __enter__(self) -> Progress:
        super().__enter__()
        self.live = Live(self._render(), console=self.console, refresh_per_second=4, transient=True)
        self.live.start()
        return self

    def stop(self) -> None:
        self.live.stop()

    def started(self, trial: Trial) -> None:
        super().started(trial)
        self.tick()

    def tick(self) -> None:
        self.live.update(self._render())

    def _render(self) -> Group:
        left = self.seconds_left()
        head = Table.grid(padding=(0, 2))
        head.add_row(
            ProgressBar(total=self.total, completed=self.done, width=30),
            f"{self.done}/{self.total} done",
            f"{len(self.running)} running",
            Text(f"{self.failed} failed", "bold red" if self.failed else "dim"),
            "time left: unknown" if left is None else f"time left: about {format_seconds(left)}",
        )
        now = time.monotonic()
        rows = [Text(f"  {trial}  {now - start:.0f} s", "dim") for trial, start in self.running.values()]
        return Group(head, *rows)


def make_progress(total: int, *, done_before: int) -> Progress:
    """A live display if standard error is a terminal, else plain lines."""
    return (LiveProgress if sys.stderr.isatty() else Progress)(total, done_before)


def describe_result(record: Record) -> str:
    """One trial in a few words."""
    if record.validation is not None and record.trial.tuning:
        return f"validation {record.task_facts.metric} {record.validation:.4g}"
    if record.scores is None:
        return record.message
    return f"{record.task_facts.metric} {record.scores.test:.4g}"


def print_results(records: list[Record], out: Path) -> None:
    """The results of a plan as a table on standard output: one row per entrant and task, seeds side by side."""
    table = Table(box=None, pad_edge=False)
    for heading in ("task", "architecture", "metric", "mean over seeds", "seeds", "status"):
        table.add_column(heading, justify="right" if heading in ("mean over seeds", "seeds") else "left")
    cells: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        cells[record.trial.task.label, record.trial.architecture.label].append(record)
    for (task, architecture), group in cells.items():
        if all(record.status == "skipped" for record in group):
            continue
        scores = [record.scores.test for record in group if record.scores is not None]
        mean = f"{sum(scores) / len(scores):.4f}" if scores else "-"
        bad = sorted({record.status for record in group} - {"ok"})
        table.add_row(
            Text(task),
            Text(architecture),
            group[0].task_facts.metric,
            mean,
            f"{len(scores)}/{len(group)}",
            ", ".join(bad) or "ok",
        )
    print_table(table)
    print(f"\nLeaderboard: {out / 'index.html'} (open it with `benchmark leaderboard{out_option(out)} --open`)")


def print_table(table: Table) -> None:
    """A table on standard output; at full width where nobody looks at a screen."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    console.print(table)


def makespan(seconds: Iterable[float], workers: int, *, longest: float) -> float:
    """How long work takes when it is spread over workers: never less than its longest piece, which is not divided."""
    return max(sum(seconds) / workers, longest)


def format_seconds(seconds: float) -> str:
    """`45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def _cell(trial: Trial) -> str:
    return f"{trial.architecture.label}\n{trial.task.label}"
