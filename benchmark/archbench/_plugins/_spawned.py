"""A fresh interpreter in which code of plugins runs where no copy of this process is safe, because it has threads.

A question is a pickled function without arguments that returns bytes. Declarations may hold functions that cannot be
pickled, so an item of a plugin goes over as the name under which the other process, which loads the plugin again as the
worker of a trial does, finds it.
"""

from __future__ import annotations

import functools
import io
import os
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from archbench._plugins._apart import DEFAULT_SECONDS, Apart, Gone, Unsent, seconds, serve
from archbench._plugins._discovery import find_candidate
from archbench._plugins._faults import one_line
from archbench._plugins._importing import Importable, from_entry_point, from_file
from archbench._plugins._loading import load_source
from archbench._plugins._provenance import PluginSource, Registered
from archbench._records import Origin

_DONE, _UNKNOWN = b"+", b"-"
"""How an answer begins: what the function returned follows, or why it could not be read."""


class Spawned(Apart):
    """A fresh interpreter with the search path, folder and environment of this one; it answers pickled functions.

    Args:
        quiet: what it prints is dropped; else its standard output goes to standard error.

    Raises:
        Unsent: it does not start.
    """

    def __init__(self, *, quiet: bool = False) -> None:
        question, self._questions = os.pipe()
        self._answers, reply = os.pipe()
        try:
            self._pid = _start(question, reply, quiet=quiet)
            self._wait(max(seconds(), DEFAULT_SECONDS))  # code of no plugin has run yet
        except (OSError, Gone, ImportError) as error:
            self._forget()
            raise Unsent(f"no process could be started for it: {error}") from None
        finally:
            os.close(question)
            os.close(reply)

    def call(self, function: Callable[[], bytes]) -> bytes:
        """Return what a function returns there.

        Raises:
            Gone: the process has ended, or takes too long and was killed.
            Unsent: the function cannot be sent there.
        """
        try:
            question = _pickled(function)
        except Exception as error:
            raise Unsent(one_line(error)) from None
        answer = self.ask(question)
        if answer[:1] == _UNKNOWN:
            raise Unsent(answer[1:].decode())
        return answer[1:]


def _start(question: int, reply: int, *, quiet: bool) -> int:
    """Start the interpreter and return the id of its process; `fork` alone would not do beside threads."""
    from multiprocessing.util import spawnv_passfds  # Unix has it

    text = f"import sys; sys.path[:] = {sys.path!r}; from {__name__} import serve_functions as f"
    command = [sys.executable, "-c", f"{text}; f({question}, {reply}, quiet={quiet})"]
    pid: int = spawnv_passfds(os.fsencode(sys.executable), command, (question, reply))
    return pid


def serve_functions(question: int, reply: int, *, quiet: bool) -> None:
    """Answer questions; the main function of the interpreter."""
    serve(_answer, question, reply, quiet=quiet, ready=True)


def _answer(question: bytes) -> bytes:
    try:
        function = _Unpickler(io.BytesIO(question)).load()
    except Exception as error:
        return _UNKNOWN + one_line(error).encode()
    answer: bytes = function()
    return _DONE + answer


def _pickled(function: Callable[[], bytes]) -> bytes:
    buffer = io.BytesIO()
    _Pickler(buffer).dump(function)
    return buffer.getvalue()


class _Pickler(pickle.Pickler):
    """Writes plugins and their items by name."""

    def persistent_id(self, item: Any) -> tuple[Any, ...] | None:
        if isinstance(item, Importable):
            return ("plugin", item.source, item.origin)
        if isinstance(item, Registered) and item.own_data is None:
            return (type(item.item).__name__, item.source, item.origin, item.canonical)
        return None


class _Unpickler(pickle.Unpickler):
    """Finds plugins and their items by name. It loads the plugin first, so that its classes can be found as well."""

    def persistent_load(self, name: Any) -> Any:
        kind, source, origin, *rest = name
        return _importable(source) if kind == "plugin" else _items(source, origin)[kind, rest[0]]


def _importable(source: PluginSource) -> Importable:
    if source.path:
        return from_file(Path(source.path))
    candidate = find_candidate(source.distribution, source.entry_point)
    if candidate is None:
        raise LookupError(f"{source.distribution}:{source.entry_point} is not installed")
    return from_entry_point(candidate)


@functools.cache
def _items(source: PluginSource, origin: Origin) -> dict[tuple[str, str], Registered[Any]]:
    return {(type(each.item).__name__, each.canonical): each for each in load_source(source, origin).items()}
