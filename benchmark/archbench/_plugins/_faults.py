"""What is wrong with a plugin, as data."""

from __future__ import annotations

import traceback

import msgspec

_LONGEST_CAUSE = 300


class Problem(msgspec.Struct, frozen=True):
    """One thing that is wrong with one plugin.

    Args:
        plugin: `distribution:entry_point`, `file:NAME`, a distribution, or a name that was asked for in vain.
        stage: `find`, `select`, `import`, `register`, `collect` or `call`.
        message: one line that says what was found and what to do; it does not repeat `plugin`.
        traceback: empty when no exception of the plugin is behind it.
        fatal: the plugin, or its part, was left out; False for a warning.
    """

    plugin: str
    stage: str
    message: str
    traceback: str = ""
    fatal: bool = True


class FaultError(Exception):
    """Why one plugin is left out. Never leaves this package: it becomes a `Problem`."""

    def __init__(self, stage: str, message: str, cause: BaseException | None = None) -> None:
        super().__init__(message)
        self.stage = stage
        self.message = message
        self.cause = cause

    def problem(self, plugin: str) -> Problem:
        """This fault as one of `plugin`."""
        details = "" if self.cause is None else "".join(traceback.format_exception(self.cause))
        return Problem(plugin, self.stage, self.message, details)


def one_line(error: BaseException) -> str:
    """The type and the text of an exception, on one line and not endless."""
    # format_exception_only survives an exception whose own __str__ raises.
    text = " ".join("".join(traceback.format_exception_only(error)).split())
    text = text.removeprefix(f"{type(error).__module__}.")
    return text if len(text) <= _LONGEST_CAUSE else text[: _LONGEST_CAUSE - 4] + " ..."
