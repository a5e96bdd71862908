"""The pace of a run: what is running, what is done, and a guess of the time left."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable

from archbench._records import CellKey, Trial
from archbench._suite._forecast import makespan


class Pace:
    """Counts trials and measures their seconds, and guesses the time left from those that are finished.

    Args:
        clock: returns seconds; only differences count.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.total = self.done = 0
        self.workers = 1
        self._running: dict[str, tuple[Trial, float]] = {}
        self._seconds: dict[CellKey, list[float]] = defaultdict(list)

    def expect(self, total: int) -> None:
        """Note how many trials there are to train, from now on."""
        self.total, self.done = total, 0

    def start(self, trial: Trial) -> None:
        """Note that a trial runs."""
        self._running[trial.id] = (trial, self.clock())

    def finish(self, trial: Trial) -> float:
        """Note that a trial is finished, and return its seconds."""
        started, start = self._running.pop(trial.id, (trial, self.clock()))
        seconds = self.clock() - start
        self._seconds[started.cell].append(seconds)
        self.done += 1
        return seconds

    def running_for(self) -> list[tuple[Trial, float]]:
        """Return the running trials with their seconds so far."""
        return [(trial, self.clock() - start) for trial, start in self._running.values()]

    def seconds_left(self) -> float | None:
        """Return a guess; None until a trial is finished."""
        finished = [value for values in self._seconds.values() for value in values]
        if not finished:
            return None
        mean = sum(finished) / len(finished)
        running = []
        for trial, seconds in self.running_for():
            known = self._seconds.get(trial.cell)
            expected = sum(known) / len(known) if known else mean
            running.append(max(0.0, expected - seconds))
        waiting = mean * max(0, self.total - self.done - len(running))
        return makespan([*running, waiting], self.workers, longest=max(running, default=0.0))
