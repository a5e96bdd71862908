"""Trials in allocations of SLURM, with jobs that a test ends as it likes; the last test has real ones of submitit."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from archbench._errors import ClusterError
from archbench._execution import Wanted, execute, open_pool
from archbench._execution import _slurm as module
from archbench._execution._messages import Joined, Refused
from archbench._execution._slurm import SlurmExecutor
from archbench._planning import Device, Job, PlannedTrial, deal, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import find_protocol
from archbench._records import Record, Store
from archbench._selection import select
from support import Make


@pytest.fixture
def planned(make_architecture: Make, make_task: Make) -> list[PlannedTrial]:
    """Six trials of two architectures that nobody can train."""
    return make_plan(
        select(["all"], [make_architecture("a"), make_architecture("b")], "architecture"),
        select(["all"], [make_task()], "task"),
        protocol=find_protocol("smoke"),
        seeds=3,
    ).trials


class PlayedJob:
    """A job whose work a test does.

    Args:
        folder: of the allocation.
        number: of the job.
    """

    def __init__(self, folder: Path, number: int) -> None:
        self.folder, self.job_id = folder, str(number)
        self.paths = SimpleNamespace(result_pickle=folder / f"{number}.done")
        self.cancelled = False

    @property
    def jobs(self) -> list[Job]:
        """The trials of the allocation."""
        return msgspec.json.decode((self.folder / "jobs.json").read_bytes(), type=list[Job])

    def begin(self, *jobs: Job) -> None:
        """Say that the allocation is there, and that trials began."""
        joined = Joined(node=self.folder.name, host="node-7", devices=[Device(kind="cpu")])
        (self.folder / "joined.json").write_bytes(msgspec.json.encode(joined))
        (self.folder / "started").mkdir(exist_ok=True)
        for job in jobs:
            (self.folder / "started" / job.trial.id).touch()

    def finish(self, *jobs: Job) -> None:
        """Write records of trials."""
        self.begin(*jobs)
        for job in jobs:
            Store(self.folder).write(job.record("failed", "this network is played"))

    def end(self) -> None:
        """End the job."""
        self.paths.result_pickle.touch()

    def done(self) -> bool:
        """Return whether it has ended."""
        return self.paths.result_pickle.exists()

    def cancel(self, check: bool) -> None:
        """Note it."""
        self.cancelled = True

    def stderr(self) -> str:
        """Return what it said."""
        return "slurmstepd: all is lost\n\n"


class PlayedSubmitter:
    """Takes jobs, and lets a script work on each in the moment when it is submitted."""

    def __init__(self, script: Any) -> None:
        self.script, self.submitted = script, list[PlayedJob]()

    def submit(self, function: Any, folder: str) -> PlayedJob:
        """Return a job."""
        job = PlayedJob(Path(folder), len(self.submitted))
        self.submitted.append(job)
        self.script(job, len(self.submitted))
        return job


@pytest.fixture
def heard() -> list[str]:
    """What the executor warns of."""
    return []


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, heard: list[str]) -> Any:
    """`play(script)` returns an executor with jobs on which a script works, and what takes the jobs."""
    monkeypatch.setattr(module, "POLL_SECONDS", 0.0)
    monkeypatch.setattr(module, "cancel", lambda job_id: heard.append(f"cancelled {job_id}"))

    def make(script: Any, **changes: Any) -> tuple[SlurmExecutor, PlayedSubmitter]:
        submitter = PlayedSubmitter(script)
        monkeypatch.setattr(module, "open_submitter", lambda *_: submitter)
        wanted = Wanted(kind="slurm", root=tmp_path, warned=heard.append, **changes)
        return SlurmExecutor(wanted, cluster="local"), submitter

    return make


def test_trials_are_dealt_evenly(planned: list[PlannedTrial]) -> None:
    """Shares have equal numbers of trials and of seeds of each architecture, keep the order, and lose none."""
    shares = deal(planned, 3)

    assert [len(share) for share in shares] == [2, 2, 2]
    assert [{trial.trial.architecture.name for trial in share} for share in shares] == [{"a", "b"}] * 3
    assert {trial.id for share in shares for trial in share} == {trial.id for trial in planned}
    assert all(share == [trial for trial in planned if trial in share] for share in shares)


def test_every_allocation_has_many_trials(play: Any, planned: list[PlannedTrial], tmp_path: Path) -> None:
    """As many jobs are submitted as were asked for, each with its share; all records come, and the folder goes."""

    shares: list[int] = []

    def script(job: PlayedJob, number: int) -> None:
        shares.append(len(job.jobs))
        job.finish(*job.jobs)
        job.end()

    devices: list[int] = []
    executor, _ = play(script, nodes=2, ready=lambda found, warning: devices.append(len(found)))
    started: list[PlannedTrial] = []
    records = list(executor.execute(planned, Store(tmp_path), timeout=None, on_start=started.append))
    executor.close()

    assert shares == [3, 3]
    assert {record.id for record in records} == {trial.id for trial in planned} == {trial.id for trial in started}
    assert len(Store(tmp_path).load()[0]) == 6
    assert devices == [1, 2]
    assert not (tmp_path / "allocations").exists()


def test_the_next_allocation_takes_up_the_rest(
    play: Any, planned: list[PlannedTrial], tmp_path: Path, heard: list[str]
) -> None:
    """What an allocation finished before it was preempted is kept; another one is asked for with the others."""

    def script(job: PlayedJob, number: int) -> None:
        first, second, *rest = job.jobs
        if number == 1:
            job.finish(first)
            job.begin(second)
        else:
            job.finish(second, *rest)
        job.end()

    executor, submitter = play(script)
    records = list(executor.execute(planned, Store(tmp_path), timeout=None))

    assert len(submitter.submitted) == 2
    assert submitter.submitted[0].folder == submitter.submitted[1].folder
    assert {record.message for record in records} == {"this network is played"}
    assert len(records) == 6
    assert heard == ["the allocation on node-7 has ended with 5 trials left; another one takes them up"]


@pytest.mark.parametrize("saves", [False, True])
def test_a_trial_that_outlasts_its_allocations(
    play: Any, planned: list[PlannedTrial], tmp_path: Path, saves: bool
) -> None:
    """A trial counts as crashed if two allocations end while it runs, unless it gets further in each of them."""
    state = Store(tmp_path).checkpoint(planned[0].id)

    def script(job: PlayedJob, number: int) -> None:
        slow, *others = job.jobs
        if number == 1:
            job.finish(*others)
        job.begin(slow)
        if saves:
            state.parent.mkdir(exist_ok=True)
            state.touch()
            os.utime(state, (number, number))
        if number == 5:
            job.finish(slow)
        job.end()

    executor, submitter = play(script)
    records = {record.id: record for record in executor.execute(planned, Store(tmp_path), timeout=None)}
    slow = records[planned[0].id]

    assert len(submitter.submitted) == (5 if saves else 2)
    assert (slow.status, "saved no state" in slow.message) == (("failed", False) if saves else ("crashed", True))
    assert len(records) == 6


def test_allocations_that_never_begin(play: Any, planned: list[PlannedTrial], tmp_path: Path) -> None:
    """The second allocation in a row that begins no trial ends the run, with what the job said."""
    executor, submitter = play(lambda job, number: job.end())
    with pytest.raises(ClusterError, match="all is lost"):
        list(executor.execute(planned, Store(tmp_path), timeout=None))

    assert len(submitter.submitted) == 2


def test_a_node_that_does_not_fit(play: Any, planned: list[PlannedTrial], tmp_path: Path) -> None:
    """The refusal of a node names it and its reasons, and the other allocations are cancelled."""

    def script(job: PlayedJob, number: int) -> None:
        if number == 2:
            refused = Refused(host="node-7", reasons=["torch is 1.0 there"])
            (job.folder / "refused.json").write_bytes(msgspec.json.encode(refused))

    executor, submitter = play(script, nodes=2)
    with pytest.raises(ClusterError, match=r"node node-7 is not fit for this run: torch is 1\.0 there"):
        list(executor.execute(planned, Store(tmp_path), timeout=None))

    assert [job.cancelled for job in submitter.submitted] == [True, True]


def test_stopping_keeps_what_is_finished(play: Any, planned: list[PlannedTrial], tmp_path: Path) -> None:
    """Ctrl-C cancels the jobs, and a record that came in the same moment is in the store."""
    executor, submitter = play(lambda job, number: job.finish(job.jobs[0]))
    trials = executor.execute(planned, Store(tmp_path), timeout=None)
    next(trials)
    (job,) = submitter.submitted
    job.finish(job.jobs[1])
    trials.close()
    executor.close()

    assert job.cancelled
    assert {record.id for record in Store(tmp_path).load()[0].values()} == {planned[0].id, planned[1].id}


def test_a_killed_run_is_taken_over(play: Any, planned: list[PlannedTrial], tmp_path: Path, heard: list[str]) -> None:
    """What allocations of a killed run have finished counts in the next one, which trains only the others."""
    executor, _ = play(lambda job, number: job.finish(*job.jobs[:4]))
    trials = executor.execute(planned, Store(tmp_path / "lost"), timeout=None)
    next(trials)  # and the run is killed, so nothing is closed
    again, later = play(lambda job, number: job.finish(*job.jobs))
    records = list(again.execute(planned, Store(tmp_path), timeout=None))

    assert len(records) == 6
    assert [len(job.jobs) for job in later.submitted] == [2]
    del trials


@pytest.fixture
def real() -> list[PlannedTrial]:
    """Four short trials of the built-in `mlp`."""
    plugins = load_plugins()
    return make_plan(
        select(["mlp"], plugins.architectures, "architecture"),
        select(["digits"], plugins.tasks, "task"),
        protocol=find_protocol("smoke"),
        seeds=4,
    ).trials


@pytest.mark.slow
def test_submitted_work_is_that_of_a_local_run(real: list[PlannedTrial], tmp_path: Path) -> None:
    """Allocations played by submitit's own processes give the scores of a local run, though the first is killed."""
    heard: list[str] = []
    wanted = Wanted(kind="slurm", root=tmp_path / "out", device="cpu", workers=1, warned=heard.append)
    executor = SlurmExecutor(wanted, cluster="local")
    records = executor.execute(real, Store(tmp_path / "out"), timeout=120)
    found = [next(records)]
    _kill_below(executor._allocations[0].job.job_id)
    found += list(records)
    executor.close()
    expected = _scores(execute(real, Store(tmp_path / "local"), open_pool(device="cpu", workers=1), timeout=120))

    assert _scores(iter(found)) == expected
    assert len(heard) == 1
    assert heard[0].endswith("trials left; another one takes them up")
    assert not (tmp_path / "out" / "allocations").exists()


def _scores(records: Iterator[Record]) -> dict[str, Any]:
    found = list(records)
    assert {record.status for record in found} == {"ok"}, [record.detail for record in found]
    return {record.id: record.scores for record in found}


def _kill_below(pid: str) -> None:
    """Kill the children of a process, and then itself, as the end of an allocation does."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    for process in [*children, pid]:
        os.kill(int(process), signal.SIGKILL)
    time.sleep(0.5)
