"""The command line. One module per verb; torch is loaded only by processes that train."""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import msgspec
import typer

from archbench._errors import ArchbenchError, SelectionError
from archbench.cli import _check, _data, _leaderboard, _list, _new, _plugins, _run, _show, _tune
from archbench.cli._options import json_only
from archbench.cli._signals import Stopped, leave, stop_signals

app = typer.Typer(
    name="benchmark",
    help="Train every architecture on every task it fits, and write a leaderboard that can be checked.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(_run.run)
app.command("tune")(_tune.tune)
app.command("list")(_list.list_)
app.command("show")(_show.show)
app.command("check")(_check.check)
app.command("new")(_new.new)
app.command("plugins")(_plugins.plugins)
app.add_typer(_data.app, name="data")
app.command("leaderboard")(_leaderboard.leaderboard)

# Current typer brings a click of its own, older ones use the one installed; this is the class of either.
_USAGE_ERROR: Any = typer.BadParameter.__base__


def main() -> None:
    """Run the command line; an expected error is one line and exit code 2, anything else keeps its traceback.

    A signal to stop ends any verb with 128 and its number, as a shell has it.
    """
    as_json = "--json" in sys.argv
    try:
        with stop_signals(), json_only() if as_json else contextlib.nullcontext():
            code = _run_app()
        sys.exit(code)
    except Stopped as stop:
        leave(stop.number, "Stopped.")
    except ArchbenchError as error:
        if as_json:
            print(msgspec.json.encode({"error": str(error)}).decode())
        print(f"benchmark: {error}", file=sys.stderr)
        sys.exit(2)


def _run_app() -> int:
    """Parse the command line and run the verb; the exit code.

    Raises:
        SelectionError: the command line itself is wrong, in one line like any other mistake.
    """
    try:
        return app(standalone_mode=False) or 0
    except _USAGE_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # the help is printed already
            return 2
        problem = str(error.format_message()).rstrip(".")
        command = "benchmark" if error.ctx is None else error.ctx.command_path
        raise SelectionError(f"{problem[:1].lower()}{problem[1:]}; see `{command} -h`") from None
