"""Every file call of a run fails in turn: `python -m archbench._chaos.every_call FOLDER TASK ARCHITECTURES...`.

Torch is loaded once. Each run is a fork of this process, and each of its trials a fork of the run, so that a run takes
a second. A line of JSON on standard output says for each call how it failed, and what that cost.
"""

from __future__ import annotations

import importlib
import multiprocessing
import os
import shutil
import sys
import traceback
from collections.abc import Container, Iterator
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from archbench._chaos._disk import FailingDisk
from archbench._chaos._processes import MARKER, orphans
from archbench._chaos._round import damage, records_of
from archbench._chaos._subject import numbers
from archbench._errors import ArchbenchError
from archbench._execution import Executor, LocalExecutor, Pool, Wanted, libraries_of
from archbench._execution._channel import Channel
from archbench._execution._child import run_job
from archbench._planning import Device, Plan, make_plan
from archbench._plugins import Plugins, load_plugins
from archbench._protocols import Protocol, equal_steps
from archbench._records import Store
from archbench._selection import select
from archbench._suite import Observer, RunSettings
from archbench._suite._run import Run

RULES = Protocol(name="chaos", steps=equal_steps(3), batch_size=8, validations=1, seeds=1)
ENDED, REFUSED, RAISED = 0, 2, 3
"""Exit codes of a run: it ended, it said in one line why it cannot go on, or an exception came through."""


class Forked:
    """The process of a trial, forked from that of the run."""

    lost = False

    def __init__(self, process: Any) -> None:
        self.process, self.pid, self.sentinel = process, process.pid, process.sentinel

    def exit_code(self) -> int | None:
        """Return None while the process runs."""
        code: int | None = self.process.exitcode
        return code

    def close(self, seconds: float | None = None) -> None:
        """Free the resources of the process when it has ended; wait for that at most so long, None for ever."""
        self.process.join(seconds)
        if self.exit_code() is not None:
            self.process.close()


class Forker:
    """Starts trials by a fork of the run, which has torch loaded."""

    def start(self, job: bytes, root: str, channel: Channel) -> Forked:
        """Start a process that runs the job."""
        context = multiprocessing.get_context("fork")
        process = context.Process(target=_trial, args=(job, root, channel.token, channel.fileno()))
        process.start()
        return Forked(process)

    def clear(self, running: Container[int]) -> None:
        """Do nothing: the trials have ended what they started."""

    def ask_memory(self, index: int, timeout: float) -> bytes | None:
        """Return None: no GPU takes part."""
        return None


def _trial(job: bytes, root: str, token: str, channel: int) -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    run_job(job, root, token, channel, lambda: wait([parent.sentinel]))


class SmallRun(Run):
    """A run whose trials are forked from its own process."""

    def _open_executor(self, wanted: Wanted) -> Executor:
        return LocalExecutor(Pool(Forker(), [Device(kind="cpu")]), wanted)


class Driven(NamedTuple):
    """A run as it ended: its exit code, how many file calls it made, and the first that failed; 0 for none."""

    code: int
    calls: int
    failed: int


def drive(plan: Plan, plugins: Plugins, out: Path, at: int, *, full: bool) -> Driven:
    """Run a plan in a fork of this process, and return how it ended.

    Args:
        plan, plugins: what to train.
        out: the output folder.
        at, full: which file calls fail, as for `FailingDisk`.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os._exit(_drive_here(plan, plugins, out, FailingDisk(out, at, full=full), writer))
    os.close(writer)
    with open(reader, "rb") as answer:
        calls, failed = map(int, answer.read().split() or (0, 0))
    return Driven(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), calls, failed)


def _drive_here(plan: Plan, plugins: Plugins, out: Path, disk: FailingDisk, answer: int) -> int:
    code = ENDED
    disk.install()
    try:
        Run.carry_out(SmallRun(plan, RunSettings(out=out, retry=True), plugins=plugins, observer=Observer()))
    except ArchbenchError:
        code = REFUSED
    except BaseException:
        traceback.print_exc()
        code = RAISED
    os.write(answer, f"{disk.calls} {disk.first}".encode())
    return code


def sweep(plan: Plan, plugins: Plugins, folder: Path, mark: str) -> Iterator[tuple[str, list[str]]]:
    """Yield for each call how it failed, and what that cost.

    A folder is struck that holds a finished record already. A disk that is full from a call on which takes no space is
    as one that is full from the next one on that does.

    Args:
        plan, plugins: what to train.
        folder: for the output folders.
        mark: which this process and those of its runs carry.
    """
    whole = folder / "whole"
    assert drive(plan, plugins, whole, 0, full=False).code == ENDED
    expected = {key: numbers(record) for key, record in Store(whole).scan()[0].items()}
    for full in (False, True):
        at = 1
        while True:
            before = _begin(folder / "out", whole)
            run = drive(plan, plugins, folder / "out", at, full=full)
            if run.failed:
                what = "nothing fits on the disk any more" if full else "it fails"
                lost = ["an exception came through"] if run.code == RAISED else []
                lost += _judge(plan, plugins, folder / "out", expected, mark, before)
                yield f"call {run.failed}, {what}; exit code {run.code}", lost
            shutil.rmtree(folder / "out")
            if not run.failed:  # the run has no more of them
                break
            at = run.failed + 1


def _begin(out: Path, whole: Path) -> dict[Path, bytes]:
    """Make a folder with the first of the records of another, and return what it holds."""
    first = min(records_of(whole))
    copy = out / first.relative_to(whole)
    copy.parent.mkdir(parents=True)
    shutil.copy(first, copy)
    return records_of(out)


def _judge(
    plan: Plan, plugins: Plugins, out: Path, expected: dict[str, Any], mark: str, before: dict[Path, bytes]
) -> list[str]:
    """Return what a fault cost: of the records at once, and after the run was repeated without a fault."""
    us = (os.getpid(), os.getppid())
    lost = [f"orphan after two seconds: {line}" for line in orphans(mark, us)]
    finished = records_of(out) | before
    lost += damage(out, finished, expected, set())
    if code := drive(plan, plugins, out, 0, full=False).code:
        return [*lost, f"the repeated run ended with exit code {code}"]
    lost += damage(out, finished, expected, set())
    missing = expected.keys() - Store(out).scan()[0].keys()
    return [*lost, *(f"not finished after the repeated run: {key}" for key in sorted(missing))]


def main() -> None:
    """Load everything once, and print a line for each call."""
    folder, task, *architectures = sys.argv[1:]
    plugins = load_plugins()
    plan = make_plan(
        select(architectures, plugins.architectures, "architecture"),
        select([task], plugins.tasks, "task"),
        protocol=RULES,
        seeds=1,
    )
    libraries = libraries_of([cell.libraries for cell in plan.cells])
    ours = ("archbench._training", "archbench._training._warm_up", "archbench._report")
    for name in ("torch", "lightning.pytorch", *ours, *libraries):
        importlib.import_module(name)
    for detail, lost in sweep(plan, plugins, Path(folder), os.environ[MARKER]):
        sys.stdout.buffer.write(msgspec.json.encode((detail, lost)) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
