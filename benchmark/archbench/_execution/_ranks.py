"""The processes of one trial: a single one, or on several devices one for each, which end together.

Ranks that have lost another wait for it, up to half an hour. So the supervisor ends all of them soon after one has
ended, and asks who ended first: that one is the reason, and what the others say about it is a consequence.
"""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from archbench._execution._channel import Channel
from archbench._execution._child import DONE_RANK, FAILED_RANK
from archbench._execution._descendants import end_below
from archbench._execution._launchers import Child, Launcher
from archbench._planning import Job, Rank
from archbench._records import Record, Store

RANK_GRACE_SECONDS = 1.0
"""Seconds that the other ranks have, once one has ended, to end by themselves and to say what they know."""


class Ranks:
    """The running processes of one trial.

    Args:
        members: the processes, rank 0 first.
        folder: where they meet; removed when they have ended. None for a single process.
    """

    def __init__(self, members: Sequence[Child], folder: tempfile.TemporaryDirectory[str] | None = None) -> None:
        self.members, self.folder = members, folder
        self.died: int | None = None  # the rank that was the first to end without a word
        self._running = list(members)  # as far as was noted
        self._ending_since: float | None = None
        self._killed = False

    @property
    def sentinels(self) -> list[Any]:
        """Objects to wait for: one for each process whose end was not noted yet, ready when it has ended."""
        return [child.sentinel for child in self._running]

    @property
    def process_ids(self) -> list[int]:
        """The ids of all processes."""
        return [child.pid for child in self.members]

    @property
    def lost(self) -> bool:
        """True if nobody knows how one of them ended."""
        return any(child.lost for child in self.members)

    @property
    def name_of_dead(self) -> str:
        """Words for the rank that died, to stand before how it ended; empty for a single process."""
        return "" if self.died is None or len(self.members) == 1 else f"rank {self.died} of {len(self.members)}: "

    def exit_code(self) -> int | None:
        """Return None while a process runs, then the code of the one that died, or else of rank 0."""
        codes = [child.exit_code() for child in self.members]
        self._running = [child for child, code in zip(self.members, codes, strict=True) if code is None]
        self._note_death(codes)
        if None not in codes:
            return codes[self.died or 0]
        if codes[0] is not None or any(code not in (None, DONE_RANK) for code in codes):
            self._end_soon()
        return None

    def receive(self, channel: Channel, trial_id: str) -> Record | None:
        """Return the record that counts of all that were delivered; None if a rank died before it could deliver one."""
        if len(self.members) == 1:
            return channel.receive(trial_id)
        records = channel.receive_all(trial_id)
        done = [record for record in records if record.status == "ok"]
        if done or not records or self.died is not None:
            return done[0] if done else None
        # The first to fail is the reason. If all fail alike, none of them needs to be named.
        reason = records[0].message.partition(": ")[2]
        return next((record for record in records if record.message == reason), records[0])

    def close(self, deadline: float | None = None) -> None:
        """Free the resources of the processes when they have ended; wait until a time of the clock, None for ever."""
        for child in self.members:
            child.close(None if deadline is None else max(0.0, deadline - time.monotonic()))

    def end(self) -> None:
        """Kill the processes that still live, and all their descendants that are known."""
        for child in self.members:
            end_child(child)
        if self.folder is not None:
            self.folder.cleanup()

    def signal(self, number: signal.Signals) -> None:
        """Signal all processes."""
        for child in self.members:
            signal_child(child, number)

    def _note_death(self, codes: Sequence[int | None]) -> None:
        if self.died is None and not self._killed:
            alive = (None, DONE_RANK, FAILED_RANK)
            dead = [rank for rank, code in enumerate(codes) if code not in (alive if rank else (None, 0))]
            # Of several in one moment, one that a signal ended is the more likely reason.
            self.died = min(dead, key=lambda rank: ((codes[rank] or 0) > 0, rank), default=None)

    def _end_soon(self) -> None:
        now = time.monotonic()
        self._ending_since = self._ending_since or now
        if now > self._ending_since + RANK_GRACE_SECONDS:
            self._killed = True
            for child in self._running:
                end_child(child)


def start_ranks(launcher: Launcher, job: Job, store: Store, channel: Channel) -> Ranks:
    """Start the processes of a trial, as many as its job has devices."""
    root, count = str(store.root.absolute()), job.device.count
    if count == 1:
        return Ranks([launcher.start(msgspec.json.encode(job), root, channel)])
    _make_log(store.log(job.trial.id))
    folder = tempfile.TemporaryDirectory(prefix="archbench-", ignore_cleanup_errors=True)
    meeting = str(Path(folder.name) / "ranks")
    started: list[Child] = []
    try:
        for number in range(count):
            rank = Rank(number=number, total=count, local_number=number, local_total=count, meeting=meeting)
            started.append(launcher.start(msgspec.json.encode(job.of_rank(rank)), root, channel))
    except BaseException:
        Ranks(started, folder).end()
        raise
    return Ranks(started, folder)


def _make_log(log: Path) -> None:
    """Make the empty file to which all ranks append."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.unlink(missing_ok=True)
    log.touch(exist_ok=False)


def end_child(child: Child) -> None:
    """Kill a process, if it still lives, and all its descendants that are known."""
    if child.exit_code() is None or child.lost:  # else its id may be that of another process by now
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(child.pid, signal.SIGSTOP)  # it starts no more
        end_below(child.pid)
    signal_child(child, signal.SIGKILL)


def signal_child(child: Child, number: signal.Signals) -> None:
    """Signal the process group, and the process itself, which has no group of its own in its first milliseconds."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, number)
    if child.exit_code() is None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child.pid, number)
