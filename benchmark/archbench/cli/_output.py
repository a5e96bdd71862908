"""Standard output and standard error: JSON, problems of plugins, and commands to copy."""

from __future__ import annotations

import contextlib
import os
import shlex
import sys
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any, TextIO

import msgspec

from archbench._plugins import Problem
from archbench._suite._settings import DEFAULT_OUT
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
    try:
        os.dup2(2, 1)
        with open_output(kept, like=sys.stdout) as output:
            yield output
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def print_json(value: Any, *, flush: bool = False) -> None:
    """Print one JSON object on standard output; its numbers must be finite, since JSON knows no others.

    Args:
        value: what msgspec can encode.
        flush: at once, because the command goes on.
    """
    text = msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2).decode()
    print(text, file=_output.get(), flush=flush)


def print_problems(problems: Iterable[Problem]) -> None:
    """Print a line for each problem on standard error."""
    for problem in problems:
        print(f"{'problem' if problem.fatal else 'warning'}: {problem.plugin}: {problem.message}", file=sys.stderr)


def out_option(out: Path) -> str:
    """Return ` --out DIR` for a command that users may copy; empty for the default folder."""
    return "" if out == DEFAULT_OUT else f" --out {shlex.quote(str(out))}"
