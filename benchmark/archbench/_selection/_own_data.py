"""Make tasks from people's own files: `images:PATH`, `sequences:PATH[target=price]`, or the scheme of any other reader.

The path may contain spaces, colons and anything else but brackets. A task is identified by its reader, its options and
a hash of the content: equal files elsewhere are the same task, and other files at the same path are another task.
`images:flowers@1a2b3c`, as the leaderboard writes it, is accepted only while the files have that content.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from archbench._declarations import CONTENT_DIGITS, Found, OwnData, Reader, Task, resolve
from archbench._errors import DataError, PluginError, SelectionError, UnknownNameError, did_you_mean
from archbench._plugins import CallError, Registered, call_apart
from archbench._records import Component, fits_utf8, printable
from archbench._selection._components import make_label, write_options
from archbench._selection._own_task import make_task
from archbench._selection._selectors import Selected, combinations, distinct, parse_settings, select, settle_options

_SELECTOR = re.compile(r"(?P<scheme>[^\[\]:/\s]+):(?P<path>[^\[\]]+)(?:\[(?P<options>[^\[\]]*)\])?")
_PIN = re.compile(r"(?P<path>.+)@(?P<content>[0-9a-f]{6,})")
_LABEL_DIGITS = 6


def is_own_data(selector: str) -> bool:
    """Return whether a selector has a scheme; no name of an architecture or task has a colon."""
    return ":" in selector.partition("[")[0]


def select_tasks(
    selectors: Sequence[str], tasks: Sequence[Registered[Task]], readers: Sequence[Registered[Reader]]
) -> list[Selected[Task]]:
    """Return the tasks that the selectors name, among the registered tasks and people's own files.

    Raises:
        SelectionError: a selector is malformed, matches nothing, is ambiguous, or sets a wrong option.
        DataError: the files cannot be used; the message says which and why.
        PluginError: the reader itself fails.
    """
    found: list[Selected[Task]] = []
    for selector in selectors:
        found += open_own_data(selector, readers) if is_own_data(selector) else _select_known(selector, tasks, readers)
    return distinct(found)


def _select_known(
    selector: str, tasks: Sequence[Registered[Task]], readers: Sequence[Registered[Reader]]
) -> list[Selected[Task]]:
    try:
        return select([selector], tasks, "task")
    except SelectionError as error:
        scheme = selector.partition("[")[0]
        if not isinstance(error, UnknownNameError) and "," not in scheme and " " not in scheme:
            raise
        _refuse_path(selector, scheme, readers)
        if scheme in {registered.item.scheme for registered in readers}:
            raise SelectionError(
                f"{selector!r} needs a path: write {scheme}:PATH, see `benchmark show {scheme}`"
            ) from None
        raise


def _refuse_path(selector: str, path: str, readers: Sequence[Registered[Reader]]) -> None:
    """Raise if a selector is the path of a file or folder, without the scheme that says what it holds."""
    place = Path(path).expanduser()
    if place.exists() and readers:
        ways = " or ".join(f"{registered.item.scheme}:{selector}" for registered in readers)
        kind = "folder" if place.is_dir() else "file"
        raise SelectionError(f"{selector!r} is a {kind}; say what it holds: {ways} (see `benchmark list`)")


def open_own_data(selector: str, readers: Sequence[Registered[Reader]]) -> list[Selected[Task]]:
    """Return the tasks that a selector of own data names, one for each combination of its options.

    Raises:
        SelectionError, DataError, PluginError: as for `select_tasks`.
    """
    match = _SELECTOR.fullmatch(selector.strip())
    if match is None:
        raise SelectionError(
            f"{selector!r} is not a selector; write SCHEME:PATH or 'SCHEME:PATH[option=value]', "
            "the path without brackets"
        )
    registered = find_reader(match["scheme"], readers)
    path, pinned = Path(match["path"]).expanduser(), ""
    if not path.exists() and (pin := _PIN.fullmatch(match["path"])):
        path, pinned = Path(pin["path"]).expanduser(), pin["content"]
    if not path.exists():
        raise DataError(f"{selector!r}: there is no file or folder {path.absolute()}; check the path")
    refuse_name(path)
    opened = list(_open(selector, registered, path, parse_settings(selector, match["options"])))
    for task in opened:
        own = task.registered.own_data
        if own is not None and not own.found.content.startswith(pinned):
            raise DataError(
                f"{path} has the content {own.found.content[:CONTENT_DIGITS]} now, not {pinned}; it was changed"
            )
    return opened


def refuse_name(path: Path) -> None:
    """Raise if a path cannot be written in JSON, as trials get it, nor in a selector.

    Raises:
        DataError: it, or a folder above it, has a name that is no valid UTF-8.
    """
    if not fits_utf8(absolute := os.path.abspath(path)):
        raise DataError(f"{os.fsencode(absolute)!r} is no valid UTF-8; choose a path with names that are")


def find_reader(scheme: str, readers: Sequence[Registered[Reader]]) -> Registered[Reader]:
    """Return the reader of a scheme.

    Raises:
        SelectionError: there is none, or there are two.
    """
    found = [registered for registered in readers if registered.item.scheme == scheme]
    if len(found) == 1:
        return found[0]
    if found:
        providers = " and ".join(registered.canonical for registered in found)
        raise SelectionError(f"two plugins read {scheme!r}: {providers}; leave one out with --no-plugin")
    known = sorted({f"{registered.item.scheme}:" for registered in readers})
    hint = did_you_mean(f"{scheme}:", known, otherwise=f"there are {', '.join(known) or 'none'}")
    raise UnknownNameError(f"nothing reads {scheme!r}; {hint}")


def _open(
    selector: str, registered: Registered[Reader], path: Path, settings: dict[str, list[str]]
) -> Iterator[Selected[Task]]:
    reader, absolute = registered.item, os.path.abspath(path)
    for values in combinations(reader, settings):
        options = settle_options(reader, values, selector)
        data = OwnData(scheme=reader.scheme, path=absolute, found=_inspect(registered, path, options))
        task = make_task(reader, data)
        component = Component(
            provider=registered.origin.distribution,
            name=task.name,
            revision=task.revision,
            options=write_options(options),
            fingerprint=registered.fingerprint,
            effort=float(task.effort),
            label=_label(data, task, options),
        )
        opened = Registered(task, registered.origin, registered.source, registered.take_fingerprint, data)
        yield Selected(opened, options, component, named=True)


def _inspect(registered: Registered[Reader], path: Path, options: Any) -> Found:
    try:
        inspect = functools.partial(_call_inspect, registered, path, options)
        return _printable_words(call_apart(inspect, Found, foreign=registered.foreign))
    except CallError as error:
        name = f"the reader {registered.item.scheme}: of {registered.origin.distribution}"
        raise PluginError(f"{name} failed on {path}: {error}") from error


def _printable_words(found: Found) -> Found:
    """Return what was found, with names of classes and features that cannot steer a terminal; files bring them."""
    return replace(
        found,
        summary=printable(found.summary),
        facts=_printable_facts(found.facts),
        features=tuple(map(printable, found.features)),
        warnings=tuple(map(printable, found.warnings)),
    )


def _printable_facts(facts: Any) -> Any:
    if isinstance(facts, Mapping):
        return {printable(str(name)): _printable_facts(value) for name, value in facts.items()}
    if isinstance(facts, list | tuple):
        return type(facts)(_printable_facts(value) for value in facts)
    return printable(facts) if isinstance(facts, str) else facts


def _call_inspect(registered: Registered[Reader], path: Path, options: Any) -> object:
    return resolve(registered.item.inspect)(path, options)


def _label(data: OwnData, task: Task, options: Any) -> str:
    """Return the label for people: the name of the folder or file, never its path, and the start of the hash."""
    brackets = make_label(task, options).removeprefix(task.name)
    return f"{data.scheme}:{Path(data.path).name}@{data.found.content[:_LABEL_DIGITS]}{brackets}"
