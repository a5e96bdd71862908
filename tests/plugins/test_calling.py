"""Functions of plugins that are called in a process of their own: what comes back, and what cannot hurt."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

import pytest

from archbench import DataError, Findings, Found, TaskInfo
from archbench._plugins import CallError, call_apart

FOUND = Found(
    content="0123456789ab",
    info=TaskInfo(kind="sequence", input_shape=(5, 2), outputs=3),
    loss="cross_entropy",
    metric="accuracy",
    chance=0.4,
    oracle=1.0,
    summary="Five steps",
    facts={"classes": {"a": 3, "b": 4}},
    features=("speed",),
    warnings=("odd",),
)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """A call may take a second, and is made apart whatever threads other tests have left in this process."""
    monkeypatch.setenv("ARCHBENCH_PLUGIN_SECONDS", "1")
    monkeypatch.setattr("archbench._plugins._calling.can_fork", lambda: True)


def test_plain_data_come_back() -> None:
    """What a function returns comes back equal, from another process."""
    findings = Findings(text="So it is.", numbers={"gap": 0.1 + 0.2}, columns=("a",), rows=(("b",),))

    assert call_apart(lambda: FOUND, Found, foreign=True) == FOUND
    assert call_apart(lambda: findings, Findings, foreign=True) == findings
    assert call_apart(lambda: str(os.getpid()), str, foreign=True) != str(os.getpid())


def test_the_suite_itself_is_called_here() -> None:
    """Functions of the suite cost no process."""
    assert call_apart(lambda: str(os.getpid()), str, foreign=False) == str(os.getpid())


def test_errors_for_the_user_come_back_as_they_are() -> None:
    """An error of the suite keeps its class and its text."""

    def refuse() -> Any:
        raise DataError("mine.txt has 3 lines; 30 are needed")

    with pytest.raises(DataError, match=r"mine\.txt has 3 lines; 30 are needed"):
        call_apart(refuse, Found, foreign=True)


def fail() -> Any:
    """Raise an error."""
    raise KeyError("label")


def hang() -> Any:
    """Never return."""
    while True:
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (fail, "KeyError: 'label'"),
        (lambda: os._exit(0), "it ended the process with exit code 0"),
        (lambda: os.abort(), "it crashed with SIGABRT"),
        (hang, "it was not done after 1 s, which ARCHBENCH_PLUGIN_SECONDS can raise"),
        (dict, "it returned dict, not archbench.Findings"),
        (lambda: Findings(text=3), "it returned archbench.Findings with a wrong value"),  # type: ignore[arg-type]
        (lambda: Findings(text="", numbers={"a": object()}), "no plain data"),  # type: ignore[dict-item]
    ],
)
def test_whatever_it_does_costs_the_call_only(function: Any, says: str) -> None:
    """A function that raises, ends its process, never returns or returns nonsense gives an error that says so."""
    with pytest.raises(CallError) as error:
        call_apart(function, Findings, foreign=True)

    assert says in str(error.value)


def test_the_answer_does_not_depend_on_where_it_was_made() -> None:
    """Beside other threads, where no process can be copied, the answer has been plain data all the same."""
    findings = Findings(text="", numbers={"gap": 1})
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    try:
        here = call_apart(lambda: findings, Findings, foreign=True)
    finally:
        stop.set()
        thread.join()

    assert type(here.numbers["gap"]) is type(call_apart(lambda: findings, Findings, foreign=True).numbers["gap"])
