"""Find, check, register and call the hooks of one plugin.

Each plugin gets a `pluggy.PluginManager` of its own. So a plugin that fails half-way leaves nothing behind (pluggy 1.6
keeps the first half), a call reaches one plugin only, and the suite decides the order of calls.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import pluggy

from archbench import hookspecs
from archbench._errors import did_you_mean, nearest
from archbench._plugins._containment import is_stop
from archbench._plugins._faults import FaultError, one_line

Item = TypeVar("Item")

_PREFIX = "archbench_"
_MARK = f"{hookspecs.PROJECT}_impl"
"""The attribute by which pluggy knows a marked function."""
_METHODS = (types.FunctionType, types.MethodType, staticmethod, classmethod)

SPECS: Mapping[str, tuple[str, ...]] = {
    name: tuple(inspect.signature(spec).parameters)
    for name, spec in vars(hookspecs).items()
    if name.startswith(_PREFIX) and inspect.isfunction(spec)
}
"""Every hook and the names of its arguments."""


class _Manager(pluggy.PluginManager):
    def parse_hookimpl_opts(self, plugin: Any, name: str) -> pluggy.HookimplOpts | None:
        # pluggy 1.6 would fetch every attribute, and so trigger the deferred imports of a lazy module.
        found = _static_attribute(plugin, name)
        if not isinstance(found, _METHODS) or (type(found) is types.FunctionType and not hasattr(found, _MARK)):
            return None  # pluggy would look at each function in a slow and careful way
        return super().parse_hookimpl_opts(plugin, name)

    def parse_hookspec_opts(self, module_or_class: Any, name: str) -> Any:
        return super().parse_hookspec_opts(module_or_class, name) if name in SPECS else None


def _specifications(names: Iterable[str]) -> types.ModuleType:
    """Return the specifications of some hooks; pluggy would spend milliseconds on those that no plugin uses."""
    found = types.ModuleType(hookspecs.__name__)
    vars(found).update({name: getattr(hookspecs, name) for name in names})
    return found


def _static_attribute(plugin: object, name: str) -> object:
    if type(plugin) is types.ModuleType:  # most plugins; the way below takes 30 times as long
        return vars(plugin).get(name)
    return inspect.getattr_static(plugin, name, None)


class Hooks:
    """The registered hooks of one plugin.

    A function that is named like a hook but not marked gives a warning; a plugin without any marked function is a
    fault. This version of the suite need not know a hook that is marked `optionalhook=True`.

    Args:
        plugin: a module, or an instance of a class, with functions marked `@archbench.hookimpl`.
        name: its unique name.

    Raises:
        FaultError: the plugin has no hooks, or one that cannot work.
    """

    def __init__(self, plugin: object, name: str) -> None:
        self._manager = _Manager(hookspecs.PROJECT)
        try:
            self.names = tuple(sorted(set(self._checked(plugin))))
            if self.names:
                self._manager.add_hookspecs(_specifications(self.names))
            self.warnings = [_unmarked_message(*function) for function in self._unmarked(plugin)]
            self._manager.register(plugin, name)
            self._manager.check_pending()
        except FaultError:
            raise
        except Exception as error:
            raise FaultError("register", f"it cannot be registered: {one_line(error)}; repair it", error) from error
        if not self.names:
            advice = "; ".join(self.warnings) or "mark its hook functions, or name the module that has them"
            raise FaultError("register", f"has no function marked @archbench.hookimpl; {advice}")

    def call(self, hook: str, **arguments: Any) -> list[Any]:
        """Call the plugin's implementations of one hook and return their results; let exceptions through."""
        return list(getattr(self._manager.hook, hook)(**arguments)) if hook in self.names else []

    def collect(self, hook: str, expected: type[Item], **arguments: Any) -> list[Item]:
        """Return all items that one hook returns or yields; raise if one of them is of the wrong type.

        Raises:
            FaultError: the hook raised, at once or half-way, or gave something else.
        """
        items: list[Any] = []
        try:
            for result in self.call(hook, **arguments):
                if not isinstance(result, Iterable):
                    raise FaultError("collect", f"{hook} returned {_kind(result)}; return a list, or yield the items")
                items.extend(result)  # runs a generator here, inside the try
        except FaultError:
            raise
        except BaseException as error:
            if is_stop(error):
                raise
            raise FaultError(
                "collect", f"{hook} raised {one_line(error)}; nothing of it is registered", error
            ) from error
        for item in items:
            if not isinstance(item, expected):
                wanted = f"archbench.{expected.__name__}"
                raise FaultError("collect", f"{hook} gave {_kind(item)}; give only {wanted} objects")
        return items

    def _checked(self, plugin: object) -> Iterator[str]:
        for attribute in dir(plugin):
            options = self._manager.parse_hookimpl_opts(plugin, attribute)
            if options is None:
                continue
            hook = options.get("specname") or attribute
            if hook in SPECS:
                _check_options(hook, options)
                _check_signature(hook, getattr(plugin, attribute))
                yield hook
            elif not options.get("optionalhook"):  # with this mark the plugin allows that the suite lacks the hook
                hint = did_you_mean(hook, SPECS, otherwise=f"there are {', '.join(SPECS)}")
                raise FaultError("register", f"{hook} is not a hook; {hint}")

    def _unmarked(self, plugin: object) -> Iterator[tuple[str, str]]:
        for attribute in dir(plugin):
            if attribute.startswith(_PREFIX) and isinstance(_static_attribute(plugin, attribute), _METHODS):
                hook = attribute if attribute in SPECS else nearest(attribute, SPECS)
                if hook and self._manager.parse_hookimpl_opts(plugin, attribute) is None:
                    yield attribute, hook


def _unmarked_message(attribute: str, hook: str) -> str:
    spelling = "" if attribute == hook else f" (misspelt {hook}?)"
    return f"{attribute}{spelling} looks like a hook but is not marked @archbench.hookimpl; mark it, or rename it"


def _check_options(hook: str, options: Mapping[str, Any]) -> None:
    if options.get("wrapper") or options.get("hookwrapper"):
        raise FaultError(
            "register", f"{hook} is a wrapper; no plugin may wrap another's hooks: use plain @archbench.hookimpl"
        )
    if options.get("tryfirst") or options.get("trylast"):
        raise FaultError(
            "register", f"{hook} asks for a place in the order, which no result may depend on: drop the option"
        )


def _check_signature(hook: str, function: Any) -> None:
    parameters = inspect.signature(function).parameters.values()
    for parameter in parameters:
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise FaultError("register", f"{hook} takes {parameter}; a hook has plain arguments only")
        if parameter.default is not parameter.empty:
            why = "pluggy 1.6 never passes an argument that has one"
            raise FaultError("register", f"{hook} gives {parameter.name!r} a default value; remove it, {why}")
    unknown = [parameter.name for parameter in parameters if parameter.name not in SPECS[hook]]
    if unknown:
        allowed = ", ".join(SPECS[hook]) or "none"
        raise FaultError(
            "register", f"{hook} has the argument {unknown[0]!r}; the arguments of this hook are: {allowed}"
        )
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        raise FaultError("register", f"{hook} is async, and nothing awaits it; write it with plain def")
    if hook.startswith("archbench_trial_") and inspect.isgeneratorfunction(function):
        raise FaultError("register", f"{hook} has a yield, so its body would never run; remove the yield")


def _kind(value: object) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else f"an object of type {type(value).__name__}"
