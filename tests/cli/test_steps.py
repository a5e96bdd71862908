"""The steps of long work, as they are shown."""

from __future__ import annotations

import io
import sys
import time

import pytest

from archbench.cli._steps import show_steps


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Return True."""
        return True


def test_every_step_is_a_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Where there is no terminal, a step is printed when it begins, with the time since the work began."""
    now = iter([100.0, 100.4, 175.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(now))
    with show_steps("Exporting") as tell:
        tell("tracing")
        tell("translating")
    monkeypatch.undo()

    assert capsys.readouterr().err == "Exporting: tracing (0 s)\nExporting: translating (1 min 15 s)\n"


def test_the_time_goes_on_in_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the line counts, also while standard error is somebody else's, and is taken away at the end."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with show_steps("Exporting") as tell:
        tell("tracing")
        monkeypatch.setattr(sys, "stderr", noisy := io.StringIO())
        end = time.monotonic() + 20
        while "tracing (1 s)" not in terminal.getvalue() and time.monotonic() < end:
            time.sleep(0.05)

    assert "Exporting: tracing (0 s)" in terminal.getvalue()
    assert "Exporting: tracing (1 s)" in terminal.getvalue()
    assert terminal.getvalue().endswith("\x1b[2K")
    assert noisy.getvalue() == ""
