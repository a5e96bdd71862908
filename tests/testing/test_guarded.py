"""Checks in a copy of the process: which check ended it, what it blocks, and which one takes long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from archbench.testing import _guarded
from archbench.testing._check import Check, CheckResult, Fault
from archbench.testing._engine import Session


@pytest.fixture(autouse=True)
def _copies(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy is made whatever threads other tests have left."""
    monkeypatch.setattr(_guarded, "_can_copy", lambda: True)


def session(**functions: Callable[[Any], str | None]) -> Session:
    """Return a session of checks by their codes, each of which needs those before it; the last is only a warning."""
    codes = list(functions)
    checks = [
        Check(code, f"does {code}", function, "mend it", tuple(codes[:n]), "warning" if code == codes[-1] else "error")
        for n, (code, function) in enumerate(functions.items())
    ]
    return Session(checks, None, selector="toy", expected={})


def results(of: Session, *only: str, tell: Callable[[str], None] = print) -> dict[str, CheckResult]:
    """Return the results by code."""
    return {result.code: result for result in _guarded.guarded_results(of, only, tell)}


def pass_(_: Any) -> str:
    """Return the process in which the check runs."""
    return str(os.getpid())


@pytest.mark.parametrize(
    ("end", "says"),
    [
        (lambda _: os._exit(7), "it ended the process with exit code 7"),
        (lambda _: os.kill(os.getpid(), signal.SIGKILL), "it crashed with SIGKILL"),
        (lambda _: os.closerange(3, 100), "it ended the process with exit code 1"),
    ],
    ids=["exit", "signal", "closed"],
)
def test_the_check_that_ends_the_process_is_named(end: Callable[[Any], None], says: str) -> None:
    """It is an error, even of a check that only warns; those before it have run, and those after it are blocked."""
    found = results(session(X1=pass_, X2=end, X3=pass_))
    last = results(session(X1=pass_, X2=end))["X2"]

    assert [result.status for result in found.values()] == ["passed", "failed", "blocked"]
    assert int(found["X1"].message) != os.getpid()
    assert found["X2"].message == last.message == says
    assert found["X3"].blocked_by == ("X2",)
    assert last.is_error


def test_a_process_that_has_computed_with_threads_is_not_copied(tmp_path: Path) -> None:
    """A copy lacks the threads and would wait for them for ever; those that numpy starts at import do no harm."""
    program = (
        "import os, numpy, scipy.special, torch\n"
        "from archbench.testing._guarded import _can_copy\n"
        "before = _can_copy()\n"
        "torch.set_num_threads(2)\n"
        "torch.zeros(10**6).add_(1)\n"
        "print(before, _can_copy())\n"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True)

    assert done.stdout == "True False\n"


def test_a_prerequisite_that_ends_the_process_is_shown() -> None:
    """With `--only`, the check that ended the process is there although nobody asked for it."""
    found = results(session(X1=lambda _: os._exit(3), X2=pass_), "X2")

    assert [(result.code, result.status) for result in found.values()] == [("X2", "blocked"), ("X1", "failed")]
    assert found["X1"].is_error


@pytest.mark.parametrize("copied", [True, False])
def test_what_blocks_a_check_is_shown(monkeypatch: pytest.MonkeyPatch, copied: bool) -> None:
    """A check that cannot run brings the one that failed, through others that are blocked; so it is no success."""
    monkeypatch.setattr(_guarded, "_can_copy", lambda: copied)

    def fail(_: Any) -> str:
        raise Fault("wrong")

    found = results(session(X1=pass_, X2=fail, X3=pass_, X4=pass_), "X4")

    assert {code: result.status for code, result in found.items()} == {"X4": "blocked", "X2": "failed", "X3": "blocked"}
    assert found["X2"].is_error


def test_a_check_that_takes_long_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line names the check while it runs; quick checks are not named."""
    told: list[str] = []
    results(session(X1=pass_), tell=told.append)
    assert told == []

    monkeypatch.setattr(_guarded, "LONG_SECONDS", 0.4)
    results(session(X1=pass_, X2=lambda _: time.sleep(1), X3=pass_), tell=told.append)
    assert "X2: does X2 (has taken 0.4 s so far)" in told
