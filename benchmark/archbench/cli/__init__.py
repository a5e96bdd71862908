"""The command line: one module per verb, which parses, prints and chooses the exit code.

Modules that are no verbs: all verbs share `_options`, `_output` and `_signals`; `run` and `tune` use `_carry_out`,
`_forecast`, `_results` and `_tables`; `compare` uses `_compare_output`,
`profile` uses `_profile_output`, `show` uses `_names` and `_describe`, `check`
uses `_names` and `_targets`, `data` uses `_downloads`, and `new` uses `_scaffold`. Only processes that train load
torch.
"""

from __future__ import annotations

import contextlib
import sys
from typing import Any

import msgspec
import typer

from archbench._errors import ArchbenchError, SelectionError
from archbench.cli import _check, _compare, _data, _leaderboard, _list, _new, _plugins, _profile, _run, _show, _tune
from archbench.cli._output import json_only
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
app.command("compare")(_compare.compare)
app.command("list")(_list.list_)
app.command("show")(_show.show)
app.command("check")(_check.check)
app.command("profile")(_profile.profile)
app.command("new")(_new.new)
app.command("plugins")(_plugins.plugins)
app.add_typer(_data.app, name="data")
app.command("leaderboard")(_leaderboard.leaderboard)

# Recent versions of typer bring their own click, older ones use the installed one; this finds the class in either.
_USAGE_ERROR: Any = typer.BadParameter.__base__


def main() -> None:
    """Run the command line and exit.

    An `ArchbenchError` becomes one line and exit code 2; any other exception keeps its traceback. A signal to stop ends
    any verb with 128 plus its number, as shells do.
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
    """Parse the command line, run the verb and return the exit code.

    Raises:
        SelectionError: the command line is wrong; as an `ArchbenchError` it is shown like any other mistake.
    """
    try:
        return app(standalone_mode=False) or 0
    except _USAGE_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # the help is printed already
            return 2
        problem = str(error.format_message()).rstrip(".")
        command = "benchmark" if error.ctx is None else error.ctx.command_path
        raise SelectionError(f"{problem[:1].lower()}{problem[1:]}; see `{command} -h`") from None
