"""One call of a function of a plugin, in a process of its own and with a time limit; its answer comes back as JSON."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from archbench import _errors
from archbench._plugins._apart import Apart, Gone, Unsent, can_fork
from archbench._plugins._containment import is_stop
from archbench._plugins._faults import one_line

T = TypeVar("T")


class CallError(Exception):
    """A call that gave nothing; its text says why."""


def plain(value: Any) -> Any:
    """Return a number or an array of another library, such as numpy, as numbers of Python.

    Raises:
        TypeError: it is neither.
    """
    if not callable(getattr(value, "tolist", None)):
        raise TypeError(f"{type(value).__name__} is neither a number nor a text")
    return value.tolist()


class _Answer(msgspec.Struct):
    """The answer of the process.

    Args:
        value: what the function returned, as JSON; null if it raised.
        error: name of the error of the suite that it raised; empty if it raised another one.
        text: of the error, or why the value cannot be used.
    """

    value: msgspec.Raw = msgspec.Raw(b"null")
    error: str = ""
    text: str = ""


def call_apart(function: Callable[[], object], kind: type[T], *, foreign: bool) -> T:
    """Return what a function of a plugin returns.

    Args:
        function: without arguments. Beside other threads it is pickled, with `Registered` items by name: make it with
            `functools.partial` from a function of a module.
        kind: the class of what it must return: plain data, that is a text, a struct or a dataclass of such.
        foreign: the plugin is none of the suite's own; it is then called in another process.

    Raises:
        CallError: it raised, returned something else, ended its process, or took too long.
        ArchbenchError: it raised such an error, which is meant for the user.
    """
    if not foreign:
        return _call(function, kind)
    try:
        return _read(_ask(function, kind), kind)
    except Gone as gone:
        raise CallError(f"it {gone}") from None
    except Unsent as unsent:
        raise CallError(f"beside other threads it must be called in a process of its own: {unsent}") from None


def _ask(function: Callable[[], object], kind: type[Any]) -> bytes:
    """Return the answer of another process; raise `Gone` or `Unsent` without one."""
    if can_fork():
        copy = Apart(lambda _: _answer(function, kind))
        ask = functools.partial(copy.ask, b"call")
    else:
        from archbench._plugins._spawned import Spawned  # takes milliseconds, and is seldom needed

        copy = new = Spawned()
        ask = functools.partial(new.call, functools.partial(_answer, function, kind))
    try:
        return ask()
    finally:
        copy.kill()


def _call(function: Callable[[], object], kind: type[T]) -> T:
    try:
        found = function()
    except _errors.ArchbenchError:
        raise
    except BaseException as error:
        if is_stop(error):
            raise
        raise CallError(one_line(error)) from error
    if not isinstance(found, kind):
        raise CallError(f"it returned {type(found).__name__}, not {_name(kind)}")
    return found


def _answer(function: Callable[[], object], kind: type[Any]) -> bytes:
    return msgspec.json.encode(_describe(function, kind))


def _describe(function: Callable[[], object], kind: type[Any]) -> _Answer:
    try:
        return _Answer(value=msgspec.Raw(msgspec.json.encode(_call(function, kind), enc_hook=plain)))
    except _errors.ArchbenchError as error:
        return _Answer(error=type(error).__name__, text=str(error))
    except CallError as error:
        return _Answer(text=str(error))
    except Exception as error:  # what it returned is no plain data
        return _Answer(text=f"it returned {_name(kind)} with something that is no plain data: {one_line(error)}")


def _read(data: bytes, kind: type[T]) -> T:
    answer = msgspec.json.decode(data, type=_Answer)
    if answer.error:
        known = getattr(_errors, answer.error, _errors.PluginError)
        raise known(answer.text)
    if answer.text:
        raise CallError(answer.text)
    try:
        return msgspec.json.decode(answer.value, type=kind)
    except msgspec.ValidationError as error:
        raise CallError(f"it returned {_name(kind)} with a wrong value: {error}") from None


def _name(kind: type[Any]) -> str:
    return "a text" if kind is str else f"archbench.{kind.__name__}"
