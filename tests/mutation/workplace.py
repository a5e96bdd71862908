"""A copy of the tree in which mutants are made, and the choice of the tests that look for each."""

from __future__ import annotations

import ast
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from places import ROOT, Mutant  # type: ignore[import-not-found]  # beside this script

TIMEOUT = 300
"""Seconds for all tests of a mutant: they take about one minute."""


class Workplace:
    """A copy of the tree with a server for its tests (`server.py`).

    Args:
        folder: a new folder.
    """

    def __init__(self, folder: Path) -> None:
        self.tree = copy_tree(folder / "tree")
        self.log = folder / "tests.log"
        self._time = itertools.count(1_000_000_000)
        paths = os.pathsep.join(str(self.tree / drawer) for drawer in ("benchmark", "plugins", "tasks"))
        environment = os.environ | {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""}
        command = [sys.executable, str(Path(__file__).with_name("server.py"))]
        self._server = subprocess.Popen(
            command, cwd=self.tree, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, files: Iterable[str], **changes: Any) -> dict[str, Any]:
        """Run tests and return what `server.answer` says of them."""
        request = {"files": list(files), "only": None, "but": [], "limits": {}, "limit": TIMEOUT, "modules": []}
        assert self._server.stdin
        assert self._server.stdout
        self._server.stdin.write(json.dumps(request | {"log": str(self.log)} | changes) + "\n")
        self._server.stdin.flush()
        answer: dict[str, Any] = json.loads(self._server.stdout.readline())
        return answer

    def witness(self, mutant: Mutant, tests_of: TestsOf) -> str | None:
        """Return the first test that fails with a mutant, or None if all pass that run its line."""
        path = self.tree / mutant.place.module
        original = path.read_text()
        if not (near := tests_of.near(mutant)):
            return None
        try:
            self._write(path, mutant.source)
            found = self.run(tests_of.files(near), only=near, limits=tests_of.limits)
            return None if found["code"] == 0 else found["failed"] or "no test, but pytest"
        finally:
            self._write(path, original)

    def _write(self, path: Path, source: str) -> None:
        # Bytecode is kept for all files, and taken for current if the time and size of the source are those of before.
        path.write_text(source)
        os.utime(path, (now := next(self._time), now))

    def close(self) -> None:
        """End the server."""
        assert self._server.stdin
        self._server.stdin.close()
        self._server.wait()


@dataclass(frozen=True)
class TestsOf:
    """The knowledge which tests run which lines.

    Args:
        rooms: the beginnings of the names of each room's tests.
        lines: for each module and line, the tests that run it.
        seconds: of each test.
        sources: the text of each module.
    """

    rooms: Mapping[str, Sequence[str]]
    lines: Mapping[str, Mapping[int, Collection[str]]]
    seconds: Mapping[str, float]
    sources: Mapping[str, str]

    @property
    def limits(self) -> dict[str, float]:
        """Seconds after which a test has failed, so that a loop without an end does not last."""
        return {name: 10 + 10 * seconds for name, seconds in self.seconds.items()}

    def near(self, mutant: Mutant) -> list[str]:
        """Return the tests that run the changed statement.

        Where an import runs it, these are all the tests of the room.
        """
        lines, source = self.lines.get(mutant.place.module, {}), self.sources[mutant.place.module]
        if in_function(source, mutant.place.line):
            return sorted({test for line in statement(source, mutant.place.line) for test in lines.get(line, ())})
        return [test for test in self.seconds if test.startswith(tuple(self.rooms[mutant.place.room]))]

    def files(self, tests: Sequence[str]) -> list[str]:
        """Return the files of tests, the quickest first."""
        seconds: dict[str, float] = {}
        for test in tests:
            file = file_of(test)
            seconds[file] = seconds.get(file, 0) + self.seconds[test]
        return sorted(seconds, key=seconds.__getitem__)


def rehearse(
    place: Workplace, rooms: Mapping[str, Sequence[str]], modules: Collection[str], left_out: Sequence[str]
) -> TestsOf:
    """Run tests without any mutant and return which tests run which lines.

    Raises:
        SystemExit: a test fails without any mutant.
    """
    paths = {str(place.tree / module): module for module in modules}
    files = sorted({file for tests in rooms.values() for file in tests})
    found = place.run(files, but=left_out, modules=list(paths), limit=10 * TIMEOUT)
    if found["code"] != 0:
        raise SystemExit(f"{place.log.read_text()}\n{found['failed']} fails without any mutant")
    lines = {paths[path]: {int(n): tests for n, tests in of.items()} for path, of in found["lines"].items()}
    sources = {module: (ROOT / module).read_text() for module in modules}
    return TestsOf(rooms, lines, found["seconds"], sources)


def file_of(test: str) -> str:
    """Return the file of a test."""
    return test.partition("::")[0]


def in_function(source: str, line: int) -> bool:
    """Return whether a line runs when a function is called, and not when the module is imported."""
    functions = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef))
    return any(node.body[0].lineno <= line <= (node.end_lineno or 0) for node in functions)


def statement(source: str, line: int) -> range:
    """Return the lines of the smallest statement around a line; of one with a body, only the head."""
    spans = [range(line, line + 1)]
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt):
            body = getattr(node, "body", None)
            spans.append(range(node.lineno, body[0].lineno if body else (node.end_lineno or node.lineno) + 1))
    return min((span for span in spans[1:] if line in span), key=len, default=spans[0])


def copy_tree(target: Path) -> Path:
    """Return a copy of the files that git knows or would add."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    for name in subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split("\0"):
        if name and (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, target / name)
    return target
