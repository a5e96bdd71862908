"""A mutation campaign: does a test fail for each of many small mistakes in the modules that decide numbers?

    pip install -e '.[test,mutation]'
    python tests/mutation/campaign.py [--mutants 160] [--seed 0] [--json FILE] [ROOM ...]

Each mutant is one change that cosmic-ray or `operators.py` makes in a copy of the tree, beside which the tests of its
room run. A mutant that no test notices has survived; it is printed as a diff. The exit code is 1 if fewer than 95 %
are noticed. Mutants that cannot change any result are listed in `equivalent.toml`, each with the reason.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

import cosmic_ray.plugins
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import apply_mutation
from operators import OWN  # type: ignore[import-not-found]  # beside this script

ROOT = Path(__file__).parents[2]
CORE = "benchmark/archbench"
REQUIRED = 0.95
TIMEOUT = 240
cosmic_ray.plugins.OPERATOR_PROVIDERS["archbench"] = OWN

ROOMS = {
    "training": (
        [f"{CORE}/_training/_{name}.py" for name in ("module", "optimizers", "metrics", "record_fields", "schedule")],
        ["tests/training/test_numbers_by_hand.py", "tests/training"],
    ),
    "data order": (
        [f"{CORE}/_training/_{name}.py" for name in ("order", "streams", "pairing", "splits")],
        ["tests/training/test_order.py", "tests/training/test_numbers_by_hand.py", "tests/training"],
    ),
    "statistics": ([f"{CORE}/_statistics/*.py"], ["tests/statistics"]),
    "records": (
        [f"{CORE}/_records/_trial.py", f"{CORE}/_records/_store.py", f"{CORE}/_protocols/_protocol.py"],
        ["tests/records", "tests/planning", "tests/protocols"],
    ),
    "planning": ([f"{CORE}/_planning/*.py"], ["tests/planning", "tests/suite"]),
    "report": (
        [f"{CORE}/_report/_{name}.py" for name in ("boards", "csv", "overall", "rows", "seeds", "statistics")],
        ["tests/report"],
    ),
    "exit codes": ([f"{CORE}/cli/_results.py", f"{CORE}/cli/_carry_out.py"], ["tests/cli/test_run.py", "tests/cli"]),
}


@dataclass(frozen=True)
class Mutant:
    """One change of one module.

    Args:
        room: the room that it belongs to, a key of `ROOMS`.
        module: path of the module below the root.
        operator: name of the operator.
        occurrence: index of the place among those where the operator applies to the module.
        line: the line that changes.
    """

    room: str
    module: str
    operator: str
    occurrence: int
    line: int


def main() -> int:
    """Run a campaign and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--mutants", type=int, default=160)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("rooms", nargs="*", metavar="ROOM", help=", ".join(ROOMS))
    options = parser.parse_args()
    mutants = sample(options.rooms or list(ROOMS), options.mutants, random.Random(options.seed))
    results = carry_out(mutants, workers=os.cpu_count() or 1)
    show(results)
    killed = sum(diff is None for diff in results.values())
    score = killed / len(results)
    if options.json:
        options.json.write_text(json.dumps({"mutants": len(results), "killed": killed, "score": score}) + "\n")
    print(f"{killed} of {len(results)} mutants noticed: {score:.1%} (required: {REQUIRED:.0%})")
    return int(score < REQUIRED)


def sample(rooms: Sequence[str], count: int, draw: random.Random) -> list[Mutant]:
    """Return about `count` mutants: the modules take turns, and each gives one place that was not taken before."""
    places: dict[str, list[list[Mutant]]] = {}
    for room in rooms:
        for pattern in ROOMS[room][0]:
            for path in sorted(ROOT.glob(pattern)):
                by_place: dict[int, list[Mutant]] = {}
                for mutant in possible(room, path.relative_to(ROOT).as_posix()):
                    by_place.setdefault(mutant.line, []).append(mutant)
                places[path.as_posix()] = list(by_place.values())
                draw.shuffle(places[path.as_posix()])
    chosen: list[Mutant] = []
    while len(chosen) < count and any(places.values()):
        for waiting in places.values():
            if waiting:
                chosen.append(draw.choice(waiting.pop()))
    return chosen[:count]


def possible(room: str, module: str) -> Iterator[Mutant]:
    """Yield all mutants of a module that change what it does: not its annotations, decorators and imports."""
    source = (ROOT / module).read_text()
    silent, lines = SilentPlaces(source), source.splitlines()
    for name in operators():
        operator = cosmic_ray.plugins.get_operator(name)
        positions = (place for node in ast_nodes(get_ast(source)) for place in operator().mutation_positions(node))
        for occurrence, (start, _) in enumerate(positions):
            marker = lines[start[0] - 1][start[1] : start[1] + 2] == "*,"  # the arguments after it are named
            if start not in silent and not marker:
                yield Mutant(room, module, name, occurrence, start[0])


def operators() -> list[str]:
    """Return the operators in use: mistakes that people make, and none that only raises a TypeError at once."""
    twins = [
        ("Add", "Sub"),
        ("Mul", "Div"),
        ("FloorDiv", "Mul"),
        ("Mod", "FloorDiv"),
        ("Pow", "Mul"),
        ("BitOr", "BitAnd"),
    ]
    binary = {f"core/ReplaceBinaryOperator_{a}_{b}" for pair in twins for a, b in (pair, pair[::-1])}
    rest = ("core/ReplaceBinaryOperator_", "core/RemoveDecorator", "core/ExceptionReplacer", "core/Variable")
    identities = tuple(f"core/ReplaceComparisonOperator_{kind}" for kind in ("Is_", "IsNot_", "In_", "NotIn_"))
    known = cosmic_ray.plugins.operator_names()
    plain = [name for name in known if not name.startswith(rest + identities) and not name.endswith(("_Is", "_IsNot"))]
    return sorted({*plain, *binary.intersection(known)})


class SilentPlaces:
    """The places of annotations, decorators and `if TYPE_CHECKING` blocks, in which a mutant changes nothing."""

    def __init__(self, source: str) -> None:
        self.spans: list[tuple[tuple[int, int], tuple[int, int]]] = []
        for node in ast.walk(ast.parse(source)):
            quiet: list[ast.AST | None] = [getattr(node, "annotation", None), getattr(node, "returns", None)]
            quiet += getattr(node, "decorator_list", [])
            if isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING":
                quiet.append(node)
            for part in quiet:
                if part is not None:
                    end = (part.end_lineno or 0, part.end_col_offset or 0)  # type: ignore[attr-defined]
                    self.spans.append(((part.lineno, part.col_offset), end))  # type: ignore[attr-defined]

    def __contains__(self, place: tuple[int, int]) -> bool:
        return any(start <= place < end for start, end in self.spans)


def carry_out(mutants: Sequence[Mutant], workers: int) -> dict[Mutant, str | None]:
    """Return for each mutant the diff with which it survived, or None if a test noticed it."""
    known = equivalent()
    with tempfile.TemporaryDirectory() as folder:
        trees: Queue[Path] = Queue()
        for number in range(workers):
            trees.put(copy_tree(Path(folder) / str(number)))
        for room in {mutant.room for mutant in mutants}:
            if not passes(ROOMS[room][1], tree := trees.get()):
                raise SystemExit(f"the tests of {room} fail without any mutant")
            trees.put(tree)

        def attempt(mutant: Mutant) -> tuple[str | None, bool]:
            tree = trees.get()
            try:
                return survive(mutant, tree, known)
            finally:
                trees.put(tree)

        results: dict[Mutant, str | None] = {}
        with ThreadPoolExecutor(workers) as pool:
            for mutant, (diff, counts) in zip(mutants, pool.map(attempt, mutants), strict=True):
                if counts:
                    results[mutant] = diff
                    if diff:
                        print(f"\nsurvived: {diff}", flush=True)
                print(f"\r{len(results)} of {len(mutants)}", end="", file=sys.stderr, flush=True)
        print(file=sys.stderr)
        return results


def survive(mutant: Mutant, tree: Path, known: set[str]) -> tuple[str | None, bool]:
    """Return the diff of a mutant if no test notices it, and whether it counts: it changes the meaning of the code."""
    path = tree / mutant.module
    original = path.read_text()
    operator = cosmic_ray.plugins.get_operator(mutant.operator)()
    _, mutated = apply_mutation(path, operator, mutant.occurrence)
    try:
        if mutated is None or mutated == original or not is_python(mutated):
            return None, False
        change = changed_lines(original, mutated)
        if change in known:
            return None, False
        path.write_text(mutated)
        return (f"{mutant.module}:{mutant.line}\n{change}" if passes(ROOMS[mutant.room][1], tree) else None), True
    finally:
        path.write_text(original)


def is_python(source: str) -> bool:
    """Return whether a source can be parsed; a mutant that cannot is noticed without any test, and does not count."""
    try:
        ast.parse(source)
    except SyntaxError:
        return False
    return True


def changed_lines(before: str, after: str) -> str:
    """Return the lines that differ, the old ones with `-` and the new ones with `+`."""
    old, new = before.splitlines(), after.splitlines()
    gone = [f"-{line.strip()}" for line in old if line not in new]
    come = [f"+{line.strip()}" for line in new if line not in old]
    return "\n".join(gone + come)


def equivalent() -> set[str]:
    """Return the changes that are known to change no result."""
    path = Path(__file__).with_name("equivalent.toml")
    return {entry["change"].strip() for entry in tomllib.loads(path.read_text())["mutant"]}


def copy_tree(target: Path) -> Path:
    """Return a copy of the files that git knows or would add."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target


def passes(tests: Sequence[str], tree: Path) -> bool:
    """Return whether the tests pass in a tree; a test that never ends is a failure."""
    paths = os.pathsep.join(str(tree / drawer) for drawer in ("benchmark", "plugins", "tasks"))
    environment = os.environ | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-n0", "-p", "no:cacheprovider", *tests]
    command += ["-m", "not slow and not performance and not browser and not gpu"]
    try:
        done = subprocess.run(command, cwd=tree, env=environment, capture_output=True, timeout=TIMEOUT, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def show(results: dict[Mutant, str | None]) -> None:
    """Print the score of each room."""
    print(f"\n{'room':<14}{'mutants':>8}{'noticed':>9}{'score':>8}")
    for room in dict.fromkeys(mutant.room for mutant in results):
        outcomes = [diff is None for mutant, diff in results.items() if mutant.room == room]
        print(f"{room:<14}{len(outcomes):>8}{sum(outcomes):>9}{sum(outcomes) / len(outcomes):>8.1%}")


if __name__ == "__main__":
    raise SystemExit(main())
