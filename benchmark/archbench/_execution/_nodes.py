"""Trials on the nodes of a cluster: a free device gets the next one, and those of a lost node are given to others."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import msgspec

from archbench._errors import ClusterError
from archbench._execution._messages import Event, Failed, Finished, Joined, Lost, Note, Opened, Refused
from archbench._planning import Device, Job, PlannedTrial
from archbench._records import Record, Store, Weights, decode_record

MOST_STARTS = 2
"""How often a trial is started at most if the nodes on which it runs are lost."""

TICK_SECONDS = 0.5


class Link(Protocol):
    """The way to the nodes of a cluster."""

    def give(self, node: str, job: Job) -> None:
        """Start a trial on a node, which has a free device."""

    def events(self, seconds: float) -> list[Event]:
        """Return what happened; wait for the first at most so long."""

    def close(self) -> None:
        """End all trials and leave the cluster."""


@dataclass(slots=True)
class _Node:
    joined: Joined
    running: dict[str, PlannedTrial] = field(default_factory=dict)

    @property
    def free(self) -> int:
        return len(self.joined.devices) - len(self.running)


class NodesExecutor:
    """Runs trials through a link.

    Args:
        link: the way to the nodes.
        ready: is told the devices of all nodes whenever they change, and a warning.
        warned: is told what went wrong on a node, in a line.
        waiting: called at least twice a second while nodes get ready.

    Raises:
        ClusterError: a node is not fit for the run, or there is none.
    """

    def __init__(
        self,
        link: Link,
        *,
        ready: Callable[[Sequence[Device], str], None],
        warned: Callable[[str], None],
        waiting: Callable[[], None],
    ) -> None:
        self._link, self._ready, self._warned = link, ready, warned
        self._nodes: dict[str, _Node] = {}
        self._unfit: list[Refused] = []
        self._is_open = False
        try:
            while not self._is_open:
                self._take(self._link.events(TICK_SECONDS))
                waiting()
            self._raise_if_unfit()
        except BaseException:
            self.close()
            raise

    def execute(
        self,
        planned: Sequence[PlannedTrial],
        store: Store,
        *,
        timeout: float | None,
        keep: Callable[[Any], Weights | None] = lambda planned: None,
        on_start: Callable[[Any], None] = lambda planned: None,
        on_tick: Callable[[], None] = lambda: None,
    ) -> Generator[Record, None, None]:
        """Run trials and yield their records as they finish; the arguments are those of a local run.

        Raises:
            ClusterError: no node is left, or the cluster cannot be reached any more.
        """
        waiting, lost = deque(planned), Counter[str]()
        try:
            while waiting or any(node.running for node in self._nodes.values()):
                self._hand_out(waiting, keep, on_start)
                for event in self._take(self._link.events(TICK_SECONDS)):
                    if isinstance(event, Finished):
                        yield from self._finish(event, store)
                    else:
                        yield from self._give_up(event, store, waiting, lost)
                on_tick()
        finally:
            if any(node.running for node in self._nodes.values()):
                self.close()  # the caller is shutting down

    def close(self) -> None:
        """End all trials that still run, and leave the cluster."""
        self._nodes.clear()
        self._link.close()

    def _hand_out(
        self,
        waiting: deque[PlannedTrial],
        keep: Callable[[Any], Weights | None],
        on_start: Callable[[Any], None],
    ) -> None:
        """Give trials to nodes with free devices, one to each in turn, so that all have about as many."""
        if not self._nodes:
            raise ClusterError(
                f"every node of the cluster is lost, and {len(waiting)} trials are left; the same command goes on when "
                "there are nodes again"
            )
        while waiting and (node := max(self._nodes.values(), key=lambda node: node.free)).free > 0:
            trial = waiting.popleft()
            node.running[trial.id] = trial
            on_start(trial)
            job = msgspec.structs.replace(trial.job(Device(kind="cpu")), keep=keep(trial))
            self._link.give(node.joined.node, job)

    def _take(self, events: Sequence[Event]) -> list[Finished | Lost]:
        """Note what concerns nodes, and return what concerns trials."""
        concerning: list[Finished | Lost] = []
        for event in events:
            match event:
                case Finished() | Lost():
                    concerning.append(event)
                case Joined():
                    self._nodes[event.node] = _Node(event)
                    self._tell_devices(event.warning and f"node {event.host}: {event.warning}")
                case Refused():
                    self._refuse(event)
                case Opened():
                    self._is_open = True
                    self._tell_devices("")
                case Note():
                    self._warned(event.text)
                case Failed():
                    raise ClusterError(event.reason)
        return concerning

    def _refuse(self, refused: Refused) -> None:
        """Note a node that is not fit; one that comes later does not end the run."""
        self._unfit.append(refused)
        if self._is_open:
            self._warned(f"node {refused.host} takes no part: {'; '.join(refused.reasons)}")

    def _raise_if_unfit(self) -> None:
        if self._unfit:
            said = "; ".join(f"node {unfit.host}: {'; '.join(unfit.reasons)}" for unfit in self._unfit)
            raise ClusterError(f"the cluster is not fit for this run. {said}")
        if not self._nodes:
            raise ClusterError("the cluster has no node with a free core; see `ray status`")

    def _tell_devices(self, warning: str) -> None:
        """Say what there is; not before all nodes have come that were there at the start."""
        devices = [device for node in self._nodes.values() for device in node.joined.devices]
        if warning:
            self._warned(warning)
        if self._is_open and devices:
            self._ready(devices, "")

    def _finish(self, finished: Finished, store: Store) -> Generator[Record, None, None]:
        """Write and yield a record, unless nobody waits for it any more."""
        record = decode_record(finished.record.encode())
        node = self._nodes.get(finished.node)
        if node is not None and node.running.pop(record.id, None) is not None:
            yield store.write(record)

    def _give_up(
        self, lost: Lost, store: Store, waiting: deque[PlannedTrial], losses: Counter[str]
    ) -> Generator[Record, None, None]:
        """Take back the trials of a lost node; those that are lost for the second time get a record that says so."""
        node = self._nodes.pop(lost.node, None)
        if node is None:
            return
        self._warned(f"node {node.joined.host} is lost ({lost.reason}); {len(node.running)} trials ran there")
        self._tell_devices("")
        for trial in reversed(node.running.values()):
            losses[trial.id] += 1
            if losses[trial.id] < MOST_STARTS:
                waiting.appendleft(trial)
                continue
            message = f"the nodes on which it ran were lost {MOST_STARTS} times, at last {node.joined.host}"
            yield store.write(trial.job(node.joined.devices[0]).record("crashed", message, detail=lost.reason))
