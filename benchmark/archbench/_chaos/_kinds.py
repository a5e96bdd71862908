"""The kinds of faults: how each strikes a run, and what is told of it.

A fault of another part of the suite is one more entry of `KINDS`.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from archbench._chaos._node import lose_node
from archbench._chaos._preloading import Started
from archbench._chaos._processes import ranks_of, server_of, workers_of
from archbench._chaos._round import Round, records_of

Strike = Callable[[Round, random.Random], str | None]
"""Strikes a run of the round, waits for its end, and returns when or how; None if the run ended before."""

SWEPT = "disk-call"
"""The kind that is no matter of chance: every single file call of a small run fails once."""


NEEDS_RAY = "node"
"""The kind that needs an extra."""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of fault.

    Args:
        what: what happens, for people.
        strike: brings it about.
        chains: a folder may be struck several times in a row before its run is repeated undisturbed.
        devices: for each trial of the run that it strikes.
    """

    what: str
    strike: Strike
    chains: bool = False
    devices: int = 1


def _killing(find: Callable[[int, str], list[int]], *, trials: bool = False) -> Strike:
    """Return a strike that kills one of the processes that are found, at a random moment of the run.

    Args:
        find: returns the processes, given that of the run and the mark.
        trials: they are those of trials, so that the moment lies before the last of them has ended.
    """

    def strike(round_: Round, draw: random.Random) -> str | None:
        run, start = _run_for_a_while(round_, draw, trials=trials)
        while run.poll() is None:
            if found := find(run.pid, round_.mark):
                round_.note()
                with contextlib.suppress(ProcessLookupError):
                    os.kill(draw.choice(sorted(found)), signal.SIGKILL)
                    return _ended(round_, run, _after(start))
            time.sleep(0.01)
        return None

    return strike


def _kill_group(round_: Round, draw: random.Random) -> str | None:
    run, start = _run_for_a_while(round_, draw)
    if run.poll() is not None:
        return None
    round_.note()
    os.killpg(run.pid, signal.SIGKILL)
    return _ended(round_, run, _after(start))


def _run_for_a_while(round_: Round, draw: random.Random, *, trials: bool = False) -> tuple[Started, float]:
    """Start a run, and return it after a random time, or at its end, with the reading of the clock at its start."""
    start, run = time.monotonic(), round_.start("--retry")
    with contextlib.suppress(subprocess.TimeoutExpired):
        run.wait(_moment(round_, draw, round_.training if trials else round_.seconds))
    return run, start


def _moment(round_: Round, draw: random.Random, end: float) -> float:
    """Return seconds after the start of a run, at most `end`, every other time such that trials train then."""
    begin = draw.choice((0.0, min(round_.undisturbed.first, end / 2)))
    return draw.uniform(begin, end)


def _after(start: float) -> str:
    return f"after {time.monotonic() - start:.1f} s"


def _ended(round_: Round, run: Started, detail: str) -> str:
    """Wait for the end of a run, and return what happened."""
    return f"{detail}; exit code {round_.wait(run)}"


def _fill_disk(round_: Round, draw: random.Random) -> str | None:
    """Run on a file system that is too small; without the right to make one, let writing fail in the run itself."""
    round_.out.mkdir()
    size = draw.randrange(16, 16 + _size_of(round_.undisturbed.out) // 1024)
    if not _mount(round_.out, size):
        call = draw.randrange(1, 60)
        through = ("-m", "archbench._chaos.struck", "full-disk", str(call), str(round_.out))
        return _ended(round_, round_.start(through=through), f"from file call {call} on")
    round_.on_close = lambda: _unmount(round_.out)
    detail = _ended(round_, round_.start(), f"{size} kB on a file system of its own")
    _tool("mount", "-o", "remount,size=1g", str(round_.out))
    return detail


def _size_of(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _mount(folder: Path, size: int) -> bool:
    return os.geteuid() == 0 and _tool("mount", "-t", "tmpfs", "-o", f"size={size}k", "none", str(folder))


def _unmount(folder: Path) -> None:
    _tool("umount", "--lazy", str(folder))


def _tool(name: str, *arguments: str) -> bool:
    """Run a tool of the system; return whether it is there and did its work."""
    path = shutil.which(name)
    if path is None:
        return False
    return subprocess.run([path, *arguments], capture_output=True, check=False).returncode == 0  # noqa: S603


def _garble(round_: Round, draw: random.Random) -> str:
    """Damage one record of a finished folder."""
    shutil.copytree(round_.undisturbed.out, round_.out)
    path = draw.choice(sorted(records_of(round_.out)))
    data, how = path.read_bytes(), draw.choice(("one bit turned", "cut", "empty", "no record at all"))
    place = draw.randrange(len(data))
    damaged = {
        "one bit turned": data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :],
        "cut": data[:place],
        "empty": b"",
        "no record at all": draw.randbytes(place),
    }
    path.write_bytes(damaged[how])
    round_.garbled.add(path)
    return f"{how}, at byte {place}"


def _run_twice(round_: Round, draw: random.Random) -> str | None:
    """Start a second run on the same folder, while the first one goes on."""
    first, start = _run_for_a_while(round_, draw)
    if first.poll() is not None:
        return None
    moment, second = _after(start), round_.start("--retry")
    code = round_.wait(second)
    return f"{moment}; exit codes {round_.wait(first)} and {code}"


_CLOSED = "import os, sys; os.close(1); os.execv(sys.executable, [sys.executable, '-m', 'archbench', *sys.argv[1:]])"
"""Python code that starts the command line without a standard output."""


def _close_output(round_: Round, draw: random.Random) -> str:
    """Run with a standard output that takes nothing."""
    how = draw.choice(("its reader had gone", "it was full", "it was closed"))
    if how == "it was closed":
        return _ended(round_, round_.start(through=("-c", _CLOSED)), how)
    if how == "it was full":
        with open("/dev/full", "wb") as full:
            return _ended(round_, round_.start(stdout=full), how)
    reader, writer = os.pipe()
    os.close(reader)
    with open(writer, "wb") as pipe:
        return _ended(round_, round_.start(stdout=pipe), how)


def _set_clock_back(round_: Round, draw: random.Random) -> str:
    moment = _moment(round_, draw, round_.seconds)
    through = ("-m", "archbench._chaos.struck", "clock", f"{moment:.2f}", str(round_.out))
    return _ended(round_, round_.start(through=through), f"by a day, after {moment:.1f} s")


KINDS = {
    "driver": Kind("the process of the run is killed", _killing(lambda driver, mark: [driver]), chains=True),
    "group": Kind("the process group of the run is killed", _kill_group, chains=True),
    "server": Kind("the process that trials are forked from is killed", _killing(server_of), chains=True),
    "worker": Kind("the process of a trial is killed", _killing(workers_of, trials=True), chains=True),
    "rank": Kind(
        "one of the two processes of a trial is killed", _killing(ranks_of, trials=True), chains=True, devices=2
    ),
    NEEDS_RAY: Kind("one of the two nodes of a Ray cluster is killed", lose_node),
    "full-disk": Kind("the disk is full", _fill_disk),
    "garbled": Kind("a finished record is damaged", _garble),
    "two-runs": Kind("a second run starts on the same folder", _run_twice),
    "stdout": Kind("standard output takes nothing", _close_output),
    "clock": Kind("the clock is set back by a day", _set_clock_back),
}
"""Every kind of fault that strikes at random, by name."""
