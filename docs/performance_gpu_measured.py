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
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path += [str(DOCS), str(DOCS.parent / "tests")]

import torch
from generated_pages import markdown, write_page
from performance_tables import conditions, measured, quantity, ratios, seconds, seeds_together, spread, verdicts

from archbench._training._measure import describe_environment
from support.speed import gpu, steps
from support.speed.rows import Row, describe

PAIRS = 3


def measure() -> dict[str, list[Row]]:
    """Measure all sections, and print each row."""
    found: dict[str, list[Row]] = {"compiled": [], "steps": [], "together": [], "trials": []}
    todo = [("compiled", gpu.compiled, work) for work in gpu.WORK if work[0] != "lenet-5"]
    todo += [("steps", gpu.against, work, rival) for work in gpu.WORK for rival in steps.RIVALS]
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
        verdicts([results]),
        "### A training step beside loops that people write",
        "Both train the same network on the same data, in turn. Ratios are ours over theirs.",
        ratios(beside, "step"),
        *seeds_together(results["together"]),
        "### What a recording costs",
        "Seconds of the first chunk of steps beyond the pace of the others.",
        measured(results["trials"]),
        "### What torch.compile would save",
        "The suite compiles no network: a step gains little over a CUDA graph, and a trial would have to be long.",
        markdown(("step", "ratio", "quartiles", "n", "compiling", "steps until it pays"), _compiled(results)),
    ]
    return "\n\n".join(parts)


def _compiled(results: dict[str, Any]) -> Iterator[Sequence[Any]]:
    for row in results["compiled"]:
        pays = "never" if row["pays_after"] is None else f"{row['pays_after']:,}"
        yield row["name"], quantity(row["found"], "ratio"), spread(row), row["n"], seconds(row["compiling"]), pays


def main() -> None:
    """Measure, and write both files."""
    environment = describe_environment(gpu.GPU)
    names = ("archbench", "python", "torch", "lightning", "platform")
    results: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": "python docs/performance_gpu_measured.py",
        "cores": os.cpu_count(),
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
