"""Faults of plugins, as exceptions inside this package and as data outside it."""

from __future__ import annotations

import traceback

import msgspec

from archbench._records import printable

_LONGEST_CAUSE = 300


class Problem(msgspec.Struct, frozen=True):
    """One fault of one plugin, or a warning about it.

    Args:
        plugin: `distribution:entry_point`, `file:NAME`, a distribution, a name that no plugin answers to, or `records`
            where any plugin may have done it.
        stage: `find`, `select`, `import`, `register`, `collect` or `call`, `train` for what a trial did to
            records, or `compare` for records that do not fit the others.
        message: one line that says what was found and what to do; it does not repeat `plugin`.
        traceback: the traceback of the plugin's exception; empty if there was none.
        fatal: the plugin, or a part of it, was left out; False for a warning.
    """

    plugin: str
    stage: str
    message: str
    traceback: str = ""
    fatal: bool = True


class FaultError(Exception):
    """Raised when one plugin must be left out; it never leaves this package, but becomes a `Problem`."""

    def __init__(self, stage: str, message: str, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.stage = stage
        self.message = message
        self.cause = cause

    def problem(self, plugin: str) -> Problem:
        """Return this fault as a problem of `plugin`."""
        details = "" if self.cause is None else "".join(traceback.format_exception(self.cause))
        return Problem(plugin, self.stage, self.message, printable(details))


def one_line(error: BaseException) -> str:
    """Return the type and the text of an exception, cut to one line of at most 300 characters."""
    # format_exception_only survives an exception whose own __str__ raises.
    text = printable(" ".join("".join(traceback.format_exception_only(error)).split()))
    text = text.removeprefix(f"{type(error).__module__}.")
    return text if len(text) <= _LONGEST_CAUSE else text[: _LONGEST_CAUSE - 4] + " ..."
