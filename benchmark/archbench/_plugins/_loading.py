"""Loading all plugins, or just one: every fault stays with the plugin that has it."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from archbench._declarations import Architecture, Reader, Section, Task, TaskInfo, convert_options
from archbench._errors import PluginError
from archbench._plugins._discovery import Candidate, find_candidates, refusal, unmatched, unmet_requirement
from archbench._plugins._faults import FaultError, Problem, one_line
from archbench._plugins._hooks import Hooks
from archbench._plugins._importing import Importable, from_entry_point, from_file, import_plugin
from archbench._plugins._provenance import PluginSource, PluginStatus, Registered, T
from archbench._records import Origin, Record, Trial


@dataclass(frozen=True)
class _Active:
    name: str
    origin: Origin
    hooks: Hooks


@dataclass(frozen=True, eq=False)
class Plugins:
    """The plugins that could be loaded, what they registered, and what is wrong with the others."""

    architectures: tuple[Registered[Architecture], ...] = ()
    tasks: tuple[Registered[Task], ...] = ()
    readers: tuple[Registered[Reader], ...] = ()
    problems: tuple[Problem, ...] = ()
    statuses: tuple[PluginStatus, ...] = ()
    _active: tuple[_Active, ...] = field(default=(), repr=False)
    _reported: set[tuple[str, str]] = field(default_factory=set, repr=False)

    def trial_started(self, trial: Trial) -> list[Problem]:
        """Tell all observers. A faulty one disturbs nobody, and is reported the first time only."""
        return self._notify("archbench_trial_started", trial=trial)

    def trial_finished(self, trial: Trial, record: Record) -> list[Problem]:
        """Tell all observers, whatever the status. A faulty one disturbs nobody, and is reported once."""
        return self._notify("archbench_trial_finished", trial=trial, record=record)

    def leaderboard_sections(self, records: Sequence[Record]) -> tuple[list[tuple[Origin, Section]], list[Problem]]:
        """The sections of each plugin with their provider; a faulty plugin loses all of its own."""
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


def load_plugins(
    *, files: Sequence[Path] = (), blocked: Sequence[str] = (), only: Sequence[str] | None = None
) -> Plugins:
    """Load every installed plugin that is allowed, and these files.

    A plugin that cannot be loaded becomes a `Problem`; all others still load. The order is that of distribution
    and entry-point names, files last.

    Args:
        files: one-file plugins. The lists below do not concern them: they were asked for.
        blocked: distributions, entry points, or `distribution:entry_point`, not to be imported at all.
        only: if given, of the plugins outside `archbench` only these are imported. The built-ins stay; they can
            be blocked, one by one or as `archbench`.

    Raises:
        PluginError: one of the files cannot be loaded.
    """
    candidates, problems = find_candidates()
    problems += unmatched(blocked, candidates, "asked to block")
    problems += unmatched(only or (), candidates, "the allow-list has")
    loader = _Loader(problems)
    for candidate in candidates:
        loader.consider(candidate, refusal(candidate, blocked, only))
    for importable in _open_files(files):
        loader.demand(importable)
    return loader.result()


def load_source(source: PluginSource, expected: Origin) -> Plugins:
    """Load one plugin again, in a worker.

    Raises:
        PluginError: it is not there, does not load, or is not the one that the plan was made with.
    """
    importable = from_file(Path(source.path)) if source.path else _installed(source)
    if importable.origin != expected or importable.source != source:
        raise PluginError(
            f"plugin {importable.name} is {_version(importable.origin)} {importable.source.value} in this process, but "
            f"the run was planned with {_version(expected)} {source.value}; use one environment for both"
        )
    loader = _Loader([])
    loader.demand(importable)
    return loader.result()


def describe(plugins: Plugins) -> list[dict[str, Any]]:
    """Each plugin as plain data for `benchmark plugins --json`, with the problems that name it."""
    described = []
    for status in plugins.statuses:
        mine = [p for p in plugins.problems if p.plugin in (status.name, status.origin.distribution)]
        described.append({**msgspec.to_builtins(status), "problems": msgspec.to_builtins(mine)})
    return described


class _Loader:
    """Admits one plugin after the other, each whole or not at all."""

    def __init__(self, problems: list[Problem]) -> None:
        self._problems = problems
        self._statuses: list[PluginStatus] = []
        self._architectures: list[Registered[Architecture]] = []
        self._tasks: list[Registered[Task]] = []
        self._readers: list[Registered[Reader]] = []
        self._active: list[_Active] = []
        self._claimed: dict[tuple[str, str, str], str] = {}

    def result(self) -> Plugins:
        """What was admitted so far."""
        return Plugins(
            tuple(self._architectures),
            tuple(self._tasks),
            tuple(self._readers),
            tuple(self._problems),
            tuple(self._statuses),
            tuple(self._active),
        )

    def consider(self, candidate: Candidate, refused: str) -> None:
        """Load an installed plugin, unless the user's lists or its own requirements forbid it."""
        if refused:
            self._statuses.append(
                PluginStatus(name=candidate.name, origin=candidate.origin, status="blocked", message=refused)
            )
        elif unmet := unmet_requirement(candidate):
            self._problems.append(Problem(candidate.name, "select", unmet))
            self._statuses.append(
                PluginStatus(name=candidate.name, origin=candidate.origin, status="incompatible", message=unmet)
            )
        else:
            self._admit(from_entry_point(candidate))

    def demand(self, importable: Importable) -> None:
        """Load a plugin that was asked for; raise a `PluginError` if that fails."""
        fault = self._admit(importable)
        if fault is not None:
            where = importable.source.path or importable.name
            raise PluginError(f"plugin {where}: {fault.message}") from fault.cause

    def _admit(self, importable: Importable) -> FaultError | None:
        had_torch = "torch" in sys.modules
        milliseconds = None
        try:
            # What a plugin prints while it is loaded must not end up in the output of `--json`.
            with contextlib.redirect_stdout(sys.stderr):
                imported = import_plugin(importable)
                milliseconds = imported.milliseconds
                hooks = Hooks(imported.plugin, importable.name)
                architectures = hooks.collect("archbench_architectures", Architecture)
                tasks = hooks.collect("archbench_tasks", Task)
                readers = hooks.collect("archbench_readers", Reader)
                _check_descriptions(tasks)
            _check_own_module(importable, [*architectures, *tasks, *readers])
            claims = self._claims(importable, architectures, tasks, readers)
        except FaultError as fault:
            self._problems.append(fault.problem(importable.name))
            self._record(importable, "failed", milliseconds, had_torch, message=fault.message)
            return fault
        self._claimed |= claims
        self._architectures += _registered(importable, architectures)
        self._tasks += _registered(importable, tasks)
        self._readers += _registered(importable, readers)
        self._active.append(_Active(importable.name, importable.origin, hooks))
        names = {
            "architectures": tuple(a.name for a in architectures),
            "tasks": tuple(t.name for t in tasks),
            "readers": tuple(r.scheme for r in readers),
        }
        self._record(importable, "active", milliseconds, had_torch, hooks=hooks.names, **names)
        self._problems += [Problem(importable.name, "register", text, fatal=False) for text in hooks.warnings]
        return None

    def _record(
        self, importable: Importable, status: Any, milliseconds: float | None, had_torch: bool, **more: Any
    ) -> None:
        torch = not had_torch and "torch" in sys.modules
        if torch:
            message = (
                "imports torch when it is loaded, which delays every command; import torch inside build, or give "
                "build as 'module:function'"
            )
            self._problems.append(Problem(importable.name, "import", message, fatal=False))
        self._statuses.append(
            PluginStatus(
                name=importable.name,
                origin=importable.origin,
                status=status,
                import_milliseconds=milliseconds,
                imported_torch=torch,
                **more,
            )
        )

    def _claims(
        self,
        importable: Importable,
        architectures: Sequence[Architecture],
        tasks: Sequence[Task],
        readers: Sequence[Reader],
    ) -> dict[tuple[str, str, str], str]:
        """The names that this plugin takes within its distribution: of items and of their variants."""
        claims: dict[tuple[str, str, str], str] = {}
        kinds: list[tuple[str, Sequence[Architecture | Task | Reader]]] = [
            ("architecture", architectures),
            ("task", tasks),
            ("reader", readers),
        ]
        for kind, items in kinds:
            for name, holder in _names(kind, items):
                key = (kind, importable.origin.distribution, name)
                claim = f"{holder} of {importable.name}"
                rival = self._claimed.get(key) or claims.get(key)
                if rival:
                    raise FaultError(
                        "collect",
                        f"{claim} clashes with {rival}: a distribution may use a name once; rename one of them",
                    )
                claims[key] = claim
        return claims


def _names(kind: str, items: Sequence[Architecture | Task | Reader]) -> Iterator[tuple[str, str]]:
    for item in items:
        yield item.name, f"{kind} {item.name!r}"
        for variant in item.variants:
            yield variant, f"variant {variant!r} of {kind} {item.name!r}"


def _registered(importable: Importable, items: Sequence[T]) -> list[Registered[T]]:
    return [Registered(item, importable.origin, importable.source, importable.fingerprint) for item in items]


def _check_descriptions(tasks: Sequence[Task]) -> None:
    """A task that cannot say what it is would stop every plan it is in."""
    for task in tasks:
        try:
            info = task.describe(convert_options(task, {}))
        except Exception as error:
            raise FaultError("collect", f"info of task {task.name!r} raised {one_line(error)}", error) from error
        if not isinstance(info, TaskInfo):
            raise FaultError("collect", f"info of task {task.name!r} returned {info!r}, not an archbench.TaskInfo")


def _check_own_module(importable: Importable, items: Sequence[Architecture | Task | Reader]) -> None:
    """A one-file plugin cannot be imported by its file name, so a string that tries to would fail in training."""
    for item in items if importable.source.path else ():
        targets: list[object] = [item.build if isinstance(item, Architecture) else item.load]
        targets += [item.inspect] if isinstance(item, Reader) else []
        for target in targets:
            if isinstance(target, str) and target.partition(":")[0] == Path(importable.source.path).stem:
                raise FaultError(
                    "collect",
                    f"{item.name!r} names {target!r}, but a one-file plugin is not importable by its name; "
                    "give the function itself",
                )


def _check_sections(sections: Sequence[Section]) -> None:
    for section in sections:
        texts = [section.title, section.text, *section.columns, *(cell for row in section.rows for cell in row)]
        if not all(isinstance(text, str) for text in texts):
            raise FaultError("collect", f"section {section.title!r}: title, text, columns and cells must all be text")
        if any(len(row) != len(section.columns) for row in section.rows):
            raise FaultError(
                "collect", f"section {section.title!r}: each row needs {len(section.columns)} cells, as columns"
            )


def _open_files(files: Sequence[Path]) -> list[Importable]:
    opened: dict[str, Importable] = {}
    for importable in map(from_file, files):
        rival = opened.setdefault(importable.name, importable)
        if rival.source.path != importable.source.path:
            raise PluginError(
                f"plugin files {rival.source.path} and {importable.source.path} have one name, by which records tell "
                "plugins apart; rename one"
            )
    return list(opened.values())


def _installed(source: PluginSource) -> Importable:
    for candidate in find_candidates()[0]:
        if (candidate.origin.distribution, candidate.entry_point.name) == (source.distribution, source.entry_point):
            return from_entry_point(candidate)
    raise PluginError(
        f"plugin {source.distribution}:{source.entry_point} is not installed for {sys.executable}; "
        "install it there, or run on machines that have it"
    )


def _version(origin: Origin) -> str:
    commit = f" at commit {origin.commit}" if origin.commit else ""
    return f"{origin.distribution} {origin.version}{' (editable)' if origin.editable else ''}{commit}"
