"""A check and its result, as data. Free of torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

Level = Literal["error", "warning"]
Status = Literal["passed", "failed", "expected", "blocked", "skipped"]


class Fault(Exception):  # noqa: N818 - a finding about a plugin, not an error of the suite
    """Something wrong with the plugin, raised by the check that found it. The message is one line."""


class NotApplicable(Exception):  # noqa: N818 - not an error either: the result is `skipped`
    """The reason why a check cannot be made here, raised by that check."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check, as data.

    Args:
        code: a stable name, such as B101; never given to another check.
        title: what holds if the check passes.
        function: takes the subject; raises `Fault`, or returns a note for the reader, or None.
        hint: the usual cause of a failure and the remedy, on one line.
        requires: codes of checks that must pass first: without them this check would say nothing new, or mislead.
        level: an `error` blocks conformance; a `warning` is only shown.
        slow: run only if slow checks were asked for.
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
    """The result of one check.

    Args:
        code: of the check.
        title: of the check.
        level: of the check.
        status: `passed`; `failed`; `expected`, if it failed as declared; `blocked` by a prerequisite that did not pass;
            `skipped`, because it was not asked for or does not apply.
        message: one line: the fault, the reason why it is expected, the codes that block the check, or a note.
        hint: the usual cause of the fault, if there is one to explain.
        reproduce: the command that runs only this check.
        blocked_by: codes of the prerequisites that did not pass.
        seconds: CPU time of the check.
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
        """Whether the result keeps the plugin from being conformant."""
        return self.status == "failed" and self.level == "error"

    def __str__(self) -> str:
        shown = {"passed": "ok", "failed": "FAIL" if self.level == "error" else "WARN"}.get(self.status, self.status)
        line = f"{self.code}  {shown:<8}  {self.title}"
        return f"{line}: {self.message}" if self.message else line
