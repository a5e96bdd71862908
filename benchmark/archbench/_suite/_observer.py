"""Observers are told what a run does: the progress display, the hooks of plugins, and whatever a caller brings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from archbench._planning import Device
    from archbench._plugins import Plugins, Problem
    from archbench._records import Record, Trial


class Observer:
    """Is told what a run does, in the process that runs it.

    Every method does nothing; override those that matter. An exception in one ends the run, as any error of the
    caller does; the records that are finished are kept.
    """

    def reading(self, selector: str) -> None:
        """Files of the user are about to be read, which may take a while."""

    def informed(self, message: str) -> None:
        """Something is worth a line, such as a task that was left out because its data are missing."""

    def warned(self, message: str) -> None:
        """Something may be wrong, and the run goes on."""

    def problem_found(self, problem: Problem) -> None:
        """A plugin did something wrong, and the run goes on."""

    def training_started(self, total: int, kept: int) -> None:
        """Training begins: how many trials need training, and how many of the plan have their records already."""

    def workers_ready(self, devices: Sequence[Device], warning: str) -> None:
        """Trials can start: one device for each trial that runs at a time, and why they start slowly, if they do."""

    def trial_started(self, trial: Trial) -> None:
        """A trial was handed to a worker."""

    def trial_finished(self, record: Record) -> None:
        """A trial has its record, whatever the status."""

    def trial_refused(self, record: Record) -> None:
        """A record was written that says why a trial will not be trained."""

    def waiting(self) -> None:
        """Nothing happened; called at least twice a second while trials run."""

    def training_ended(self) -> None:
        """Training is over, or was stopped."""

    def interrupted(self, finished: int, total: int, out: Path) -> None:
        """The user stopped the run: how many of its trials are finished, and the folder that keeps their records."""


class PluginHooks(Observer):
    """Passes what happens to the hooks of plugins.

    Args:
        plugins: those of the run.
        report: is told what the hooks do wrong.
    """

    def __init__(self, plugins: Plugins, report: Callable[[list[Problem]], None]) -> None:
        self.plugins, self.report = plugins, report

    def trial_started(self, trial: Trial) -> None:
        """Call `archbench_trial_started`."""
        self.report(self.plugins.trial_started(trial))

    def trial_finished(self, record: Record) -> None:
        """Call `archbench_trial_finished`."""
        self.report(self.plugins.trial_finished(record.trial, record))

    def trial_refused(self, record: Record) -> None:
        """Call `archbench_trial_finished`, which is called for every status."""
        self.trial_finished(record)
