"""Carrying out a run: what `benchmark run` and `benchmark tune` share."""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING, Any

from archbench._plugins import Plugins
from archbench.cli._output import out_option
from archbench.cli._signals import Stopped, leave

if TYPE_CHECKING:
    from archbench._suite import Results, RunSettings
    from archbench._suite._request import Request
    from archbench._suite._run import Run


def make_request(**asked: Any) -> Request:
    """Return a request with these fields; verbs that train nothing do not load its class."""
    from archbench._suite._request import Request

    return Request(**asked)


def carry_out(plugins: Plugins, wanted: Request, settings: RunSettings, *, dry_run: bool, json: bool) -> None:
    """Train, print the results and exit with 0 or 1; in a dry run, print a forecast instead."""
    # Imported here, so that verbs which train nothing start sooner.
    from archbench._suite._progress import make_progress
    from archbench._suite._run import Run
    from archbench._suite._studies import make_plan

    # The records of a folder are kept to the end; looking for garbage among all of them takes as long as reading them.
    gc.set_threshold(700, 10, 1000)
    observer = make_progress()
    planned = make_plan(plugins, wanted, observer)
    if dry_run:
        from archbench.cli._forecast import show_forecast

        show_forecast(planned.plan, settings, observer, json=json)
    else:
        run = Run(planned.plan, settings, plugins=planned.plugins, observer=observer, studies=planned.studies)
        _finish(run, json=json)


def _finish(run: Run, *, json: bool) -> None:
    from archbench.cli._results import show_results

    sys.exit(show_results(_train(run), run.plan, run.plugins, json=json))


def _train(run: Run) -> Results:
    """Carry out a run and return its results; after a signal, say how to continue and end the process."""
    try:
        with run.plugins.apart():
            return run.carry_out()
    except Stopped as stop:
        leave(stop.number, _say_what_is_kept(run))


def _say_what_is_kept(run: Run) -> str:
    standing, out = run.standing(), run.store.root
    if standing is None:
        return "Stopped."
    return (
        f"Stopped. {standing.finished} of {standing.total} trials are finished and kept in {out}; the same command "
        f"goes on from there, `benchmark leaderboard{out_option(out)}` shows what there is."
    )
