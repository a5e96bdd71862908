"""Standard output and standard error: JSON, problems of plugins, and commands to copy."""

from __future__ import annotations

import contextlib
import os
import re
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, NoReturn, TextIO

import msgspec

from archbench._plugins import Plugins, Problem
from archbench._suite._settings import DEFAULT_OUT
from archbench.cli._kept import keep_answer
from archbench.cli._streams import goes_to, open_output

_output: ContextVar[TextIO | None] = ContextVar("_output", default=None)  # None stands for sys.stdout, whatever it is


@contextlib.contextmanager
def json_only() -> Iterator[None]:
    """Keep standard output for `print_json`: anything else that is printed, by plugins too, goes to standard error."""
    with _own_output() as output:
        token = _output.set(output)
        try:
            with contextlib.redirect_stdout(sys.stderr):
                yield
        finally:
            _output.reset(token)


@contextlib.contextmanager
def _own_output() -> Iterator[TextIO]:
    """Yield a stream for standard output; what is written to its descriptor by anybody else goes to standard error."""
    if not goes_to(sys.stdout, 1):  # it was replaced, as by tests
        yield sys.stdout
        return
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)  # for good: a thread or an exit handler of a plugin may write until the process is gone
    try:
        with open_output(kept, like=sys.stdout) as output:
            yield output
    finally:
        os.close(kept)


def print_json(value: Any, *, flush: bool = False) -> None:
    """Print one JSON object on standard output; its numbers must be finite, since JSON knows no others.

    Args:
        value: what msgspec can encode.
        flush: at once, because the command goes on.
    """
    print(format_json(value), file=_output.get(), flush=flush)


def format_json(value: Any) -> str:
    """Return one JSON object as text, with escapes where standard output cannot hold all of its letters."""
    text = msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2).decode()
    try:
        text.encode(getattr(_output.get() or sys.stdout, "encoding", None) or "utf-8")  # it is None if closed
    except UnicodeEncodeError:
        import json  # rarely needed

        return re.sub(r"[^\x00-\x7f]", lambda letter: json.dumps(letter[0])[1:-1], text)
    return text


def answer(text: str, plugins: Plugins) -> NoReturn:
    """Print what a verb found by asking the plugins, keep it for the next time, and exit: with 1 if one is broken."""
    print(text, file=_output.get())
    broken = any(problem.fatal for problem in plugins.problems)
    if not broken:
        keep_answer(f"{text}\n", "".join(f"{line}\n" for line in _lines(plugins.problems)), plugins)
    sys.exit(1 if broken else 0)


def print_problems(problems: Iterable[Problem]) -> None:
    """Print a line for each problem on standard error."""
    for line in _lines(problems):
        print(line, file=sys.stderr)


def _lines(problems: Iterable[Problem]) -> list[str]:
    return [f"{'problem' if each.fatal else 'warning'}: {each.plugin}: {each.message}" for each in problems]


def plugin_options(plugins: Plugins) -> str:
    """Return ` --plugin FILE` for each one-file plugin with items and ` --no-plugin NAME`, for commands to copy."""
    blocked = (f" --no-plugin {shlex.quote(name)}" for name in plugins.blocked)
    return "".join(dict.fromkeys([*(item.source.option for item in plugins.items()), *blocked]))


def out_option(out: Path) -> str:
    """Return ` --out DIR` for a command that users may copy; empty for the default folder."""
    name = f"./{out}" if str(out).startswith("--") else str(out)  # else it would look like an option
    return "" if out == DEFAULT_OUT else f" --out {shlex.quote(name)}"
