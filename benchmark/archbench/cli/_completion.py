"""Names for the completion of shells: what typer asks for when the Tab key is pressed. It loads the plugins.

A plugin that cannot be loaded is silent here: there is no place to complain while somebody types.
"""

from __future__ import annotations

from collections.abc import Iterable

from archbench._plugins import Plugins, load_plugins, plugins_from_environment


def _plugins() -> Plugins:
    return load_plugins(only=plugins_from_environment())


def _matching(names: Iterable[str], begun: str) -> list[str]:
    return sorted({name for name in names if name.startswith(begun)})


def _architectures(plugins: Plugins) -> list[str]:
    return [name for each in plugins.architectures for name in (each.item.name, *each.item.variants)]


def _tasks(plugins: Plugins) -> list[str]:
    return [name for each in plugins.tasks for name in (each.item.name, *each.item.variants)]


def complete_entrant(incomplete: str) -> list[str]:
    """Return the architectures, their variants and the studies that begin so."""
    plugins = _plugins()
    return _matching(["all", *_architectures(plugins), *(each.item.name for each in plugins.studies)], incomplete)


def complete_task(incomplete: str) -> list[str]:
    """Return the tasks and their variants, and the schemes of own data, that begin so."""
    plugins = _plugins()
    schemes = [f"{each.item.scheme}:" for each in plugins.readers]
    return _matching(["all", *_tasks(plugins), *schemes], incomplete)


def complete_protocol(incomplete: str) -> list[str]:
    """Return the protocols that begin so."""
    from archbench._protocols import protocols

    return _matching([rules.name for rules in (*protocols(), *(p.item for p in _plugins().protocols))], incomplete)


def complete_any(incomplete: str) -> list[str]:
    """Return the architectures, tasks, protocols and readers that begin so."""
    plugins = _plugins()
    readers = [each.item.scheme for each in plugins.readers]
    names = [*_architectures(plugins), *_tasks(plugins), *readers, *complete_protocol(incomplete)]
    return _matching(names, incomplete)
