"""The command line, forked from a process that has loaded torch: `python -m archbench._chaos.preloaded LIBRARIES...`.

Loading torch takes longer than training the small suite, so runs that are to be killed share it: each is a fork of this
process, and the server of its trials is a fork of the run. All else is as people start it: the command line, a server
that is a child of the run, and trials that are children of the server. Trials keep their state after every chunk of
steps, as only long ones do otherwise, so that a run also goes on in the middle of a trial.

A line of JSON on standard input asks for a run, or for the exit code of one; the answer is a line on standard output.
"""

from __future__ import annotations

import importlib
import multiprocessing.util
import os
import runpy
import signal
import sys
import traceback
from collections.abc import Sequence
from multiprocessing import forkserver, resource_tracker
from pathlib import Path
from typing import Any, NoReturn

import msgspec

from archbench._chaos._processes import FORKED_SERVER

OURS = ("archbench._report", "archbench.cli._app", "archbench.cli._run", "archbench._suite._run")
"""Modules of the command line that each run would load."""

SERVER = "archbench._execution._server"
"""The module that a server loads first, which makes settings of its process: no business of this one."""


class Request(msgspec.Struct, kw_only=True):
    """A run to start, or one whose end to wait for.

    Args:
        arguments: of `benchmark`.
        output, messages: the files for its standard streams.
        ended: the id of the process of a run; its exit code is asked for.
    """

    arguments: list[str] = []
    output: str = os.devnull
    messages: str = os.devnull
    ended: int | None = None


def load(libraries: Sequence[str]) -> None:
    """Load what runs, and the servers of their trials, would load.

    Args:
        libraries: those that the task declares.
    """
    launchers: Any = importlib.import_module("archbench._execution._launchers")
    for name in (*launchers.PRELOAD, *OURS, *libraries, launchers.WARM_UP):
        if name != SERVER:
            importlib.import_module(name)
    checkpoints: Any = importlib.import_module("archbench._training._checkpoint")
    checkpoints.EVERY = 0.0


def serve() -> Request | None:
    """Answer requests until there are no more; in a process that is forked for a run, return its request."""
    for line in sys.stdin.buffer:
        request = msgspec.json.decode(line, type=Request)
        if request.ended is None:
            if not os.fork():
                return request  # it answers itself, once it is in a session of its own
        else:
            _answer(os.waitstatus_to_exitcode(os.waitpid(request.ended, 0)[1]))
    return None


def _answer(number: int) -> None:
    os.write(1, f"{number}\n".encode())


def run(request: Request) -> None:
    """Run the command line in this process, in a session of its own."""
    os.setsid()
    _answer(os.getpid())
    _redirect(0, os.devnull, os.O_RDONLY)
    _redirect(1, request.output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    _redirect(2, request.messages, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    vars(multiprocessing.util)["spawnv_passfds"] = _spawn
    sys.argv = ["benchmark", *request.arguments]
    runpy.run_module("archbench", run_name="__main__", alter_sys=True)


def _redirect(descriptor: int, path: str, flags: int) -> None:
    opened = os.open(path, flags, 0o644)
    os.dup2(opened, descriptor)
    os.close(opened)


_of_the_run: list[Any] = []
"""Streams of the run, in a server that was forked from it: what their buffers hold is for the run to write."""

_spawn_fresh: Any = multiprocessing.util.spawnv_passfds


def _spawn(path: str, arguments: Sequence[str], passed: Sequence[int]) -> int:
    """Start the process of multiprocessing that these arguments name; if it is a server of trials, by a fork."""
    code = arguments[-1]
    if "multiprocessing.forkserver" not in code:
        return int(_spawn_fresh(path, arguments, passed))
    return os.fork() or _become_server(code, passed)


def _become_server(code: str, passed: Sequence[int]) -> NoReturn:
    """Run the code of the server in this fork of the run, without what a fresh process would not have."""
    status = 1
    try:
        _forget(passed)
        exec(code, {})  # noqa: S102 - the code that multiprocessing gives to a fresh interpreter
    except SystemExit:
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def _forget(passed: Sequence[int]) -> None:
    """Give up the descriptors, handlers of signals and helpers of the run, among them its lock."""
    signal.set_wakeup_fd(-1)
    for number in signal.valid_signals():
        if callable(signal.getsignal(number)):
            signal.signal(number, signal.SIG_DFL)
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in [int(entry) for entry in os.listdir("/proc/self/fd")]:
        if descriptor > 2 and descriptor not in (*passed, nothing):
            os.dup2(nothing, descriptor)  # not closed: objects of the run would close another file of that number
    for helper in (forkserver._forkserver, resource_tracker._resource_tracker):
        vars(helper).update(vars(type(helper)()))
    _of_the_run.extend((sys.stdout, sys.stderr))
    sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115
    Path("/proc/self/comm").write_text(FORKED_SERVER)


def main() -> None:
    """Load everything once, say so, and answer requests."""
    load(sys.argv[1:])
    _answer(os.getpid())
    if (request := serve()) is not None:
        run(request)


if __name__ == "__main__":
    main()
