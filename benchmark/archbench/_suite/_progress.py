"""The progress display of a run: a live display on a terminal, plain lines elsewhere. All on standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from archbench._planning import Device
from archbench._plugins import Problem
from archbench._records import Record, Trial
from archbench._suite._observer import Observer
from archbench._suite._pace import Pace

STYLES = {"ok": "green"}


class Progress(Observer):
    """Prints a line for what happens, and guesses the time left from the trials that are finished."""

    def __init__(self) -> None:
        # In a notebook too: its own way of printing would make a block of every line.
        self.console = Console(stderr=True, highlight=False, force_jupyter=False)
        self.pace = Pace()
        self.failed = 0

    def reading(self, selector: str) -> None:
        """Say so where somebody may be waiting: many images take minutes, the first time."""
        if self.console.is_terminal:
            self._line(f"Reading {selector} ...")

    def informed(self, message: str) -> None:
        """Print it."""
        self._line(message)

    def warned(self, message: str) -> None:
        """Print it as a warning."""
        self._line(f"warning: {message}")

    def problem_found(self, problem: Problem) -> None:
        """Print whose problem it is, and what."""
        self._line(f"{'problem' if problem.fatal else 'warning'}: {problem.plugin}: {problem.message}")

    def training_started(self, total: int, kept: int) -> None:
        """Print how much there is to do. A comparison that adds seeds does so several times."""
        self.pace.expect(total)
        self.failed = 0
        there = f", {kept} already there" if kept else ""
        self._line(f"{total} trial{'' if total == 1 else 's'} to train{there}. Loading torch ...")

    def workers_ready(self, devices: Sequence[Device], warning: str) -> None:
        """Print on what and how many at a time."""
        self.pace.workers, first = len(devices), devices[0]
        threads = f"{first.threads} thread{'s' if first.threads > 1 else ''} each"
        where = first.kind if first.count == 1 else f"{first.count} {first.kind} devices"
        self._line(f"{self.pace.workers} at a time on {where}, {threads}.")
        if warning:
            self.warned(warning)

    def trial_started(self, trial: Trial) -> None:
        """Note when."""
        self.pace.start(trial)

    def interrupted(self, finished: int, total: int, out: Path) -> None:
        """Print what is kept and how to go on."""
        self._line(
            f"Stopped. {finished} of {total} trials are finished and kept in {out}; the same call goes on from there, "
            f"archbench.read({str(out)!r}) returns what there is."
        )

    def trial_finished(self, record: Record) -> None:
        """Print its result."""
        seconds = self.pace.finish(record.trial)
        self.failed += record.status != "ok"
        line = Text(f"[{self.pace.done}/{self.pace.total}] ")
        line.append(record.status, STYLES.get(record.status, "bold red"))
        line.append(f" {record.trial}: {describe_result(record)} ({seconds:.1f} s)")
        self.console.print(line, soft_wrap=True)

    def _line(self, text: str) -> None:
        self.console.print(Text(text), soft_wrap=True)


class LiveProgress(Progress):
    """Prints the lines of `Progress` above a bar and the running trials, redrawn in place."""

    live: Live | None = None

    def training_started(self, total: int, kept: int) -> None:
        """Start the display."""
        super().training_started(total, kept)
        self.live = Live(self._render(), console=self.console, refresh_per_second=4, transient=True)
        self.live.start()

    def training_ended(self) -> None:
        """Take the display away."""
        if self.live is not None:
            self.live.stop()

    def trial_started(self, trial: Trial) -> None:
        """Show it."""
        super().trial_started(trial)
        self.waiting()

    def waiting(self) -> None:
        """Draw again."""
        if self.live is not None:
            self.live.update(self._render())

    def _render(self) -> Group:
        left, running = self.pace.seconds_left(), self.pace.running_for()
        head = Table.grid(padding=(0, 2))
        head.add_row(
            ProgressBar(total=self.pace.total, completed=self.pace.done, width=30),
            f"{self.pace.done}/{self.pace.total} done",
            f"{len(running)} running",
            Text(f"{self.failed} failed", "bold red" if self.failed else "dim"),
            "time left: unknown" if left is None else f"time left: about {format_seconds(left)}",
        )
        rows = [Text(f"  {trial}  {seconds:.0f} s", "dim") for trial, seconds in running]
        return Group(head, *rows)


def make_progress() -> Progress:
    """Return a live display if standard error is a terminal, else one that prints plain lines."""
    return (LiveProgress if sys.stderr.isatty() else Progress)()


def describe_result(record: Record) -> str:
    """Return the result of one trial in a few words."""
    if record.validation is not None and record.trial.tuning:
        return f"validation {record.task_facts.metric} {record.validation:.4g}"
    if record.scores is None:
        return record.message + _describe_step(record)
    return f"{record.task_facts.metric} {record.scores.test:.4g}"


def _describe_step(record: Record) -> str:
    """Return how far a trial got that did not end ok, unless its message says it."""
    training = record.training
    if training is None or "step " in record.message:
        return ""
    return f" (step {training.steps}{f' of {training.planned_steps}' if training.planned_steps else ''})"


def format_seconds(seconds: float) -> str:
    """Return `45 s`, `3 min 20 s`, `2 h 5 min`."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
