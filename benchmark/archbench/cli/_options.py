"""Options that several verbs share, and how plugins are loaded from them."""

from __future__ import annotations

import contextlib
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from pathlib import Path
from typing import Annotated, Any, TextIO

import msgspec
import typer

from archbench._declarations import Task
from archbench._plugins import Plugins, Problem, load_plugins, plugins_from_environment
from archbench._selection import Selected
from archbench._suite._settings import DEFAULT_OUT as DEFAULT_OUT

PluginFiles = Annotated[
    list[Path] | None, typer.Option("--plugin", metavar="FILE", help="Also load this one-file plugin; repeatable.")
]
Blocked = Annotated[
    list[str] | None,
    typer.Option(
        "--no-plugin", metavar="NAME", help="Do not even import this distribution or entry point; repeatable."
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on standard output.")]
Out = Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder of the records and the leaderboard.")]


_output: ContextVar[TextIO | None] = ContextVar("_output", default=None)  # None is standard output as it is


def load(files: list[Path] | None, blocked: list[str] | None) -> Plugins:
    """Load the plugins and say what is wrong with them, a line each."""
    plugins = load_plugins(files=files or (), blocked=blocked or (), only=plugins_from_environment())
    report(plugins.problems)
    return plugins


def report(problems: tuple[Problem, ...] | list[Problem]) -> None:
    """One line per problem on standard error."""
    for problem in problems:
        print(f"{'problem' if problem.fatal else 'warning'}: {problem.plugin}: {problem.message}", file=sys.stderr)


def out_option(out: Path) -> str:
    """How to name this folder in a command that is shown for copying; empty for the default one."""
    return "" if out == DEFAULT_OUT else f" --out {shlex.quote(str(out))}"


def tasks_of(selectors: Sequence[str], plugins: Plugins) -> list[Selected[Task]]:
    """Return the tasks of these selectors, own data among them; warnings go to standard error."""
    from archbench._suite._progress import make_progress
    from archbench._suite._request import choose_tasks

    return choose_tasks(plugins, selectors, make_progress())


@contextlib.contextmanager
def json_only() -> Iterator[None]:
    """Standard output is for `print_json` alone: what plugins print at any moment goes to standard error."""
    token = _output.set(sys.stdout)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _output.reset(token)


def print_json(value: Any) -> None:
    """One JSON object on standard output; numbers that are not finite never get this far."""
    print(msgspec.json.format(msgspec.json.encode(value, order="sorted"), indent=2).decode(), file=_output.get())
