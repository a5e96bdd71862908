"""Faults that strike one folder after each other, until its run is repeated undisturbed."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from archbench._chaos._kinds import KINDS
from archbench._chaos._round import Ground, Round

CHAIN = 5
"""Most faults that strike one folder in a row."""

FRESH = 10
"""Of so many folders that kill signals strike, one has runs that are started afresh, with all that loading torch takes;
those of the others are forked from a process that has loaded it."""

_MISSES = 10
"""Tries of a fault that finds its run at an end already."""


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A fault that struck.

    Args:
        kind: its name.
        detail: when or how, and how the run ended.
        lost: a line for everything that it cost beside the trials that ran; empty if it was survived.
        forked: the run was forked from a process that had loaded torch.
    """

    kind: str
    detail: str
    lost: list[str]
    forked: bool = False


class Chain:
    """Strikes one folder after the other, each several times in a row where the kinds of faults allow it.

    Args:
        fresh: the suite as people start it.
        forked: the suite as it is forked; None to start all runs afresh.
        folder: for the folders.

    Attributes:
        resumed: number of trials that went on in the middle, in all folders.
    """

    def __init__(self, fresh: Ground, forked: Ground | None, folder: Path) -> None:
        self.fresh, self.forked, self.folder = fresh, forked, folder
        self.round: Round | None = None
        self.rounds = self.resumed = 0
        self.struck: list[Fault] = []

    def strike_all(self, names: Sequence[str], draw: random.Random, missed: list[str]) -> Iterator[Fault]:
        """Yield faults of these kinds, struck one after the other.

        Args:
            names: the kinds.
            draw: of moments and victims.
            missed: gets the kinds whose faults found their run at an end.
        """
        try:
            for name in names:
                yield from self._strike(name, draw, missed)
            yield from self._close()
        finally:
            if self.round is not None:  # a signal ends the campaign
                self.round.abandon()

    def _strike(self, name: str, draw: random.Random, missed: list[str]) -> Iterator[Fault]:
        """Strike once; yield the faults of the folder when its run was repeated."""
        kind = KINDS[name]
        if not kind.chains:
            yield from self._close()
        for _ in range(_MISSES):
            self.round = self.round or self._open(chains=kind.chains)
            detail = kind.strike(self.round, draw)
            if detail is not None:
                lost, forked = self.round.losses(), self.round.ground.preloaded is not None
                self.struck.append(Fault(kind=name, detail=detail, lost=lost, forked=forked))
                if not kind.chains or len(self.struck) == CHAIN or self.round.is_whole:
                    yield from self._close()
                return
            missed.append(name)
            yield from self._close()

    def _open(self, *, chains: bool) -> Round:
        self.rounds += 1
        forked = self.forked if chains and self.rounds % FRESH else None
        return Round(forked or self.fresh, self.folder / f"round-{self.rounds}")

    def _close(self) -> Iterator[Fault]:
        """Repeat the run of the folder undisturbed, and yield its faults; a difference counts for the last of them."""
        if self.round is None:
            return
        lines = self.round.repeat()
        self.resumed += self.round.resumed
        self.round.close()
        if lines and not self.struck:
            self.struck.append(Fault(kind="none", detail="the run ended before a fault struck", lost=[]))
        for fault in self.struck:
            fault.lost.extend(lines if fault is self.struck[-1] else ())
        yield from self.struck
        self.round, self.struck = None, []
