"""A mutation campaign: does a test fail for each of many small mistakes in the modules that decide numbers?

    pip install -e '.[test,mutation]'
    python tests/mutation/campaign.py [--mutants 160] [--seed 0] [--workers N] [--json FILE] [ROOM ...]

Each mutant is one change that cosmic-ray or `operators.py` makes (`places.py`) in a copy of the tree. A rehearsal finds
which tests run which lines (`workplace.py`), so that a mutant costs the tests that run its line, and those start in a
process that has the libraries loaded (`server.py`). A mutant that no test notices has survived; it is printed as a
diff. The exit code is 1 if fewer than 95 % are noticed. Mutants that cannot change any result are not made; they are
listed in `equivalent.toml`, each with the reason.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from queue import Queue

from places import Mutant, sample  # type: ignore[import-not-found]  # beside this script
from workplace import Workplace, rehearse  # type: ignore[import-not-found]

CORE = "benchmark/archbench"
REQUIRED = 0.95

TRIALS = "tests/training/test_run_trial.py"
SUITE = ["tests/suite/test_compare.py", "tests/suite/test_results.py", "tests/suite/test_run.py"]
ROOMS = {
    "training": (
        [f"{CORE}/_training/_{name}.py" for name in ("module", "optimizers", "metrics", "record_fields", "schedule")],
        ["tests/training"],
    ),
    "data order": (
        [f"{CORE}/_training/_{name}.py" for name in ("order", "streams", "pairing", "splits")],
        ["tests/training"],
    ),
    "statistics": ([f"{CORE}/_statistics/*.py"], ["tests/statistics", "tests/claims/test_verdicts.py"]),
    "records": (
        [f"{CORE}/_records/_trial.py", f"{CORE}/_records/_store.py", f"{CORE}/_protocols/_protocol.py"],
        ["tests/records", "tests/planning", "tests/protocols"],
    ),
    "planning": (
        [f"{CORE}/_planning/*.py"],
        ["tests/planning", "tests/suite/test_forecast.py", "tests/training/test_profile.py", TRIALS, *SUITE],
    ),
    "report": (
        [f"{CORE}/_report/_{name}.py" for name in ("boards", "csv", "overall", "rows", "seeds", "statistics")],
        ["tests/report"],
    ),
    "exit codes": ([f"{CORE}/cli/_results.py", f"{CORE}/cli/_carry_out.py"], ["tests/cli/test_run.py", *SUITE]),
}
"""The modules of each room, and the files of tests from which those are taken that run a changed line."""

LEFT_OUT = (
    "tests/records/test_printable.py::test_hostile_text_costs_little",
    "tests/report/test_flame.py",
    "tests/training/test_profile.py::test_slow_layers_are_named",
    "tests/training/test_profile.py::test_trace_has_phases_and_layers",
    "tests/training/test_profile.py::test_work_of_a_module_around_others_is_its_own",
    "tests/training/test_shared_splits.py::test_a_run_shares_splits",
    "tests/training/test_streaming.py::test_streamed_run_gives_the_record_of_one_from_memory",
    "tests/training/test_warm_up.py",
)
"""Tests that take long, mostly in other processes, or are timed, and that look at other things."""


def main() -> int:
    """Run a campaign and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", type=Path)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=", ".join(ROOMS))
    options = parser.parse_args()
    modules = {room: ROOMS[room][0] for room in options.rooms or ROOMS}
    results = carry_out(sample(modules, options.mutants, random.Random(options.seed)), options.workers)
    show(results)
    killed = sum(witness is not None for witness in results.values())
    score = killed / len(results)
    if options.json:
        options.json.write_text(as_json(results))
    print(f"{killed} of {len(results)} mutants noticed: {score:.1%} (required: {REQUIRED:.0%})")
    return int(score < REQUIRED)


def carry_out(mutants: Sequence[Mutant], workers: int) -> dict[Mutant, str | None]:
    """Return for each mutant the test that noticed it, or None if it survived."""
    with tempfile.TemporaryDirectory() as folder:
        places = [Workplace(Path(folder) / str(number)) for number in range(workers)]
        tests = {room: ROOMS[room][1] for room in {mutant.place.room for mutant in mutants}}
        tests_of = rehearse(places[0], tests, {mutant.place.module for mutant in mutants}, LEFT_OUT)
        free: Queue[Workplace] = Queue()
        for place in places:
            free.put(place)

        def attempt(mutant: Mutant) -> str | None:
            place = free.get()
            try:
                return place.witness(mutant, tests_of)
            finally:
                free.put(place)

        results: dict[Mutant, str | None] = {}
        with ThreadPoolExecutor(workers) as pool:
            for mutant, witness in zip(mutants, pool.map(attempt, mutants), strict=True):
                results[mutant] = witness
                if witness is None:
                    print(f"\nsurvived: {mutant.place.module}:{mutant.place.line}\n{mutant.change}", flush=True)
                print(f"\r{len(results)} of {len(mutants)}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        for place in places:
            place.close()
        return results


def show(results: dict[Mutant, str | None]) -> None:
    """Print the score of each room."""
    mutants = Counter(mutant.place.room for mutant in results)
    noticed = Counter(mutant.place.room for mutant, witness in results.items() if witness is not None)
    print(f"\n{'room':<14}{'mutants':>8}{'noticed':>9}{'score':>8}")
    for room, number in mutants.items():
        print(f"{room:<14}{number:>8}{noticed[room]:>9}{noticed[room] / number:>8.1%}")


def as_json(results: dict[Mutant, str | None]) -> str:
    """Return the mutants and the tests that noticed them."""
    found = [
        {**asdict(mutant.place), "change": mutant.change, "noticed by": witness} for mutant, witness in results.items()
    ]
    killed = sum(witness is not None for witness in results.values())
    return json.dumps({"mutants": len(found), "killed": killed, "score": killed / len(found), "results": found}) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
