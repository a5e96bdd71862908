"""Where a plugin comes from, how to load it again, and what it registered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import msgspec

from archbench._declarations import Architecture, OwnData, Reader, Task
from archbench._records import Origin

T = TypeVar("T", bound=Architecture | Task | Reader)


class PluginSource(msgspec.Struct, frozen=True, kw_only=True):
    """How another process loads just this plugin again.

    Args:
        distribution: normalised name of the distribution, or the file name of a one-file plugin.
        entry_point: name of its entry point; empty for a file.
        value: what the entry point names, `module` or `module:attribute`; empty for a file.
        path: absolute path of a one-file plugin; else empty.
    """

    distribution: str
    entry_point: str = ""
    value: str = ""
    path: str = ""


class PluginStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `benchmark plugins`.

    Args:
        name: `distribution:entry_point` or `file:NAME`.
        origin: where it came from.
        status: `active`, or why it is not: `blocked` and `incompatible` plugins were never imported.
        architectures, tasks, readers: the names it registered.
        hooks: the hooks it implements.
        import_milliseconds: time its import took; None when it was not imported.
        imported_torch: loading it imported torch, which nothing had imported before.
        message: why it is not active; else empty.
    """

    name: str
    origin: Origin
    status: Literal["active", "blocked", "incompatible", "failed"]
    architectures: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    import_milliseconds: float | None = None
    imported_torch: bool = False
    message: str = ""


@dataclass(frozen=True)
class Registered(Generic[T]):
    """An architecture, a task or a reader together with its provider.

    Args:
        item: what was declared.
        origin: who declared it.
        source: how to load the provider again.
        fingerprint: the first 12 hex digits of the SHA-256 of a one-file plugin; else empty.
        own_data: the files that the task was made from; None for a declared task.
    """

    item: T
    origin: Origin
    source: PluginSource
    fingerprint: str = ""
    own_data: OwnData | None = None

    @property
    def canonical(self) -> str:
        """`distribution/name@revision`."""
        return f"{self.origin.distribution}/{self.item.name}@{self.item.revision}"
