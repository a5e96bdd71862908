"""Functions that a declaration names: given as such, or as `"package.module:function"`, which defers the import."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from typing import Any


def resolve(target: str | Callable[..., Any]) -> Callable[..., Any]:
    """Return the function itself; one that is named is imported.

    Raises:
        ImportError, AttributeError: there is no such module, or it has no such function.
    """
    if callable(target):
        return target
    function: Callable[..., Any] = pkgutil.resolve_name(target)
    return function
