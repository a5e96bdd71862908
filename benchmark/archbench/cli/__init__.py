"""The command line: one module per verb, which parses, prints and chooses the exit code.

Modules that are no verbs: `_kept` answers without `_app` where it can; all verbs share `_app`, `_group`, `_completion`,
`_options`, `_output`, `_signals` and `_streams`; `run` and `tune` use `_carry_out`, `_forecast`, `_results` and
`_tables`; `run`, `study` and `claims` use `_answers`, `compare` uses `_compare_output`, `reproduce` uses
`_reproduce_output`, `profile` uses `_profile_output`, `show` uses `_names` and `_describe`, `check` uses `_names` and
`_targets`, `data` uses `_names` and `_downloads`, and `new` uses `_scaffold`. Only the verb that is asked for is
imported, and only processes that train load torch.
"""

import signal


def main() -> None:
    """Print the answer that was kept for this command line; without one, run the verb and exit."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until a verb begins, Ctrl-C leaves no traceback of imports
    from archbench.cli._kept import print_kept_answer

    if not print_kept_answer():
        from archbench.cli._app import run_app  # typer and the plugins take most of the start

        run_app()
