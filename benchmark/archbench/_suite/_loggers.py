"""Which libraries the loggers of a run need."""

from __future__ import annotations

from importlib.util import find_spec
from typing import get_args

from archbench._errors import SelectionError


def require_logger(name: str) -> None:
    """Check that a logger is known and its library installed.

    Raises:
        SelectionError: it is not.
    """
    from archbench._planning import LoggerName

    allowed = get_args(LoggerName)
    if name not in allowed:
        raise SelectionError(f"`logger` is {name!r}; give one of {', '.join(allowed)}")
    if name != "csv" and find_spec(name) is None:
        raise SelectionError(
            f"the logger {name} needs the library {name}, which is not installed; run pip install 'archbench[{name}]'"
        )
