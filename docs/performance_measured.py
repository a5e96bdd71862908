"""Measure the speed of the suite beside loops that people write, and write docs/performance.{json,md}.

    python docs/performance_measured.py            # a quarter of an hour to half an hour on two quiet cores
    python docs/performance_measured.py --full     # with a series of 10,000 trials, some ten minutes more or twenty
    python docs/performance_measured.py --quick    # a fifth of the pairs, series of up to 100 trials

The numbers take the place of those of the same processor, and stand before those of others. The performance tests
measure with the same functions, which are in tests/support/speed.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ["CUDA_VISIBLE_DEVICES"] = ""  # as in trials on a CPU: both sides of a pair are spared torch's search
DOCS = Path(__file__).parent
sys.path += [str(DOCS), str(DOCS.parent / "tests")]

import torch
from generated_pages import write_page
from performance_tables import render

from archbench._planning import Device
from archbench._training._measure import describe_environment
from support.speed import benchopt_run, cells, commands, steps, together, trials
from support.speed.rows import Row, describe

LENGTHS = [10, 100, 1_000, 10_000]


def measure_steps(pairs: int) -> list[Row]:
    """Return the rows of a training step beside the loops that people write."""
    return [
        steps.against(steps.prepared(trials.plan(*work)[0]), count, rival, pairs)
        for work, count in steps.WORK.items()
        for rival in steps.RIVALS
    ]


def measure(folder: Path, *, quick: bool, lengths: list[int]) -> dict[str, list[Row]]:
    """Measure all sections.

    Args:
        folder: for the records of trials.
        quick: take a fifth of the pairs, and a third of the trials.
        lengths: trials in each series.
    """
    third = 3 if quick else 1

    def pairs(count: int) -> int:
        return max(1, count // 5) if quick else count

    site = commands.with_plugins(folder / "site")
    sections: dict[str, Callable[[], list[Row]]] = {
        "steps": lambda: measure_steps(pairs(15)),
        "trials": lambda: [
            *trials.whole_trials(folder / "whole", pairs(15)),
            *trials.first_steps(folder / "first", pairs(9)),
            trials.efficiency(folder / "suite", pairs(5), seeds=3 // third),
        ],
        "runs": lambda: [trials.against_processes(folder / "runs", pairs(3), seeds=6 // third)],
        "benchopt": lambda: benchopt_run.against(folder / "benchopt", pairs(3)),
        "series": lambda: trials.series(folder / "series", lengths, pairs(6)),
        "start_up": lambda: [commands.start_up(verb, site, pairs(21)) for verb in commands.VERBS],
        "cells": lambda: [cells.against_torch(name, pairs(60)) for name in cells.CELLS],
        "together": lambda: [together.gain(*work, pairs(15)) for work in together.WORK],
        "ladder": lambda: [cells.rung(name, pairs(30)) for name in cells.LADDER],
    }
    found = {}
    for name, section in sections.items():
        start = time.perf_counter()
        found[name] = section()
        for row in found[name]:
            print(describe(row), flush=True)
        print(f"-- {name}: {time.perf_counter() - start:.0f} s", flush=True)
    return found


def conditions(command: str) -> dict[str, Any]:
    """Return when, where and with what the numbers were found."""
    environment = describe_environment(Device(kind="cpu"))
    names = ("archbench", "python", "torch", "lightning", "platform", "processor")
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": command,
        "benchopt_release": benchopt_run.release(),
        "cores": os.cpu_count(),
        "load": [round(os.getloadavg()[0], 1)],
        **{name: getattr(environment, name) for name in names},
    }


def main() -> None:
    """Measure, print each row, and write both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument("--quick", action="store_true", help="fewer pairs, and series of up to 100 trials")
    choice.add_argument("--full", action="store_true", help="with a series of 10,000 trials")
    options = parser.parse_args()
    flag = " --quick" if options.quick else " --full" if options.full else ""
    lengths = LENGTHS[:2] if options.quick else LENGTHS if options.full else LENGTHS[:3]
    results, start = conditions(f"python docs/performance_measured.py{flag}"), time.perf_counter()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results |= measure(Path(folder), quick=options.quick, lengths=lengths)
    results["load"].append(round(os.getloadavg()[0], 1))
    results["seconds"] = round(time.perf_counter() - start)
    known = json.loads((DOCS / "performance.json").read_text(encoding="utf-8"))["machines"]
    others = [one for one in known if one["processor"] != results["processor"]]
    write_page("performance", {"machines": [results, *others]}, render)


if __name__ == "__main__":
    main()
