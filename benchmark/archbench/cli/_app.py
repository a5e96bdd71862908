"""The app of all verbs: it parses, runs one of them and chooses the exit code. Only that verb is imported."""

from __future__ import annotations

import atexit
import contextlib
import errno
import gc
import importlib
import io
import os
import signal
import sys
from collections.abc import Iterable
from typing import Annotated, Any, NoReturn

import typer

from archbench._errors import ArchbenchError, SelectionError, StoreError
from archbench._plugins import Plugins
from archbench._records import printable
from archbench._version import __version__
from archbench.cli._group import Command, Group
from archbench.cli._output import answer, json_only, print_json
from archbench.cli._signals import Stopped, leave, stop_signals
from archbench.cli._streams import end, prepare_streams

VERBS = (
    "run", "tune", "compare", "study", "claims", "reproduce", "list", "show", "check", "profile", "predict",
    "export", "new", "plugins", "data", "leaderboard", "status", "merge", "doctor", "chaos",
)  # fmt: skip
"""The verbs, in the order of the help."""

SET_BY_PROTOCOL = {
    "--epochs": "epochs = 20",
    "--steps": "steps = 2000",
    "--batch-size": "batch_size = 64",
    "--lr": "recipe.learning_rate = 0.001",
    "--learning-rate": "recipe.learning_rate = 0.001",
    "--optimizer": 'recipe.optimizer = "sgd"',
    "--weight-decay": "recipe.weight_decay = 0.01",
}
"""Options that people try, with the line of a protocol file that does what they want."""

OURS = ("archbench.", "typer.")
"""Modules that may end the command; typer does it after it has installed or made completions of a shell."""


# Python looks for garbage before it ends, which takes longer than most verbs. At an exit there is no use in it.
atexit.register(gc.freeze)


def make_app(verbs: Iterable[str], *, completion: bool = True) -> typer.Typer:
    """Return the command line with some of the verbs; the modules of the others are not imported.

    Args:
        verbs: their names.
        completion: with the options that install completion in a shell, which take a fifth of the start.
    """
    app = typer.Typer(
        name="benchmark",
        cls=Group,
        help="Train every architecture on every task it fits, and write a leaderboard that can be checked. "
        "`benchmark --install-completion` teaches your shell its names.",
        no_args_is_help=True,
        add_completion=completion,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,  # importing rich takes as long as all the rest
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_start)  # without a callback, an app of one command takes no name of a verb
    for verb in verbs:
        _add(app, verb)
    return app


def _add(app: typer.Typer, verb: str) -> None:
    module = importlib.import_module(f"archbench.cli._{verb}")
    if verb in ("data", "study"):
        app.add_typer(module.app, name=verb)
    else:
        app.command(verb, cls=Command)(getattr(module, "list_" if verb == "list" else verb))


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"archbench {__version__}")
        raise typer.Exit


def _start(
    version: Annotated[
        bool, typer.Option("--version", metavar="", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that stand before a verb."""


# Recent versions of typer bring their own click, older ones use the installed one; this finds the class in either.
_USAGE_ERROR: Any = typer.BadParameter.__base__


_REFUSED_PATHS = {errno.EACCES, errno.EPERM, errno.ENAMETOOLONG, errno.ELOOP, errno.EROFS, errno.EIO, errno.ESTALE}
"""What is wrong with a path and not with our code: even to ask whether a file is there fails with these."""


def run_app() -> None:
    """Run the command line and exit.

    An `ArchbenchError`, and a path that the system refuses, become one line and exit code 2; any other exception keeps
    its traceback. A signal to stop ends any verb with 128 plus its number, as shells do.
    """
    try:
        try:
            prepare_streams()
            with stop_signals(), json_only() if "--json" in sys.argv else contextlib.nullcontext():
                code = _exit_code()
            end(code)
        except ArchbenchError as error:
            _complain(error)
            end(2)
    except Stopped as stop:
        leave(stop.number, "" if stop.number == signal.SIGPIPE else "Stopped.")


def _exit_code() -> int:
    """Run the verb and return its exit code; only our own code decides about that."""
    try:
        return _run_verb()
    except ArchbenchError as error:
        _complain(error)
        return 2
    except OSError as error:
        if error.filename is None or error.errno not in _REFUSED_PATHS:
            raise
        _complain(StoreError(f"cannot use {error.filename}: {error.strerror}; give another path, or mend this one"))
        return 2
    except SystemExit as exit_:
        if not isinstance(exit_.code, str) and _raised_by(exit_).startswith(OURS):
            return int(exit_.code or 0)
        print(f"problem: {_raised_by(exit_)} tried to end the command ({exit_!r}); repair it", file=sys.stderr)
        return 1


def _raised_by(error: BaseException) -> str:
    """Return the name of the module that raised an exception."""
    place = error.__traceback__
    while place and place.tb_next:
        place = place.tb_next
    return str(place.tb_frame.f_globals.get("__name__", "")) if place else ""


def _complain(error: ArchbenchError) -> None:
    if "--json" in sys.argv:
        print_json({"error": str(error)})
    print(f"benchmark: {printable(str(error))}", file=sys.stderr)  # it may name a file of a stranger


def _run_verb() -> int:
    """Parse the command line, run the verb and return the exit code.

    Raises:
        SelectionError: the command line is wrong; as an `ArchbenchError` it is shown like any other mistake.
    """
    if sys.argv[1:] in (["--help"], ["-h"]):
        _print_help()
    known = sys.argv[1:2] if sys.argv[1:] and sys.argv[1] in VERBS else VERBS
    try:
        return make_app(known, completion=_completes())(standalone_mode=False) or 0
    except _USAGE_ERROR as error:
        if type(error).__name__ == "NoArgsIsHelpError":  # the help is printed already
            return 2
        raise SelectionError(_describe_usage_error(error)) from None


def _print_help() -> NoReturn:
    """Print the help of all verbs, whose modules take most of a fifth of a second, and keep it for the next time."""
    text = io.StringIO()
    with contextlib.redirect_stdout(text):
        make_app(VERBS, completion=False)(standalone_mode=False)
    answer(text.getvalue().removesuffix("\n"), Plugins())


def _completes() -> bool:
    """Return whether a shell asks for completions, or somebody wants to install them."""
    asks = any(name.startswith("_") and name.endswith("_COMPLETE") for name in os.environ)
    return asks or any(word.startswith(("--install-completion", "--show-completion")) for word in sys.argv)


def _describe_usage_error(error: Any) -> str:
    """Return the message of click in one line; for an option of training, who sets it."""
    command = "benchmark" if error.ctx is None else error.ctx.command_path
    option = getattr(error, "option_name", "")
    if key := SET_BY_PROTOCOL.get(option):
        return (
            f"no such option: {option}; the protocol sets it, for all entrants alike. Write a file mine.toml with "
            f'name = "mine", extends = "quick" and {key}, and give it with --protocol ./mine.toml'
        )
    problem = str(error.format_message()).rstrip(".")
    return f"{problem[:1].lower()}{problem[1:]}; see `{command} -h`"
