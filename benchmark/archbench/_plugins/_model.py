"""What is known of a plugin: where to find it, what it registered, what is wrong with it."""

from __future__ import annotations

import traceback
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import msgspec

from archbench._declarations import Architecture, Task
from archbench._readers import OwnData, Reader
from archbench._records import Origin

T = TypeVar("T", bound=Architecture | Task | Reader)

_LONGEST_CAUSE = 300


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
