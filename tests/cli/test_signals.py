"""Signals that stop a command."""

from __future__ import annotations

import contextlib
import signal
import sys
import time
from pathlib import Path

import pytest

from archbench._plugins import raise_if_stopped
from archbench.cli._signals import Stopped, stop_signals
from support import Cli

pytestmark = pytest.mark.usefixtures("heard_signals")


class Interrupted:
    """An object whose finalizer is interrupted by Ctrl-C; Python drops what is raised there."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_the_command_line_leaves_the_handler_of_the_program(cli_here: Cli, tmp_path: Path) -> None:
    """A program that calls `main` itself hears Ctrl-C afterwards as before."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    cli_here("list", cwd=tmp_path)

    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def wait_in_a_finalizer() -> None:
    """Drop an object that is interrupted by Ctrl-C, and wait."""
    Interrupted()
    time.sleep(60)


def test_a_signal_that_python_drops_is_sent_again(capfd: pytest.CaptureFixture[str]) -> None:
    """Ctrl-C during a finalizer stops the command shortly afterwards, and Python reports nothing."""
    hook = sys.unraisablehook
    with pytest.raises(Stopped) as stopped, stop_signals():
        wait_in_a_finalizer()

    assert stopped.value.number == signal.SIGINT
    assert sys.unraisablehook is hook
    assert capfd.readouterr().err == ""


def test_other_errors_of_finalizers_are_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    """What else is raised in a finalizer goes to the hook that was there before."""
    reported = []
    monkeypatch.setattr(sys, "unraisablehook", lambda dropped: reported.append(dropped.exc_type))

    class Broken:
        def __del__(self) -> None:
            raise ValueError

    with stop_signals():
        Broken()

    assert reported == [ValueError]


def test_a_signal_that_is_dropped_in_silence_is_remembered() -> None:
    """`raise_if_stopped` raises after a signal whose exception somebody has caught, and not after the command."""
    with stop_signals():
        raise_if_stopped()
        with contextlib.suppress(BaseException):
            signal.raise_signal(signal.SIGTERM)
        with pytest.raises(Stopped) as stopped:
            raise_if_stopped()
    raise_if_stopped()

    assert stopped.value.number == signal.SIGTERM
