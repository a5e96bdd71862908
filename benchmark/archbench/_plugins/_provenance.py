"""Provenance: the source and status of a plugin, and its items together with their provider."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, Literal, TypeVar

import msgspec

from archbench._declarations import Architecture, Claim, OwnData, Reader, Study, Task
from archbench._protocols import Protocol
from archbench._records import Origin

T = TypeVar("T", bound=Architecture | Task | Reader | Study | Claim | Protocol)


class PluginSource(msgspec.Struct, frozen=True, kw_only=True):
    """The source of one plugin, with which another process can load it again.

    Args:
        distribution: normalised name of the distribution, or the file name of a one-file plugin.
        entry_point: name of its entry point; empty for a file.
        value: the target of the entry point, `module` or `module:attribute`; empty for a file.
        path: absolute path of a one-file plugin; else empty.
    """

    distribution: str
    entry_point: str = ""
    value: str = ""
    path: str = ""

    @property
    def option(self) -> str:
        """` --plugin FILE` for a command that users may copy, relative to this folder if it lies below; else empty."""
        path, here = Path(self.path), Path.cwd()
        path = path.relative_to(here) if path.is_relative_to(here) else path
        return f" --plugin {shlex.quote(str(path))}" if self.path else ""


class PluginStatus(msgspec.Struct, frozen=True, kw_only=True):
    """The status of one plugin: a line of `benchmark plugins`.

    Args:
        name: `distribution:entry_point` or `file:NAME`.
        origin: the provider.
        status: `active`, or why it is not: `blocked` and `incompatible` plugins were never imported.
        architectures, tasks, readers, studies, claims, protocols: the names it registered.
        hooks: the hooks it implements.
        import_milliseconds: duration of its import; None if it was not imported.
        imported_torch: it was the first to import torch.
        message: why it is not active; else empty.
    """

    name: str
    origin: Origin
    status: Literal["active", "blocked", "incompatible", "failed"]
    architectures: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    readers: tuple[str, ...] = ()
    studies: tuple[str, ...] = ()
    claims: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    hooks: tuple[str, ...] = ()
    import_milliseconds: float | None = None
    imported_torch: bool = False
    message: str = ""


def no_fingerprint() -> str:
    """Return the fingerprint of a plugin whose version or revision tells its states apart: an empty text."""
    return ""


@dataclass(frozen=True)
class Registered(Generic[T]):
    """A declared item, such as an architecture, together with its provider.

    Args:
        item: the declaration.
        origin: the provider.
        source: how to load the provider again.
        take_fingerprint: reads the source of the provider; called only when somebody asks for `fingerprint`.
        own_data: the files that the task was made from; None for a declared task.
    """

    item: T
    origin: Origin
    source: PluginSource
    take_fingerprint: Callable[[], str] = field(default=no_fingerprint, compare=False, repr=False)
    own_data: OwnData | None = None

    @property
    def fingerprint(self) -> str:
        """A hash of the source of a one-file plugin or an editable installation; empty where a version names it."""
        return self.take_fingerprint()

    @property
    def foreign(self) -> bool:
        """True unless the item is one of the suite's own."""
        return self.origin.distribution != "archbench" or bool(self.source.path)

    @property
    def canonical(self) -> str:
        """The full name, `distribution/name@revision`."""
        return f"{self.origin.distribution}/{self.item.name}@{self.item.revision}"


def plugin_of(registered: Registered[T]) -> str:
    """Return the name of the plugin that registered an item, as problems and `benchmark plugins` have it."""
    source = registered.source
    return f"file:{source.distribution}" if source.path else f"{source.distribution}:{source.entry_point}"
