"""The loaded plugins: their declarations, and the calls of their observing hooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from archbench._declarations import Architecture, Claim, Reader, Section, Study, Task
from archbench._plugins._faults import FaultError, Problem, one_line
from archbench._plugins._hooks import Hooks
from archbench._plugins._provenance import PluginStatus, Registered
from archbench._records import Origin, Record, Trial


@dataclass(frozen=True)
class ActivePlugin:
    """A plugin that was loaded, with its hooks."""

    name: str
    origin: Origin
    hooks: Hooks


@dataclass(frozen=True, eq=False)
class Plugins:
    """The plugins that could be loaded, the items that they registered, and the problems of the others."""

    architectures: tuple[Registered[Architecture], ...] = ()
    tasks: tuple[Registered[Task], ...] = ()
    readers: tuple[Registered[Reader], ...] = ()
    studies: tuple[Registered[Study], ...] = ()
    claims: tuple[Registered[Claim], ...] = ()
    problems: tuple[Problem, ...] = ()
    statuses: tuple[PluginStatus, ...] = ()
    _active: tuple[ActivePlugin, ...] = field(default=(), repr=False)
    _reported: set[tuple[str, str]] = field(default_factory=set, repr=False)

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
            try:
                found = active.hooks.collect("archbench_leaderboard_sections", Section, records=tuple(records))
                _check_sections(found)
                sections += [(active.origin, section) for section in found]
            except FaultError as fault:
                problems.append(fault.problem(active.name))
        return sections, problems

    def _notify(self, hook: str, **arguments: Any) -> list[Problem]:
        problems = []
        for active in self._active:
            try:
                active.hooks.call(hook, **arguments)
            except (Exception, SystemExit) as error:
                if (active.name, hook) not in self._reported:
                    self._reported.add((active.name, hook))
                    message = f"{hook} raised {one_line(error)}; the run goes on, further errors of it are not shown"
                    problems.append(FaultError("call", message, error).problem(active.name))
        return problems


def describe(plugins: Plugins) -> list[dict[str, Any]]:
    """Return each plugin as plain data for `benchmark plugins --json`, with the problems that name it."""
    described = []
    for status in plugins.statuses:
        mine = [p for p in plugins.problems if p.plugin in (status.name, status.origin.distribution)]
        described.append({**msgspec.to_builtins(status), "problems": msgspec.to_builtins(mine)})
    return described


def _check_sections(sections: Sequence[Section]) -> None:
    for section in sections:
        texts = [section.title, section.text, *section.columns, *(cell for row in section.rows for cell in row)]
        if not all(isinstance(text, str) for text in texts):
            raise FaultError("collect", f"section {section.title!r}: title, text, columns and cells must all be text")
        if any(len(row) != len(section.columns) for row in section.rows):
            raise FaultError(
                "collect", f"section {section.title!r}: each row needs {len(section.columns)} cells, as columns"
            )
