"""The steps of long work on standard error, with the time since it began: one line that counts, or plain lines."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.live import Live
from rich.text import Text

from archbench._suite._progress import format_seconds


class _Steps:
    """The step that is being done; as text, with the seconds since the work began."""

    def __init__(self, work: str) -> None:
        self.work, self.step, self.begun = work, "loading", time.monotonic()

    def __rich__(self) -> Text:
        return Text(f"{self.work}: {self.step} ({format_seconds(time.monotonic() - self.begun)})")


@contextlib.contextmanager
def show_steps(work: str) -> Iterator[Callable[[str], None]]:
    """Yield a function that is told each step of some work and shows it; on a terminal, the time goes on meanwhile.

    Args:
        work: what is done, as the first word of each line.
    """
    # Not `stderr=True`, which looks up the stream at each line: tracers run with another one in its place.
    console, steps = Console(file=sys.stderr, highlight=False, force_jupyter=False), _Steps(work)

    def tell(step: str) -> None:
        steps.step = step
        if not console.is_terminal:
            console.print(steps, soft_wrap=True)

    if not console.is_terminal:
        yield tell
        return
    with Live(steps, console=console, transient=True, redirect_stdout=False, redirect_stderr=False):
        yield tell
