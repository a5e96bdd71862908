"""The loaded plugins: their declarations, and the calls of their observing hooks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from archbench._declarations import Architecture, Claim, Reader, Section, Study, Task
from archbench._plugins._apart import can_fork
from archbench._plugins._discovery import BUILT_IN
from archbench._plugins._faults import Problem
from archbench._plugins._hooks import Hooks
from archbench._plugins._provenance import PluginStatus, Registered, plugin_of
from archbench._plugins._sections import Sections, make_sections
from archbench._plugins._watching import Watcher, notify
from archbench._protocols import Protocol
from archbench._records import Origin, Record, Trial

_SECTIONS = "archbench_leaderboard_sections"
_OBSERVING = {"archbench_trial_started", "archbench_trial_finished"}


@dataclass(frozen=True)
class ActivePlugin:
    """A plugin that was loaded, with its hooks."""

    name: str
    origin: Origin
    hooks: Hooks

    @property
    def is_foreign(self) -> bool:
        """True unless the plugin is one of the suite's own."""
        return self.origin.distribution != BUILT_IN


@dataclass(frozen=True, eq=False)
class Plugins:
    """The plugins that could be loaded, their items, the problems of the others, and the names that were blocked."""

    architectures: tuple[Registered[Architecture], ...] = ()
    tasks: tuple[Registered[Task], ...] = ()
    readers: tuple[Registered[Reader], ...] = ()
    studies: tuple[Registered[Study], ...] = ()
    claims: tuple[Registered[Claim], ...] = ()
    protocols: tuple[Registered[Protocol], ...] = ()
    problems: tuple[Problem, ...] = ()
    statuses: tuple[PluginStatus, ...] = ()
    blocked: tuple[str, ...] = ()
    _active: tuple[ActivePlugin, ...] = field(default=(), repr=False)
    _reported: set[tuple[str, str]] = field(default_factory=set, repr=False)
    _watchers: dict[str, Watcher] = field(default_factory=dict, repr=False)

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """Meanwhile, call the observing hooks of strangers in processes of their own, which no hook can outlive.

        The caller must have no other thread; otherwise, hooks are called in this process.
        """
        if can_fork():
            observing = [active for active in self._active if active.is_foreign and _OBSERVING & {*active.hooks.names}]
            self._watchers.update({active.name: Watcher(active.name, active.hooks) for active in observing})
        try:
            yield
        finally:
            for watcher in self._watchers.values():
                watcher.close()
            self._watchers.clear()

    @property
    def may_change_pages(self) -> bool:
        """True if a plugin adds sections to the page, or a stranger's hooks hear of trials and may do anything."""
        return any(
            _SECTIONS in active.hooks.names or (active.is_foreign and _OBSERVING & {*active.hooks.names})
            for active in self._active
        )

    def items(self) -> tuple[Registered[Any], ...]:
        """Return the items of all kinds."""
        named: tuple[Registered[Any], ...] = (*self.architectures, *self.tasks, *self.readers)
        return (*named, *self.studies, *self.claims, *self.protocols)

    def states(self) -> list[Any]:
        """Return what tells these plugins from others and from other versions of themselves, as data for JSON.

        Raises:
            OSError: the source of a plugin cannot be read.
        """
        each = {item.source: item for item in self.items()}.values()
        unlike = {"import_milliseconds": None, "imported_torch": False}  # differ from one start to the next
        statuses = [msgspec.structs.replace(status, **unlike) for status in self.statuses]
        return [statuses, [(plugin_of(item), item.fingerprint) for item in each]]

    def trial_started(self, trial: Trial) -> list[Problem]:
        """Call the hook of every plugin; return one problem for each hook that raises for the first time."""
        return self._notify("archbench_trial_started", trial=trial)

    def trial_finished(self, trial: Trial, record: Record) -> list[Problem]:
        """Call the hook of every plugin; return one problem for each hook that raises for the first time."""
        return self._notify("archbench_trial_finished", trial=trial, record=record)

    def leaderboard_sections(self, records: Sequence[Record]) -> tuple[list[tuple[Origin, Section]], list[Problem]]:
        """Return the sections of each plugin with their provider; a faulty plugin loses all of its sections."""
        sections: list[tuple[Origin, Section]] = []
        problems = []
        for active in self._active:
            found, problem = self._ask_for_sections(active, tuple(records))
            sections += [(active.origin, section) for section in found]
            problems += [problem] if problem else []
        return sections, problems

    def _ask_for_sections(self, active: ActivePlugin, records: tuple[Record, ...]) -> Sections:
        if _SECTIONS not in active.hooks.names:
            return [], None
        watcher = self._watchers.get(active.name)
        if watcher is None and active.is_foreign and can_fork():
            watcher = Watcher(active.name, active.hooks)
            with contextlib.closing(watcher):
                return watcher.sections(records)
        return watcher.sections(records) if watcher else make_sections(active.name, active.hooks, records)

    def _notify(self, hook: str, **arguments: Any) -> list[Problem]:
        problems = []
        for active in self._active:
            if hook not in active.hooks.names:
                continue
            watcher = self._watchers.get(active.name)
            found = watcher.notify(hook, arguments) if watcher else notify(active.name, active.hooks, hook, arguments)
            if found and (active.name, hook) not in self._reported:
                self._reported.add((active.name, hook))
                problems.append(found)
        return problems


def describe(plugins: Plugins) -> list[dict[str, Any]]:
    """Return each plugin as plain data for `benchmark plugins --json`, with the problems that name it."""
    described = []
    for status in plugins.statuses:
        mine = [p for p in plugins.problems if p.plugin in (status.name, status.origin.distribution)]
        described.append({**msgspec.to_builtins(status), "problems": msgspec.to_builtins(mine)})
    return described
