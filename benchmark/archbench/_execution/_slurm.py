"""Trials in allocations of SLURM, submitted with submitit: few jobs with many trials each, never one job per trial.

The trials are dealt to as many allocations as were asked for. An allocation that ends early, at its time limit or
because it was preempted, is followed by another one for the rest. submitit pickles what it submits: that is the name of
one function and the name of a folder.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from archbench._errors import ClusterError
from archbench._execution._fitness import expect_here
from archbench._execution._messages import Joined, Refused
from archbench._execution._sbatch import cancel, error_of, is_queued, last_line, open_submitter
from archbench._execution._slurm_job import AllocationRequest, run_allocation
from archbench._planning import Device, PlannedTrial, deal
from archbench._records import Record, Store, Weights, decode_record, write_atomically

if TYPE_CHECKING:
    from archbench._execution._executor import Wanted

FOLDER = "allocations"
POLL_SECONDS = 0.5
ALIVE_SECONDS = 5.0
"""Seconds between two questions to SLURM; a scheduler should not be asked more often."""
MOST_LOSSES = 2
"""Allocations that may end while a trial runs and saves no further state, before it counts as crashed."""


@dataclass(slots=True)
class _Allocation:
    folder: Path
    left: dict[str, PlannedTrial]
    job: Any = None
    asked: float = 0.0
    barren: int = 0  # allocations in a row that began no trial
    begun: set[str] = field(default_factory=set)
    states: dict[str, int] = field(default_factory=dict)  # when the state of a running trial was saved last


class SlurmExecutor:
    """Trains in allocations.

    Args:
        wanted: by the run.
        cluster: `slurm`, or `local` for processes of this machine in place of allocations.

    Raises:
        ClusterError: there is no SLURM here.
    """

    def __init__(self, wanted: Wanted, cluster: str = "slurm") -> None:
        from archbench._execution._executor import settings_of

        self.wanted, self._cluster = wanted, cluster
        self.folder = wanted.root.absolute() / FOLDER
        request = AllocationRequest(expected=expect_here(wanted.sources, wanted.paths), node=settings_of(wanted))
        self._request = msgspec.json.encode(request)
        self._submitter = open_submitter(self.folder / "submitit", wanted.slurm, cluster)
        self._allocations: list[_Allocation] = []
        self._joined: dict[str, Joined] = {}
        self._found = self._take_over()

    def execute(
        self,
        planned: Sequence[PlannedTrial],
        store: Store,
        *,
        timeout: float | None,
        keep: Callable[[Any], Weights | None] = lambda planned: None,
        on_start: Callable[[Any], None] = lambda planned: None,
        on_tick: Callable[[], None] = lambda: None,
    ) -> Generator[Record, None, None]:
        """Run trials and yield their records as they finish; the arguments are those of a local run.

        Raises:
            ClusterError: a node is not fit for the run, or allocations end before they begin a trial.
        """
        left = []
        for trial in planned:
            if (record := self._found.pop(trial.id, None)) is None:
                left.append(trial)
            else:
                on_start(trial)
                yield store.write(record)
        try:
            for share in filter(None, deal(left, self.wanted.nodes)):
                self._ask(share, keep)
            while any(allocation.left for allocation in self._allocations):
                for allocation in self._allocations:
                    yield from self._look_after(allocation, store, on_start)
                on_tick()
                time.sleep(POLL_SECONDS)
        finally:
            self._end_allocations(store)

    def close(self) -> None:
        """Remove the folder of the allocations, which have ended."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _end_allocations(self, store: Store) -> None:
        """Cancel what still runs, and keep what was finished in the moment of a stop."""
        for allocation in self._allocations:
            if not self._has_ended(allocation, ask=True):
                with contextlib.suppress(subprocess.CalledProcessError, OSError):
                    allocation.job.cancel(check=False)
            for record in _read(allocation):
                store.write(record)
        self._allocations.clear()
        self._joined.clear()

    def _take_over(self) -> dict[str, Record]:
        """Return what allocations of a run that was killed have finished, and end those that still run."""
        found: dict[str, Record] = {}
        for folder in sorted(path.parent for path in self.folder.glob("*/job")):
            if self._cluster == "slurm":
                number = (folder / "job").read_text().strip()
                cancel(number)
            found |= Store(folder).scan()[0]
            shutil.rmtree(folder)
        return found

    def _ask(self, share: Sequence[PlannedTrial], keep: Callable[[Any], Weights | None]) -> None:
        """Ask for an allocation for these trials."""
        number = 1 + len(list(self.folder.glob("[0-9]*")))
        folder = self.folder / f"{number:03}"
        jobs = [msgspec.structs.replace(trial.job(Device(kind="cpu")), keep=keep(trial)) for trial in share]
        write_atomically(folder / "jobs.json", msgspec.json.encode(jobs))
        write_atomically(folder / "request.json", self._request)
        allocation = _Allocation(folder, {trial.id: trial for trial in share})
        self._submit(allocation)
        self._allocations.append(allocation)

    def _submit(self, allocation: _Allocation) -> None:
        try:
            allocation.job = self._submitter.submit(run_allocation, str(allocation.folder))
        except Exception as error:  # whatever sbatch says
            raise ClusterError(f"SLURM takes no job: {last_line(str(error))}; see --slurm") from None
        write_atomically(allocation.folder / "job", allocation.job.job_id.encode())
        allocation.asked = time.monotonic()

    def _look_after(self, allocation: _Allocation, store: Store, on_start: Callable[[Any], None]) -> Iterator[Record]:
        """Yield what an allocation has finished; ask for another one if it has ended before it was done."""
        has_ended = self._has_ended(allocation)  # before its records are read, so that none comes later
        self._hear(allocation)
        for trial_id in allocation.left.keys() & _names(allocation.folder / "started") - allocation.begun:
            allocation.begun.add(trial_id)
            on_start(allocation.left[trial_id])
        for record in _read(allocation):
            del allocation.left[record.id]
            allocation.barren = 0
            yield store.write(record)
        if has_ended and allocation.left:
            yield from self._go_on(allocation, store)

    def _hear(self, allocation: _Allocation) -> None:
        """Take notice of the node that an allocation got."""
        name = allocation.folder.name
        with contextlib.suppress(FileNotFoundError):
            refused = msgspec.json.decode((allocation.folder / "refused.json").read_bytes(), type=Refused)
            raise ClusterError(f"node {refused.host} is not fit for this run: {'; '.join(refused.reasons)}")
        if name not in self._joined:
            with contextlib.suppress(FileNotFoundError):
                joined = msgspec.json.decode((allocation.folder / "joined.json").read_bytes(), type=Joined)
                self._joined[name] = joined
                self.wanted.ready([d for other in self._joined.values() for d in other.devices], joined.warning)

    def _go_on(self, allocation: _Allocation, store: Store) -> Iterator[Record]:
        """Ask for another allocation for what an ended one has left."""
        running = allocation.left.keys() & allocation.begun
        allocation.barren = 0 if running else allocation.barren + 1
        said = last_line(error_of(allocation.job))
        if allocation.barren == MOST_LOSSES:
            raise ClusterError(f"allocations end before a trial begins there; the last one said: {said}")
        joined = self._joined.pop(allocation.folder.name, None)
        host = joined.host if joined else "a node"
        self.wanted.warned(
            f"the allocation on {host} has ended with {len(allocation.left)} trials left; another one takes them up"
        )
        for trial_id in sorted(running):
            if self._is_stuck(allocation, trial_id, store):
                trial = allocation.left.pop(trial_id)
                message = f"{MOST_LOSSES} allocations ended while it ran, and it saved no state in between"
                yield store.write(trial.job(Device(kind="cpu")).record("crashed", message, detail=said))
        for name in ("joined.json", "started"):
            _remove(allocation.folder / name)
        allocation.begun.clear()
        if allocation.left:
            self._submit(allocation)

    def _is_stuck(self, allocation: _Allocation, trial_id: str, store: Store) -> bool:
        """Return whether the allocations before ended with the trial in the state that it has now."""
        try:
            state = store.checkpoint(trial_id).stat().st_mtime_ns
        except FileNotFoundError:
            state = 0
        before = allocation.states.get(trial_id)
        allocation.states[trial_id] = state
        return state == before

    def _has_ended(self, allocation: _Allocation, *, ask: bool = False) -> bool:
        """Return whether an allocation has ended; SLURM is not asked all the time."""
        if self._cluster == "local" or allocation.job.paths.result_pickle.exists():
            return bool(allocation.job.done())
        if not ask and time.monotonic() - allocation.asked < ALIVE_SECONDS:
            return False
        allocation.asked = time.monotonic()
        return not is_queued(allocation.job.job_id)


def _read(allocation: _Allocation) -> list[Record]:
    """Return the records of trials that were open so far."""
    found = []
    for path in sorted((allocation.folder / "records").glob("*/*.json")):
        if path.stem in allocation.left:
            with contextlib.suppress(OSError, ValueError):  # it will be whole the next time
                found.append(decode_record(path.read_bytes()))
    return found


def _names(folder: Path) -> set[str]:
    try:
        return {path.name for path in folder.iterdir()}
    except FileNotFoundError:
        return set()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
