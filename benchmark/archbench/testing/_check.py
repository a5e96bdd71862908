"""What a check is and what comes of it. Free of torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["error", "warning"]
Status = Literal["passed", "failed", "expected", "blocked", "skipped"]


class Fault(Exception):  # noqa: N818 - a finding about a plugin, no error of ours
    """Raised by a check: this is wrong. The message is one line."""


class NotApplicable(Exception):  # noqa: N818 - as above
    """Raised by a check: this cannot be looked at here. The message says why."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check, as data.

    Args:
        code: stable; never given to another check.
        title: what holds when it passes.
        function: takes the subject; raises `Fault`, or returns a note for the reader, or None.
        hint: the usual cause and what to do about it, one line.
        requires: codes of checks without which this one would say nothing new, or something misleading.
        level: an `error` blocks conformance; a `warning` is only shown.
        slow: runs only when asked for.
    """

    code: str
    title: str
    function: Callable[[Any], str | None]
    hint: str
    requires: tuple[str, ...] = ()
    level: Level = "error"
    slow: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """What came of one check.

    Args:
        code, title, level: of the check.
        status: `passed`; `failed`; `expected` to fail, and failed; `blocked` by a prerequisite that did not pass;
            `skipped`, because it was not asked for or does not apply.
        message: one line: what is wrong, the reason why that is expected, what blocks it, or a note.
        hint: the usual cause, if it failed.
        reproduce: the command that runs just this check.
        blocked_by: codes of the prerequisites in the way.
        seconds: CPU time.
    """

    code: str
    title: str
    level: Level
    status: Status
    message: str = ""
    hint: str = ""
    reproduce: str = ""
    blocked_by: tuple[str, ...] = ()
    seconds: float = field(default=0.0, compare=False)

    @property
    def is_error(self) -> bool:
        """It stands between the plugin and conformance."""
        return self.status == "failed" and self.level == "error"

    def __str__(self) -> str:
        shown = {"passed": "ok", "failed": "FAIL" if self.level == "error" else "WARN"}.get(self.status, self.status)
        line = f"{self.code}  {shown:<8}  {self.title}"
        return f"{line}: {self.message}" if self.message else line
