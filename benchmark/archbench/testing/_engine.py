"""Running the checks of one subject: each once, prerequisites first, with the process left as it was."""

from __future__ import annotations

import sysconfig
import time
import traceback
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any

from archbench._errors import ArchbenchError, SelectionError
from archbench._records import printable
from archbench.testing._check import Check, CheckResult, Fault, NotApplicable, Status
from archbench.testing._isolation import isolated, seed_everything

LONGEST_MESSAGE = 300
STANDARD_LIBRARY = sysconfig.get_path("stdlib").replace("\\", "/") + "/"
ENDED = "raise an exception instead of ending the process; for a crash, its line is on standard error"
"""The hint where a process ended during a check."""


class Session:
    """The checks of one subject. A check runs when its result is first asked for, and never twice.

    Args:
        checks: every check there is for the subject.
        subject: the object that each check function is called with.
        selector: the name of the subject in reproduction commands.
        expected: codes of failures that were declared, to their reasons.
        strict: treat a declared failure that passes as an error. Declarations are made for the default options; with
            other options a check may pass.
        slow: also run the slow checks.
    """

    def __init__(
        self,
        checks: Sequence[Check],
        subject: Any,
        *,
        selector: str,
        expected: Mapping[str, str],
        strict: bool = True,
        slow: bool = False,
    ) -> None:
        self._checks = {check.code: check for check in checks}
        self._subject, self._selector, self._slow = subject, selector, slow
        self._expected, self._strict = dict(expected), strict
        self._results: dict[str, CheckResult] = {}

    def results(self, only: Sequence[str] = ()) -> list[CheckResult]:
        """Return the results of the checks with the given codes, or of all checks, by code.

        Raises:
            SelectionError: there is no check with one of the codes.
        """
        return [self.result(code) for code in self.codes(only)]

    def codes(self, only: Sequence[str] = ()) -> list[str]:
        """Return the given codes, or those of all checks, in their order.

        Raises:
            SelectionError: there is no check with one of the codes.
        """
        unknown = [code for code in only if code not in self._checks]
        if unknown:
            raise SelectionError(f"no check {unknown[0]!r}; there are {', '.join(sorted(self._checks))}")
        return [code for code in sorted(self._checks) if code in only or not only]

    def order(self, code: str) -> list[str]:
        """Return the code of a check after those of the checks that run before it."""
        needed = () if self._leaves_out(self._checks[code]) else self._checks[code].requires
        return [*dict.fromkeys(each for before in needed for each in self.order(before)), code]

    def result(self, code: str) -> CheckResult:
        """Return the result of one check; its prerequisites run first."""
        if code not in self._results:
            self._results[code] = self._run(self._checks[code])
        return self._results[code]

    def title(self, code: str) -> str:
        """Return the code of a check with what it checks."""
        return f"{code}: {self._checks[code].title}"

    def blocked(self, code: str, *blocked_by: str) -> CheckResult:
        """Return the result of a check that does not run because of others."""
        message = f"blocked by {', '.join(blocked_by)}"
        return self._make(self._checks[code], "blocked", message, blocked_by=blocked_by)

    def ended(self, code: str, message: str) -> CheckResult:
        """Return the result of a check during which its process ended; that is an error, whatever the level."""
        return replace(self._make(self._checks[code], "failed", message, hint=ENDED), level="error")

    def _leaves_out(self, check: Check) -> bool:
        return check.slow and not self._slow

    def _run(self, check: Check) -> CheckResult:
        if self._leaves_out(check):
            return self._make(check, "skipped", "slow; add --slow")
        blocked_by = tuple(
            code for code in check.requires if self.result(code).status in ("failed", "expected", "blocked")
        )
        if blocked_by:
            return self.blocked(check.code, *blocked_by)
        start = time.process_time()
        result = self._judge(check)
        return replace(result, seconds=time.process_time() - start)

    def _judge(self, check: Check) -> CheckResult:
        """Call the check and return its result; only a fault that nobody declared gets the hint."""
        reason = self._expected.get(check.code)
        try:
            note = self._call(check)
        except NotApplicable as error:
            return self._make(check, "skipped", str(error))
        except Fault as fault:
            if reason is None:
                return self._make(check, "failed", str(fault), hint=check.hint)
            return self._make(check, "expected", f"{reason} ({fault})")
        if reason is not None and self._strict:
            return self._make(check, "failed", f"XPASS: it passes, although expected_failures says: {reason}")
        return self._make(check, "passed", note or "")

    def _call(self, check: Check) -> str | None:
        """Call the check in isolation; an error of the plugin becomes a `Fault`."""
        with warnings.catch_warnings(), isolated():
            warnings.simplefilter("ignore")
            seed_everything(0)
            try:
                return check.function(self._subject)
            except (Fault, NotApplicable):
                raise
            except ArchbenchError as error:
                raise Fault(str(error)) from error
            except (Exception, SystemExit) as error:
                raise Fault(describe(error)) from error

    def _make(self, check: Check, status: Status, message: str, **more: Any) -> CheckResult:
        return CheckResult(
            code=check.code,
            title=check.title,
            level=check.level,
            status=status,
            message=printable(message),
            reproduce=f"benchmark check {self._selector} --only {check.code}" + (" --slow" if check.slow else ""),
            **more,
        )


def describe(error: BaseException) -> str:
    """Return an exception of the plugin on one line, with the file and line of the plugin that raised it."""
    text = " ".join("".join(traceback.format_exception_only(error)).split())
    if len(text) > LONGEST_MESSAGE:
        text = text[: LONGEST_MESSAGE - 4] + " ..."
    return f"raised {text}{_place(error.__traceback__)}"


def place_of_call() -> str:
    """Return the plugin's own innermost frame that is running, in parentheses; empty if there is none."""
    return _innermost(traceback.extract_stack())


def _place(trace: TracebackType | None) -> str:
    """Return the plugin's own innermost frame, in parentheses; empty if there is none."""
    return _innermost(traceback.extract_tb(trace))


def _innermost(stack: traceback.StackSummary) -> str:
    frames = [f for f in stack if not _is_foreign(f.filename)]
    return f" ({frames[-1].filename}:{frames[-1].lineno})" if frames else ""


def _is_foreign(filename: str) -> bool:
    """Return whether a file belongs to the suite, to a library or to Python, or is no file."""
    path = filename.replace("\\", "/")
    if path.startswith(STANDARD_LIBRARY) and "/site-packages/" not in path:
        return True
    return any(mark in path for mark in ("/archbench/", "/torch/", "/lightning/", "/numpy/", "<"))
