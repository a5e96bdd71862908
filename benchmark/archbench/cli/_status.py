"""`benchmark status`: how far a run has got, asked from another shell."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from archbench.cli._options import DEFAULT_OUT, Json, Out, flag
from archbench.cli._output import out_option, print_json

if TYPE_CHECKING:
    from archbench._suite._status import FolderStatus, RunStatus

WATCH_SECONDS = 5.0

Watch = Annotated[bool, flag("--watch", "Look again every few seconds, until the run ends.")]


def status(out: Out = DEFAULT_OUT, watch: Watch = False, json: Json = False) -> None:
    """Say how far the run in a folder has got: what runs, what failed, how long it will take. Changes nothing."""
    from archbench._suite._status import read_folder_status

    while True:
        found = read_folder_status(out)
        if json:
            print_json(found)
        else:
            print("\n".join([*_lines(found, out), *_broken_lines(found, out), *_newer_lines(found)]), flush=True)
        if not watch or json or found.state != "running":
            return
        time.sleep(WATCH_SECONDS)


def _lines(found: FolderStatus, out: Path) -> list[str]:
    kept = ", ".join(f"{number} {name}" for name, number in found.records.items()) or "none"
    if found.run is None:
        return [f"No run trains in {out}. Records there: {kept}."]
    if found.state == "killed":
        return [
            f"A run in {out} was killed after {_progress(found.run)}, at {found.run.updated}. Records there: {kept}.",
            "The same command goes on from there.",
        ]
    return [*_running_lines(found.run), f"See `benchmark leaderboard{out_option(out)}` for the results so far."]


def _broken_lines(found: FolderStatus, out: Path) -> list[str]:
    if not found.broken:
        return []
    name, reason = next(iter(found.broken.items()))
    more = f", and {len(found.broken) - 1} more" if len(found.broken) > 1 else ""
    return [
        f"Not a valid record: {name} ({reason}){more}.",
        f"`benchmark leaderboard{out_option(out)}`, or the next run there, moves what is not valid to set-aside/.",
    ]


def _newer_lines(found: FolderStatus) -> list[str]:
    return [
        f"Not read ({len(found.newer)} in all): {name}.json {reason}." for name, reason in [*found.newer.items()][:1]
    ]


def _running_lines(run: RunStatus) -> list[str]:
    from archbench._suite._progress import format_seconds

    left = "unknown" if run.seconds_left is None else f"about {format_seconds(run.seconds_left)}"
    kept = f", {run.kept} were there before" if run.kept else ""
    lines = [
        f"Running on {run.host} since {run.started}: {_progress(run)}{kept}; time left: {left}.",
        f"{run.workers} at a time on {run.device}:" if run.device else "It is starting, and looks for its devices.",
    ]
    lines += [f"  {trial.trial}  {trial.seconds:.0f} s" for trial in run.running]
    if run.failures:
        lines.append("Not ok, the last ones:")
        lines += [f"  {failure.status} {failure.trial}: {failure.message}" for failure in run.failures]
    return lines


def _progress(run: RunStatus) -> str:
    bad = sum(number for name, number in run.statuses.items() if name != "ok")
    return f"{run.done} of {run.total} trials" + (f", {bad} of them not ok" if bad else "")
