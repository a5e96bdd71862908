"""Load all plugins, or a single one again in a worker."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from archbench._errors import PluginError
from archbench._plugins._admission import Loader
from archbench._plugins._checked import try_loading
from archbench._plugins._discovery import find_candidate, find_candidates, refusal, unmatched, unmet_requirement
from archbench._plugins._importing import Importable, from_entry_point, from_file
from archbench._plugins._loaded import Plugins
from archbench._plugins._provenance import PluginSource
from archbench._records import Origin


def load_plugins(
    *, files: Sequence[Path] = (), blocked: Sequence[str] = (), only: Sequence[str] | None = None
) -> Plugins:
    """Load every installed plugin that is allowed, and these files.

    A plugin that cannot be loaded becomes a `Problem`; all others still load. The order is that of distribution
    and entry-point names, the built-ins first and files last.

    Args:
        files: one-file plugins; the user asked for them, so the two lists below do not apply to them.
        blocked: distributions, entry points, or `distribution:entry_point`, not to be imported at all.
        only: if given, of the plugins outside `archbench` only these are imported. The built-ins stay; they can
            be blocked, one by one or as `archbench`.

    Raises:
        PluginError: one of the files cannot be loaded.
    """
    candidates, problems = find_candidates()
    problems += unmatched(blocked, candidates, "asked to block")
    problems += unmatched(only or (), candidates, "the allow-list has")
    refused = [refusal(candidate, blocked, only) for candidate in candidates]
    named = _open_files(files)
    may_load = [c for c, reason in zip(candidates, refused, strict=True) if not reason and not unmet_requirement(c)]
    loader = Loader(problems, try_loading([*map(from_entry_point, may_load), *named]))
    for candidate, reason in zip(candidates, refused, strict=True):
        loader.consider(candidate, reason)
    for importable in named:
        loader.demand(importable)
    return replace(loader.result(), blocked=tuple(blocked))


def load_source(source: PluginSource, expected: Origin) -> Plugins:
    """Load one plugin again, in a worker.

    Raises:
        PluginError: it is not installed, does not load, or is not the plugin that the run was planned with.
    """
    importable = from_file(Path(source.path)) if source.path else _installed(source)
    if importable.origin != expected or importable.source != source:
        raise PluginError(
            f"plugin {importable.name} is {_version(importable.origin)} {importable.source.value} in this process, but "
            f"the run was planned with {_version(expected)} {source.value}; use one environment for both"
        )
    loader = Loader()
    loader.demand(importable)
    return loader.result()


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
    candidate = find_candidate(source.distribution, source.entry_point)
    if candidate is None:
        raise PluginError(
            f"plugin {source.distribution}:{source.entry_point} is not installed for {sys.executable}; "
            "install it there, or run on machines that have it"
        )
    return from_entry_point(candidate)


def _version(origin: Origin) -> str:
    commit = f" at commit {origin.commit}" if origin.commit else ""
    return f"{origin.distribution} {origin.version}{' (editable)' if origin.editable else ''}{commit}"
