"""The functions of a declaration: given directly, or as `"package.module:function"`, which defers the import."""

from __future__ import annotations

import pkgutil
from collections.abc import Callable
from typing import Any


def resolve(target: str | Callable[..., Any]) -> Callable[..., Any]:
    """Return the function of a target; import it if the target is a string.

    Raises:
        ImportError: there is no such module.
        AttributeError: the module has no such function.
    """
    if callable(target):
        return target
    function: Callable[..., Any] = pkgutil.resolve_name(target)
    return function
