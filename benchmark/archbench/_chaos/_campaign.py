"""A campaign: faults drawn from a seed strike the small suite, and what got lost is counted."""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec

from archbench._chaos._chain import Chain, Fault
from archbench._chaos._kinds import KINDS, SWEPT
from archbench._chaos._preloading import Preloaded
from archbench._chaos._round import Ground, fork
from archbench._chaos._subject import Subject, run_undisturbed
from archbench._chaos._sweeping import sweep
from archbench._plugins import Stopped
from archbench._version import __version__

WHAT = {
    **{name: kind.what for name, kind in KINDS.items()},
    SWEPT: "one file call of a run of three trials fails, or all that need space from it on; every call in turn",
    "none": "nothing; the run alone",
}
"""What happens, for people, by the name of the kind."""


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
        forked_seconds: how long if it is forked from a process that has loaded torch; None if none was, on one device.
        seconds: how long the campaign took.
        archbench: version of the suite.
        resumed: number of trials that went on in the middle, from the state that a killed one had kept.
        stopped: a signal ended the campaign early.
        counts: a line for each kind.
        faults: those that struck, in their order.
    """

    seed: int
    suite: list[str]
    trials: int
    undisturbed_seconds: float
    forked_seconds: float | None
    seconds: float
    archbench: str
    resumed: int
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
    with tempfile.TemporaryDirectory(prefix="archbench-chaos-") as place, _temporary_files(folder := Path(place)):
        undisturbed = run_undisturbed(lambda out: subject.start(out, "undisturbed"), folder / "undisturbed")
        struck = _Struck(Ground(subject, undisturbed), folder, seed, faults, kinds)
        with contextlib.closing(struck.each()) as strikes:
            stopped = _gather(strikes, found, tell)
    return Campaign(
        seed=seed,
        suite=subject.arguments(Path("OUT")),
        trials=len(undisturbed.numbers),
        undisturbed_seconds=round(undisturbed.seconds, 1),
        forked_seconds=struck.forked_seconds,
        seconds=round(time.monotonic() - start, 1),
        archbench=__version__,
        resumed=sum(chain.resumed for chain in struck.chains),
        stopped=stopped,
        counts=count(found, struck.missed),
        faults=found,
    )


@contextlib.contextmanager
def _temporary_files(folder: Path) -> Iterator[None]:
    """Let the runs make their temporary files in a folder that goes with the campaign: a killed run leaves its own."""
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"] = str(folder)
    try:
        yield
    finally:
        del os.environ["TMPDIR"]
        if before is not None:
            os.environ["TMPDIR"] = before


def _gather(strikes: Iterator[Fault], found: list[Fault], tell: Callable[[Fault], None]) -> bool:
    """Keep each fault and tell of it; return whether a signal ended that early."""
    try:
        for fault in strikes:
            found.append(fault)
            tell(fault)
    except (Stopped, KeyboardInterrupt):  # a campaign may take hours, and what it found counts
        return True
    return False


class _Struck:
    """The faults of a campaign.

    Args:
        fresh: the suite that is struck.
        folder: for all output folders.
        seed, faults, kinds: as for `carry_out`.

    Attributes:
        missed: the kinds of the faults that found their run at an end.
        forked_seconds: how long the suite takes that is forked; None if there was none on one device.
        chains: those of the faults at random, one for each number of devices.
    """

    def __init__(self, fresh: Ground, folder: Path, seed: int, faults: int, kinds: Sequence[str]) -> None:
        self.fresh, self.folder, self.kinds = fresh, folder, kinds
        self.draw = random.Random(seed)  # noqa: S311 - no secret
        chosen = [name for name in kinds if name != SWEPT]
        self.order = [chosen[number % len(chosen)] for number in range(faults if chosen else 0)]
        self.draw.shuffle(self.order)
        self.order.sort(key=lambda name: not KINDS[name].chains)  # those that may follow each other, in one row
        self.missed: list[str] = []
        self.forked_seconds: float | None = None
        self.chains: list[Chain] = []

    def each(self) -> Generator[Fault, None, None]:
        """Yield the faults at random, then those of the sweep."""
        with contextlib.ExitStack() as stack:
            chains = any(KINDS[name].chains for name in self.order)
            preloaded = stack.enter_context(contextlib.closing(self._preload())) if chains else None
            for devices in sorted({KINDS[name].devices for name in self.order}):
                chain = self._chain(devices, preloaded)
                chosen = [name for name in self.order if KINDS[name].devices == devices]
                yield from chain.strike_all(chosen, self.draw, self.missed)
        if SWEPT in self.kinds:
            for detail, lost in sweep(self.fresh.subject, self.folder / "sweep"):
                yield Fault(kind=SWEPT, detail=detail, lost=lost)

    def _preload(self) -> Preloaded:
        return Preloaded(self.fresh.subject.libraries)

    def _chain(self, devices: int, preloaded: Preloaded | None) -> Chain:
        place, fresh = self.folder / f"on-{devices}", self.fresh
        if devices != fresh.subject.devices:  # the last bits of scores depend on the number of devices
            subject = replace(fresh.subject, devices=devices)
            fresh = Ground(subject, run_undisturbed(lambda out: subject.start(out, "undisturbed"), place / "fresh"))
        forked = None if preloaded is None else fork(fresh, preloaded, place / "forked")
        if forked is not None and devices == 1:
            self.forked_seconds = round(forked.undisturbed.seconds, 1)
        self.chains.append(Chain(fresh, forked, place))
        return self.chains[-1]


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
