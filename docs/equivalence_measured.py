"""Compare each faster form with its readable control, and write docs/equivalence.{json,md}.

    python docs/equivalence_measured.py            # about a minute on one core

The comparisons are in tests/support/equivalence; the tests that they name hold them with more sizes.
"""

from __future__ import annotations

import datetime
import sys
import time
import warnings
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parent
sys.path += [str(DOCS), str(DOCS.parent / "tests")]

import torch
from equivalence_tables import render
from generated_pages import write_page

from archbench._planning import Device
from archbench._training._measure import describe_environment
from support.equivalence import networks, training


def main() -> None:
    """Compare, print each row, and write both files."""
    start, environment = time.perf_counter(), describe_environment(Device(kind="cpu"))
    names = ("archbench", "python", "torch", "platform", "processor")
    results: dict[str, Any] = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "command": "python docs/equivalence_measured.py",
        **{name: getattr(environment, name) for name in names},
    }
    torch.set_num_threads(1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, room in {"networks": networks, "training": training}.items():
            results[name] = []
            for comparison in room.comparisons():
                results[name].append(row := comparison.row())
                print(f"{row['speed_up']}, {row['inputs']}: {row['relative']:.2g}", flush=True)
    results["seconds"] = round(time.perf_counter() - start)
    write_page("equivalence", results, render)


if __name__ == "__main__":
    main()
