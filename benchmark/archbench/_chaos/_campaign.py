"""A campaign: faults drawn from a seed strike the small suite, and what got lost is counted."""

from __future__ import annotations

import contextlib
import random
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import msgspec

from archbench._chaos._kinds import KINDS, SWEPT
from archbench._chaos._processes import end_marked
from archbench._chaos._round import Round
from archbench._chaos._subject import Subject, Undisturbed, run_undisturbed
from archbench._chaos._sweeping import sweep
from archbench._plugins import Stopped
from archbench._version import __version__

WHAT = {
    **{name: kind.what for name, kind in KINDS.items()},
    SWEPT: "one file call of a run of three trials fails, or all that need space from it on; every call in turn",
    "none": "nothing; the run alone",
}
"""What happens, for people, by the name of the kind."""

CHAIN = 5
"""Most faults that strike one folder in a row."""

_MISSES = 3
"""Tries of a fault that finds its run at an end already."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that struck.

    Args:
        kind: its name.
        detail: when or how, and how the run ended.
        lost: a line for everything that it cost beside the trials that ran; empty if it was survived.
    """

    kind: str
    detail: str
    lost: list[str]


class Count(msgspec.Struct, frozen=True, kw_only=True):
    """How often a kind of fault was tried, and how often survived; `missed` ones found their run at an end."""

    kind: str
    what: str
    tried: int
    survived: int
    lost: int
    missed: int


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a campaign.

    Args:
        seed: of the draws.
        suite: the arguments of the run that was struck.
        trials: number of its trials.
        undisturbed_seconds: how long it takes without a fault.
        seconds: how long the campaign took.
        archbench: version of the suite.
        stopped: a signal ended the campaign early.
        counts: a line for each kind.
        faults: those that struck, in their order.
    """

    seed: int
    suite: list[str]
    trials: int
    undisturbed_seconds: float
    seconds: float
    archbench: str
    stopped: bool
    counts: list[Count]
    faults: list[Fault]


def carry_out(
    subject: Subject, *, seed: int, faults: int, kinds: Sequence[str], tell: Callable[[Fault], None]
) -> Campaign:
    """Strike the suite and return what it survived.

    Args:
        subject: the suite.
        seed: of kinds, moments and victims.
        faults: number of faults that strike at random; the sweep over every file call comes on top.
        kinds: their names.
        tell: called after each fault.

    Raises:
        SelectionError: the suite does not run without a fault either.
    """
    start = time.monotonic()
    found: list[Fault] = []
    missed: list[str] = []
    with tempfile.TemporaryDirectory(prefix="archbench-chaos-") as place:
        folder = Path(place)
        undisturbed = run_undisturbed(subject, folder / "undisturbed", "undisturbed")
        strikes = _all(subject, undisturbed, folder, _Wanted(seed, faults, kinds, missed))
        with contextlib.closing(strikes):
            stopped = _gather(strikes, found, tell)
    return Campaign(
        seed=seed,
        suite=subject.arguments(Path("OUT")),
        trials=len(undisturbed.numbers),
        undisturbed_seconds=round(undisturbed.seconds, 1),
        seconds=round(time.monotonic() - start, 1),
        archbench=__version__,
        stopped=stopped,
        counts=count(found, missed),
        faults=found,
    )


def _gather(strikes: Iterator[Fault], found: list[Fault], tell: Callable[[Fault], None]) -> bool:
    """Keep each fault and tell of it; return whether a signal ended that early."""
    try:
        for fault in strikes:
            found.append(fault)
            tell(fault)
    except (Stopped, KeyboardInterrupt):  # a campaign may take hours, and what it found counts
        return True
    return False


class _Wanted(NamedTuple):
    """Settings of a campaign, and the kinds whose faults found their run at an end already."""

    seed: int
    faults: int
    kinds: Sequence[str]
    missed: list[str]


def _all(subject: Subject, undisturbed: Undisturbed, folder: Path, wanted: _Wanted) -> Generator[Fault, None, None]:
    """Yield the faults at random, then those of the sweep."""
    draw = random.Random(wanted.seed)  # noqa: S311 - no secret
    kinds = [name for name in wanted.kinds if name != SWEPT]
    order = [kinds[number % len(kinds)] for number in range(wanted.faults if kinds else 0)]
    draw.shuffle(order)
    order.sort(key=lambda name: not KINDS[name].chains)  # those that may follow each other, in one row
    for devices in sorted({KINDS[name].devices for name in order}):
        struck, place = replace(subject, devices=devices), folder / f"on-{devices}"
        # The last bits of scores depend on the number of devices.
        whole = undisturbed if devices == 1 else run_undisturbed(struck, place / "undisturbed", "undisturbed")
        chosen = [name for name in order if KINDS[name].devices == devices]
        yield from _strike(chosen, _Chain(struck, whole, place), draw, wanted.missed)
    if SWEPT in wanted.kinds:
        for detail, lost in sweep(subject, folder / "sweep"):
            yield Fault(kind=SWEPT, detail=detail, lost=lost)


def _strike(names: Sequence[str], chain: _Chain, draw: random.Random, missed: list[str]) -> Iterator[Fault]:
    """Yield faults of these kinds, struck one after the other."""
    try:
        for name in names:
            yield from chain.strike(name, draw, missed)
        yield from chain.close()
    finally:
        chain.abandon()


class _Chain:
    """Faults that strike one folder after each other, until its run is repeated undisturbed."""

    def __init__(self, subject: Subject, undisturbed: Undisturbed, folder: Path) -> None:
        self.subject, self.undisturbed, self.folder = subject, undisturbed, folder
        self.round: Round | None = None
        self.rounds = 0
        self.struck: list[Fault] = []

    def strike(self, name: str, draw: random.Random, missed: list[str]) -> Iterator[Fault]:
        """Strike once; yield the faults of the folder when its run was repeated."""
        kind = KINDS[name]
        if not kind.chains:
            yield from self.close()
        for _ in range(_MISSES):
            self.round = self.round or self._open()
            detail = kind.strike(self.round, draw)
            if detail is not None:
                self.struck.append(Fault(kind=name, detail=detail, lost=self.round.losses()))
                if not kind.chains or len(self.struck) == CHAIN or self.round.is_whole:
                    yield from self.close()
                return
            missed.append(name)
            yield from self.close()

    def close(self) -> Iterator[Fault]:
        """Repeat the run of the folder undisturbed, and yield its faults; a difference counts for the last of them."""
        if self.round is None:
            return
        lines = self.round.repeat()
        self.round.close()
        if lines and not self.struck:
            self.struck.append(Fault(kind="none", detail="the run ended before a fault struck", lost=[]))
        for fault in self.struck:
            fault.lost.extend(lines if fault is self.struck[-1] else ())
        yield from self.struck
        self.round, self.struck = None, []

    def abandon(self) -> None:
        """End what runs in the folder, if a signal ends the campaign."""
        if self.round is not None:
            end_marked(self.round.mark)
            self.round.close()

    def _open(self) -> Round:
        self.rounds += 1
        return Round(self.subject, self.undisturbed, self.folder / f"round-{self.rounds}")


def count(faults: Sequence[Fault], missed: Sequence[str] = ()) -> list[Count]:
    """Return a line for each kind that was tried."""
    return [
        Count(
            kind=name,
            what=what,
            tried=len(mine),
            survived=sum(not fault.lost for fault in mine),
            lost=sum(bool(fault.lost) for fault in mine),
            missed=list(missed).count(name),
        )
        for name, what in WHAT.items()
        if (mine := [fault for fault in faults if fault.kind == name])
    ]
