"""The command line: one module per verb, which parses, prints and chooses the exit code.

Modules that are no verbs: `_kept` answers without `_app` where it can; all verbs share `_app`, `_group`, `_completion`,
`_options`, `_output`, `_signals` and `_streams`; `run` and `tune` use `_carry_out`, `_forecast`, `_results` and
`_tables`; `run`, `study` and `claims` use `_answers`, `compare` uses `_compare_output`, `reproduce` uses
`_reproduce_output`, `profile` uses `_profile_output`, `show` uses `_names` and `_describe`, `check` uses `_names` and
`_targets`, `export` uses `_steps`, `data` uses `_names` and `_downloads`, and `new` uses `_scaffold`. Only the verb
that is asked for is imported, and only processes that train load torch.
"""

import contextlib
import signal
from collections.abc import Iterator


def main() -> None:
    """Print the answer that was kept for this command line; without one, run the verb and exit."""
    with _quiet_interrupts():
        from archbench.cli._kept import print_kept_answer

        if not print_kept_answer():
            from archbench.cli._app import run_app  # typer and the plugins take most of the start

            run_app()


@contextlib.contextmanager
def _quiet_interrupts() -> Iterator[None]:
    """Meanwhile, let Ctrl-C end the process without a traceback of imports; a verb has a handler of its own."""
    is_default = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_default:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        if is_default:
            signal.signal(signal.SIGINT, signal.default_int_handler)
