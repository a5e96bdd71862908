"""One folder under faults: what is finished in it, and whether anything of that got lost."""

from __future__ import annotations

import secrets
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec

from archbench._chaos._preloading import Preloaded, Started
from archbench._chaos._processes import end_marked, orphans
from archbench._chaos._subject import Subject, Undisturbed, messages_of, numbers, output_of, run_undisturbed
from archbench._errors import ArchbenchError
from archbench._records import Store

LONGEST = 60.0
"""Seconds that a run may take beyond ten times those of an undisturbed one, before it counts as hanging."""


@dataclass(frozen=True, slots=True)
class Ground:
    """A suite that faults strike, and how its runs are started.

    Args:
        subject: the suite.
        undisturbed: what it gives without a fault.
        preloaded: the process from which its runs are forked; None to start each afresh.
    """

    subject: Subject
    undisturbed: Undisturbed
    preloaded: Preloaded | None = None

    def start(self, out: Path, mark: str, *more: str, **how: Any) -> Started:
        """Start a run; the arguments are those of `Subject.start`."""
        if self.preloaded is None:
            return self.subject.start(out, mark, *more, **how)
        return self.preloaded.start([*self.subject.arguments(out), *more], output_of(out), messages_of(out))


def fork(fresh: Ground, preloaded: Preloaded, folder: Path) -> Ground:
    """Return a suite whose runs are forked, after one without a fault; the numbers to expect stay those of `fresh`.

    Args:
        fresh: the suite as people start it.
        preloaded: the process from which runs are forked.
        folder: for the run without a fault.

    Raises:
        SelectionError: it does not end well even so.
    """
    forked = replace(fresh, preloaded=preloaded)
    undisturbed = run_undisturbed(lambda out: forked.start(out, preloaded.mark), folder)
    return replace(forked, undisturbed=replace(undisturbed, numbers=fresh.undisturbed.numbers))


class Round:
    """One output folder that faults strike until a run of it is repeated undisturbed.

    Args:
        ground: the suite.
        folder: for the output folder and the messages; made here.
    """

    def __init__(self, ground: Ground, folder: Path) -> None:
        self.ground, self.undisturbed = ground, ground.undisturbed
        self.out = folder / "out"
        preloaded = ground.preloaded
        self.mark = secrets.token_hex(8) if preloaded is None else preloaded.mark
        self._spared = () if preloaded is None else (preloaded.pid,)
        self.finished: dict[Path, bytes] = {}
        self.garbled: set[Path] = set()
        self._broken: list[str] = []
        self.on_close: Callable[[], object] = lambda: None
        folder.mkdir(parents=True)

    def start(self, *more: str, **how: Any) -> Started:
        """Start a run in the folder; the arguments are those of `Subject.start`."""
        return self.ground.start(self.out, self.mark, *more, **how)

    @property
    def training(self) -> float:
        """About how long a run of the folder takes until the last trial has its record."""
        whole = self.undisturbed
        return whole.last - (whole.last - whole.first) * len(self.finished) / len(whole.numbers)

    @property
    def seconds(self) -> float:
        """About how long it takes in all."""
        return self.training + self.undisturbed.seconds - self.undisturbed.last

    def wait(self, run: Started) -> int:
        """Wait for the end of a run, and return its exit code; one that does not end counts as a loss."""
        limit = 10 * self.undisturbed.seconds + LONGEST
        try:
            return run.wait(limit)
        except subprocess.TimeoutExpired:
            self.complain(f"a run did not end within {limit:.0f} s")
            end_marked(self.mark, self._spared)
            return run.wait()

    def complain(self, line: str) -> None:
        """Count a promise that was not kept as a loss."""
        self._broken.append(line)

    @property
    def last_words(self) -> str:
        """The end of what the last run said."""
        return messages_of(self.out).read_text(errors="replace")[-300:].strip()

    def note(self) -> None:
        """Remember the records that are finished by now."""
        self.finished |= {path: data for path, data in records_of(self.out).items() if path not in self.garbled}

    def close(self) -> None:
        """Give back what the faults took, and remove the folder."""
        self.on_close()
        shutil.rmtree(self.out.parent, ignore_errors=True)

    def abandon(self) -> None:
        """End what runs in the folder, and remove it."""
        end_marked(self.mark, self._spared)
        self.close()

    @property
    def resumed(self) -> int:
        """Number of its trials that went on from a state in the middle of a killed one."""
        records = Store(self.out).scan()[0].values()
        return sum(record.training is not None and bool(record.training.resumed_at) for record in records)

    @property
    def is_whole(self) -> bool:
        """True if every trial of the suite is finished."""
        return len(self.finished) >= len(self.undisturbed.numbers)

    def losses(self) -> list[str]:
        """Return a line for everything that a fault cost beside the trials that ran: records, processes, scores."""
        lines = [f"orphan after two seconds: {line}" for line in orphans(self.mark, self._spared)]
        lines += [*self._broken, *damage(self.out, self.finished, self.undisturbed.numbers, self.garbled)]
        self._broken.clear()
        self.note()
        return lines

    def repeat(self) -> list[str]:
        """Run the suite again without a fault; return a line for each difference to what it gives undisturbed."""
        self.note()
        before, total, lines = len(self.finished), len(self.undisturbed.numbers), []
        if code := self.wait(self.start("--retry")):
            return [*self.losses(), f"the repeated run ended with exit code {code}: {self.last_words}"]
        summary = msgspec.json.decode(output_of(self.out).read_bytes())
        if summary["trained"] != total - before:
            lines.append(f"{before} of {total} were finished, and {summary['trained']} were trained again")
        if len(summary["set_aside"]) > len(self.garbled):
            lines.append(f"{len(summary['set_aside'])} files were set aside, {len(self.garbled)} were garbled")
        self.garbled.clear()  # they were set aside, and their trials trained again
        lines += self.losses()
        if not self.is_whole:
            lines.append(f"{len(self.finished)} of {total} trials are finished after the repeated run")
        left = [*self.out.rglob(".archbench-tmp-*"), *self.out.glob("checkpoints/*")]
        return [*lines, *(f"{path.name} was left behind" for path in left)]


def records_of(out: Path) -> dict[Path, bytes]:
    """Return the files of the trials that ended ok."""
    found = {path: path.read_bytes() for path in out.glob("records/*/[0-9a-f]*.json")}
    return {path: data for path, data in found.items() if b'"status":"ok"' in data}


def damage(out: Path, finished: dict[Path, bytes], expected: dict[str, Any], garbled: set[Path]) -> list[str]:
    """Return a line for each record that is torn, lost, changed, or has other numbers than it should.

    Args:
        out: the output folder.
        finished: the records that were finished before.
        expected: the numbers of each trial, by id.
        garbled: files that somebody damaged on purpose.
    """
    lines = []
    for path, data in finished.items():
        if not path.exists():
            lines.append(f"lost: {path.name}")
        elif path.read_bytes() != data:
            lines.append(f"changed: {path.name}")
    try:
        records, broken = Store(out).scan()
    except ArchbenchError as error:
        return [*lines, f"the folder cannot be read: {error}"]
    lines += [f"torn: {path.name} ({reason})" for path, reason in broken if path not in garbled]
    ok = [record for record in records.values() if record.status == "ok"]
    lines += [f"other scores: {record.trial}" for record in ok if numbers(record) != expected.get(record.id)]
    return lines
