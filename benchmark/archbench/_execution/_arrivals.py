"""Trials that a supervisor gets while it runs others, as on a node of a cluster."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from multiprocessing import Pipe
from typing import Protocol

import msgspec

from archbench._planning import Device, Job
from archbench._records import Trial


class Runnable(Protocol):
    """A trial that a supervisor can run: one of a plan, or one that was shipped to this machine."""

    @property
    def id(self) -> str:
        """Id of the trial."""

    @property
    def trial(self) -> Trial:
        """The trial itself."""

    def job(self, device: Device) -> Job:
        """Return the job of the trial on a device."""


@dataclass(frozen=True, slots=True)
class ShippedTrial:
    """A trial without its plan.

    Args:
        shipped: its job; the device in it stands for none.
    """

    shipped: Job

    @property
    def id(self) -> str:
        """Id of the trial."""
        return self.shipped.trial.id

    @property
    def trial(self) -> Trial:
        """The trial itself."""
        return self.shipped.trial

    def job(self, device: Device) -> Job:
        """Return the job on a device."""
        return msgspec.structs.replace(self.shipped, device=device)


class Arrivals:
    """A queue between the thread that takes trials in and the supervisor, which also waits for the ends of trials.

    Args:
        is_open: more trials may come.
    """

    def __init__(self, *, is_open: bool = True) -> None:
        self.is_open = is_open
        self._trials: deque[Runnable] = deque()
        self._lock = threading.Lock()
        self.bell, self._button = Pipe(duplex=False)

    def add(self, trial: Runnable) -> None:
        """Hand a trial to the supervisor and wake it."""
        self._trials.append(trial)
        self.wake()

    def close(self) -> None:
        """Say that no more will come, and wake the supervisor."""
        self.is_open = False
        self.wake()

    def wake(self) -> None:
        """Let the supervisor look at once."""
        with self._lock:
            self._button.send_bytes(b"!")

    def take(self) -> list[Runnable]:
        """Return the trials that came since the last call, in their order."""
        while self.bell.poll():
            self.bell.recv_bytes()
        return [self._trials.popleft() for _ in range(len(self._trials))]
