"""The checks of one subject in a copy of this process: a plugin that ends the copy fails the check that it ended in."""

from __future__ import annotations

import contextlib
import faulthandler
import math
import os
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence

import msgspec
import torch

from archbench._plugins._apart import Apart, Gone, can_fork
from archbench.testing._check import CheckResult
from archbench.testing._engine import Session

LONG_SECONDS = 10.0
"""After so many seconds a check is named, so that one that hangs can be told."""


def guarded_results(session: Session, only: Sequence[str], tell: Callable[[str], None]) -> Iterator[CheckResult]:
    """Yield the results of the checks with the given codes, each as soon as it is known.

    A check that ends the copy fails, also if it ran only because another one needs it, and blocks all that follow. What
    blocks one of the checks comes last, if it is not among them: a check that cannot run has not passed.

    Args:
        session: the checks; they run in this process where no copy can be made.
        only: codes; all if empty.
        tell: gets a line about a check that takes long.

    Raises:
        SelectionError: there is no check with one of the codes.
    """
    codes = session.codes(only)
    guard = _Guard(session, tell) if _can_copy() else None
    ask = guard.result_of if guard else session.result
    try:
        for code in codes:
            result = ask(code)
            codes += [each for each in result.blocked_by if each not in codes]
            yield result
    finally:
        if guard:
            guard.copy.kill()


def _can_copy() -> bool:
    """Return whether checks would run in a copy of this process.

    They would wait for ever if this process has computed with several threads, which the copy lacks and believes to
    have, and could not use CUDA if this process does. Linux alone tells of threads that Python did not start.
    """
    if sys.platform != "linux" or not can_fork() or torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        return False
    child = os.fork()  # libraries that know of copies, such as OpenBLAS, end their threads now
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    return len(os.listdir("/proc/self/task")) == 1


class _Guard:
    """Asks a copy of this process for results."""

    def __init__(self, session: Session, tell: Callable[[str], None]) -> None:
        self._session, self._tell = session, tell
        self._known: dict[str, CheckResult] = {}
        self.copy = _Patient(self._answer)
        self._culprit = ""

    def result_of(self, code: str) -> CheckResult:
        """Return the result of a check; its prerequisites run first."""
        return [self._result(each) for each in self._session.order(code)][-1]

    def _result(self, code: str) -> CheckResult:
        """Return the result of a check whose prerequisites have run."""
        if code not in self._known:
            self._known[code] = self._session.blocked(code, self._culprit) if self._culprit else self._ask(code)
        return self._known[code]

    def _ask(self, code: str) -> CheckResult:
        try:
            with _naming(self._session.title(code), self._tell):
                return msgspec.json.decode(self.copy.ask(code.encode()), type=CheckResult)
        except Gone as gone:
            self._culprit = code
            return self._session.ended(code, f"it {gone}")

    def _answer(self, code: bytes) -> bytes:
        """Return a result as JSON; called in the copy, which any error here ends."""
        faulthandler.enable(2, all_threads=False)
        try:
            return msgspec.json.encode(self._session.result(code.decode()))
        except BaseException:
            traceback.print_exc()
            raise


class _Patient(Apart):
    """A copy that may take as long as it needs: how long a check takes depends on the network."""

    def _wait(self, limit: float) -> bytes:
        return super()._wait(math.inf)


@contextlib.contextmanager
def _naming(title: str, tell: Callable[[str], None]) -> Iterator[None]:
    """Name a check if it takes long; no thread is left, so that another copy can be made."""
    timer = threading.Timer(LONG_SECONDS, tell, [f"{title} (has taken {LONG_SECONDS:g} s so far)"])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
