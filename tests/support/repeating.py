"""A recorder for the CPU, in the place of that of a GPU."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator


class Repeater:
    """Records a step by keeping it: to do it again on a CPU is to call it again.

    Args:
        before: done before each repetition.
        waits: places at which a step waits for the device.
        error: raised instead of recording.
    """

    def __init__(self, before: Callable[[], object] = lambda: None, waits: str = "", error: str = "") -> None:
        self.before, self.waits, self.error, self.repeated = before, waits, error, 0

    @contextlib.contextmanager
    def watching(self) -> Iterator[list[str]]:
        """Return a context with the places."""
        yield [self.waits] if self.waits else []

    def record(self, step: Callable[[], None]) -> Callable[[], object]:
        """Return the step."""
        if self.error:
            raise RuntimeError(self.error)

        def repeat() -> None:
            self.repeated += 1
            self.before()
            step()

        return repeat
