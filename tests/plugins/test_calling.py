"""Functions of plugins that are called in a process of their own: what comes back, and what cannot hurt."""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archbench import Chart, DataError, Findings, Found, Line, TaskInfo
from archbench._plugins import CallError, call_apart, rehearse

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
def _short(monkeypatch: pytest.MonkeyPatch, forked_calls: None) -> None:
    """A call may take a second."""
    monkeypatch.setenv("ARCHBENCH_PLUGIN_SECONDS", "1")


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


def paint() -> Any:
    """Raise an error that would colour a terminal and name its window."""
    raise ValueError("\x1b[31mred\x1b]0;title\x07")


def hang() -> Any:
    """Never return."""
    while True:
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (fail, "KeyError: 'label'"),
        (paint, "ValueError: red"),
        (lambda: os._exit(0), "it ended the process with exit code 0"),
        (lambda: os.abort(), "it crashed with SIGABRT"),
        (lambda: os.kill(os.getpid(), 40), "it crashed with signal 40"),
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


def test_numbers_and_arrays_of_numpy_become_those_of_python() -> None:
    """Numbers of findings, and the values of a line, may be numpy's."""
    line = Line(label="a", x=np.arange(3), y=np.float32([0.5, 1.5, 2.5]))  # type: ignore[arg-type]
    made = Findings(
        text="",
        numbers={"mean": np.mean([1.0, 2.0]), "count": np.int64(3), "share": np.float32(0.25)},  # type: ignore[dict-item]
        charts=(Chart(title="", x="", y="", lines=(line,)),),
    )
    found = call_apart(lambda: made, Findings, foreign=True)

    assert found.numbers == {"mean": 1.5, "count": 3.0, "share": 0.25}
    assert found.charts[0].lines == (Line(label="a", x=(0.0, 1.0, 2.0), y=(0.5, 1.5, 2.5)),)


@pytest.fixture
def other_thread(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Another thread runs, so that this process cannot be copied."""
    monkeypatch.undo()
    monkeypatch.setenv("ARCHBENCH_PLUGIN_SECONDS", "1")
    stop = threading.Event()
    thread = threading.Thread(target=stop.wait)
    thread.start()
    yield
    stop.set()
    thread.join()


@pytest.mark.usefixtures("other_thread")
def test_beside_other_threads_a_fresh_interpreter_answers() -> None:
    """Where this process cannot be copied, the answer comes from another one all the same, as plain data."""
    numbers = functools.partial(Findings, text="", numbers={"gap": 1})

    assert call_apart(numbers, Findings, foreign=True) == Findings(text="", numbers={"gap": 1.0})
    assert type(call_apart(numbers, Findings, foreign=True).numbers["gap"]) is float
    assert call_apart(functools.partial(os.path.abspath, ""), str, foreign=True) == os.getcwd()


@pytest.mark.usefixtures("other_thread")
@pytest.mark.parametrize(
    ("function", "says"),
    [
        (functools.partial(os._exit, 3), "it ended the process with exit code 3"),
        (os.abort, "it crashed with SIGABRT"),
        (functools.partial(time.sleep, 60), "it was not done after 1 s"),
        (functools.partial(int, "x"), "ValueError: invalid literal"),
        (lambda: "", "beside other threads it must be called in a process of its own"),
    ],
)
def test_beside_other_threads_it_costs_the_call_only(function: Any, says: str) -> None:
    """A function that ends its process, crashes or hangs does no harm beside other threads either."""
    with pytest.raises(CallError) as error:
        call_apart(function, str, foreign=True)

    assert says in str(error.value)


READER = """
import os
import archbench

@archbench.hookimpl
def archbench_readers():
    yield archbench.Reader(
        scheme="bad", summary="Ends everything", inspect=lambda path, options: os._exit(0),
        load=lambda *_: None, sample=lambda folder: (folder / "mine.txt").write_text("1") and "mine.txt",
    )
"""

PROGRAM = """
import sys, threading
from pathlib import Path
from archbench import PluginError
from archbench._plugins import load_plugins
from archbench._selection import open_own_data, write_sample

threading.Thread(target=threading.Event().wait, daemon=True).start()
readers = load_plugins(files=[Path(sys.argv[1])], only=[]).readers
print(write_sample("bad", Path(sys.argv[2]), readers).selector)
try:
    open_own_data(f"bad:{sys.argv[2]}/mine.txt", readers)
except PluginError as error:
    print(error)
"""


def test_a_stranger_that_ends_its_process_beside_threads_is_named(tmp_path: Path) -> None:
    """A program with threads, such as a notebook, outlives the reader of a plugin, whose functions have no names."""
    plugin = tmp_path / "hostile.py"
    plugin.write_text(READER)

    command = [sys.executable, "-c", PROGRAM, str(plugin), str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[0] == f"bad:{tmp_path / 'mine.txt'}"
    assert "the reader bad: of hostile.py failed on" in done.stdout
    assert "it ended the process with exit code 0" in done.stdout


@pytest.mark.usefixtures("other_thread")
def test_beside_other_threads_functions_are_rehearsed_elsewhere() -> None:
    """A rehearsal finds what ends its process; what cannot be sent there is not blamed, and later steps are tried."""
    ends = rehearse([functools.partial(os._exit, 3), lambda: os._exit(4), functools.partial(int, "1"), os.abort])

    assert ends == ["ended the process with exit code 3", "", "", "crashed with SIGABRT"]
