"""Look-up of studies and claims by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from archbench._declarations import Claim, Study
from archbench._errors import SelectionError, UnknownNameError, did_you_mean
from archbench._plugins import Plugins, Registered

Named = TypeVar("Named", Study, Claim)


def choose(names: Sequence[str], available: Sequence[Registered[Named]], what: str) -> list[Registered[Named]]:
    """Return the studies or claims of these names, each once, in their order.

    Args:
        names: `NAME`, or `DISTRIBUTION/NAME` where two distributions use one name.
        available: the registered ones.
        what: `study` or `claim`, for messages.

    Raises:
        UnknownNameError: there is none of a name.
        SelectionError: there are several.
    """
    chosen = {registered.canonical: registered for name in names for registered in [_choose(name, available, what)]}
    return list(chosen.values())


def names_study(name: str, plugins: Plugins) -> bool:
    """Return whether a name is that of a study."""
    return any(name in _names(registered) for registered in plugins.studies)


def full_name(registered: Registered[Named]) -> str:
    """Return `DISTRIBUTION/NAME`, which no other study or claim has."""
    return f"{registered.origin.distribution}/{registered.item.name}"


def _choose(name: str, available: Sequence[Registered[Named]], what: str) -> Registered[Named]:
    found = [registered for registered in available if name in _names(registered)]
    if len(found) == 1:
        return found[0]
    if found:
        full = " and ".join(full_name(registered) for registered in found)
        raise SelectionError(f"{name!r} is ambiguous: {full}; write the one that you mean in full")
    known = [registered.item.name for registered in available]
    hint = did_you_mean(name, known, otherwise=f"there are {', '.join(sorted(known)) or 'none'}")
    raise UnknownNameError(f"no {what} {name!r}; {hint}")


def _names(registered: Registered[Named]) -> tuple[str, str]:
    return registered.item.name, full_name(registered)
