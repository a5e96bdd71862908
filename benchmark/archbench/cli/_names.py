"""Names on the command line that may be an architecture or a task."""

from __future__ import annotations

from typing import Any

from archbench._errors import SelectionError, UnknownNameError
from archbench._plugins import Plugins
from archbench._selection import Selected, select


def select_any(name: str, plugins: Plugins) -> list[Selected[Any]]:
    """Return the architectures, then the tasks, that a selector names; at least one.

    Raises:
        UnknownNameError: it names none.
        SelectionError: it is malformed, ambiguous, or sets a wrong option.
    """
    kinds: list[tuple[Any, str]] = [(plugins.architectures, "architecture"), (plugins.tasks, "task")]
    found: list[Selected[Any]] = []
    mistakes: list[SelectionError] = []
    for registered, kind in kinds:
        try:
            found += select([name], registered, kind)
        except SelectionError as error:
            mistakes.append(error)
    if not found:
        # A wrong option of an architecture says more than that no task has this name.
        raise next((error for error in mistakes if not isinstance(error, UnknownNameError)), mistakes[0])
    return found
