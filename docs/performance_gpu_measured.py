"""Measure the speed of training steps on a GPU, and write docs/performance_gpu.{json,md}.

    python docs/performance_gpu_measured.py    # some two minutes

The performance tests measure with the same functions, which are in tests/support/speed/gpu.py.
"""

from __future__ import annotations

import datetime
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path += [str(DOCS), str(DOCS.parent / "tests")]

import torch
from generated_pages import write_page
from performance_tables import conditions, measured, ratios, seeds_together, verdicts

from archbench._training._measure import describe_environment
from support.speed import gpu, steps
from support.speed.rows import Row, describe

PAIRS = 3


def measure() -> dict[str, list[Row]]:
    """Measure all sections, and print each row."""
    found: dict[str, list[Row]] = {"steps": [], "together": [], "trials": []}
    todo = [("steps", gpu.against, work, rival) for work in gpu.WORK for rival in steps.RIVALS]
    todo += [("together", gpu.gain, work) for work in gpu.TOGETHER]
    todo += [("trials", gpu.recording, work) for work in gpu.WORK]
    for section, function, *arguments in todo:
        found[section].append(function(*arguments, PAIRS))
        print(describe(found[section][-1]), flush=True)
    return found


def render(results: dict[str, Any]) -> str:
    """Return all tables as Markdown."""
    beside = [row | {"name": f"{row['work']}, beside {row['rival']}"} for row in results["steps"]]
    parts = [
        conditions(results),
        "### Targets",
        verdicts(results),
        "### A training step beside loops that people write",
        "Both train the same network on the same data, in turn. Ratios are ours over theirs.",
        ratios(beside, "step"),
        *seeds_together(results["together"]),
        "### What a recording costs",
        "Seconds of the first chunk of steps beyond the pace of the others.",
        measured(results["trials"]),
    ]
    return "\n\n".join(parts)


def main() -> None:
    """Measure, and write both files."""
    environment = describe_environment(gpu.GPU)
    names = ("archbench", "python", "torch", "lightning", "platform")
    results: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": "python docs/performance_gpu_measured.py",
        "load": [round(os.getloadavg()[0], 1)],
        "processor": f"{environment.device}, {environment.processor}",
        **{name: getattr(environment, name) for name in names},
    }
    start = time.perf_counter()
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        results |= measure()
    results["load"].append(round(os.getloadavg()[0], 1))
    results["seconds"] = round(time.perf_counter() - start)
    write_page("performance_gpu", results, render)


if __name__ == "__main__":
    main()
