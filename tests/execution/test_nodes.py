"""Trials on the nodes of a cluster, with a link that plays the cluster: nothing is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from archbench._errors import ClusterError
from archbench._execution._messages import Event, Failed, Finished, Joined, Lost, Note, Opened, Refused
from archbench._execution._nodes import NodesExecutor
from archbench._planning import Device, Job, PlannedTrial, make_plan
from archbench._protocols import find_protocol
from archbench._records import Record, Store, encode_record
from archbench._selection import select
from support import Make

CPU = Device(kind="cpu")


class PlayedCluster:
    """A link to nodes that exist on paper: a script says what happens after each round of trials.

    Args:
        at_start: what happens before the first trial.
        then: called with this object whenever events are wanted; returns what happened.
    """

    def __init__(self, at_start: list[Event], then: Callable[[PlayedCluster], list[Event]] = lambda _: []) -> None:
        self.coming, self.then = [at_start], then
        self.running: list[tuple[str, Job]] = []
        self.most: dict[str, int] = {}
        self.given: list[tuple[str, int]] = []
        self.closed = False

    def give(self, node: str, job: Job) -> None:
        """Note who got the trial, and how many it has."""
        self.running.append((node, job))
        self.given.append((node, job.trial.seed))
        self.most[node] = max(self.most.get(node, 0), sum(name == node for name, _ in self.running))

    def events(self, seconds: float) -> list[Event]:
        """Return what the script says."""
        return self.coming.pop(0) if self.coming else self.then(self)

    def close(self) -> None:
        """Note it."""
        self.closed = True

    def finish(self, *nodes: str) -> list[Event]:
        """End all trials on some nodes, or on all."""
        ended = [(node, job) for node, job in self.running if not nodes or node in nodes]
        self.running = [pair for pair in self.running if pair not in ended]
        return [Finished(node=node, record=finished(job)) for node, job in ended]

    def lose(self, *nodes: str) -> list[Event]:
        """Let nodes vanish with their trials."""
        self.running = [(node, job) for node, job in self.running if node not in nodes]
        return [Lost(node=node, reason="no more power") for node in nodes]


def finished(job: Job) -> str:
    """The record of a trial as a node sends it."""
    return encode_record(job.record("failed", "this network is played")).decode()


def joined(name: str, devices: int = 1) -> Joined:
    """The event of a node with some devices."""
    return Joined(node=name, host=f"host-of-{name}", devices=[CPU] * devices)


@pytest.fixture
def planned(make_architecture: Make, make_task: Make) -> list[PlannedTrial]:
    """Six trials that nobody can train."""
    return make_plan(
        select(["all"], [make_architecture()], "architecture"),
        select(["all"], [make_task()], "task"),
        protocol=find_protocol("smoke"),
        seeds=6,
    ).trials


class Heard:
    """Keeps what an executor says."""

    def __init__(self) -> None:
        self.devices: list[int] = []
        self.warnings: list[str] = []

    def open(self, cluster: PlayedCluster) -> NodesExecutor:
        """Return an executor that says it here."""
        return NodesExecutor(
            cluster,
            ready=lambda devices, warning: self.devices.append(len(devices)),
            warned=self.warnings.append,
            waiting=lambda: None,
        )


@pytest.fixture
def heard() -> Heard:
    """Keeps what the executor of the test says."""
    return Heard()


def train(executor: NodesExecutor, planned: list[PlannedTrial], folder: Path) -> Iterator[Record]:
    """Carry out the trials into a folder."""
    return executor.execute(planned, Store(folder), timeout=None)


def test_a_node_gets_no_more_trials_than_it_has_devices(
    planned: list[PlannedTrial], heard: Heard, tmp_path: Path
) -> None:
    """Each trial is given once, no node has more at a time than devices, and every record is in the store."""
    cluster = PlayedCluster([joined("a", 2), joined("b"), Opened()], lambda played: played.finish())
    records = list(train(heard.open(cluster), planned, tmp_path))

    assert sorted(seed for _, seed in cluster.given) == [0, 1, 2, 3, 4, 5]
    assert cluster.most == {"a": 2, "b": 1}
    assert sorted(record.trial.seed for record in records) == [0, 1, 2, 3, 4, 5]
    assert {record.id for record in Store(tmp_path).load()[0].values()} == {trial.id for trial in planned}
    assert heard.devices == [3]


def test_trials_of_a_lost_node_go_to_the_others(planned: list[PlannedTrial], heard: Heard, tmp_path: Path) -> None:
    """Whatever ran on a node that is gone runs again elsewhere, and the loss is told."""
    scripts = iter([lambda played: played.lose("a"), *[lambda played: played.finish()] * 6])
    cluster = PlayedCluster([joined("a", 2), joined("b"), Opened()], lambda played: next(scripts)(played))
    records = list(train(heard.open(cluster), planned, tmp_path))

    assert {record.message for record in records} == {"this network is played"}
    assert len(records) == 6
    assert [node for node, _ in cluster.given[3:]] == ["b"] * 5
    assert heard.warnings == ["node host-of-a is lost (no more power); 2 trials ran there"]
    assert heard.devices == [3, 1]


def test_a_trial_that_is_lost_twice_counts_as_crashed(
    planned: list[PlannedTrial], heard: Heard, tmp_path: Path
) -> None:
    """A trial whose nodes vanish twice is not started a third time; its record says why, the others are trained."""
    scripts = iter([lambda played: [*played.finish("b"), *played.lose("a")], lambda played: played.lose("b")])
    cluster = PlayedCluster(
        [joined("a"), joined("b"), joined("c"), Opened()],
        lambda played: next(scripts, lambda played: played.finish())(played),
    )
    records = {record.trial.seed: record for record in train(heard.open(cluster), planned, tmp_path)}
    (crashed,) = [record for record in records.values() if record.status == "crashed"]

    assert len(records) == 6
    assert "2 times, at last host-of-b" in crashed.message
    assert sum(seed == crashed.trial.seed for _, seed in cluster.given) == 2


def test_records_of_a_lost_node_come_too_late(planned: list[PlannedTrial], heard: Heard, tmp_path: Path) -> None:
    """A trial that was given to another node has one record, also if the lost node sends one after all."""
    late: list[Event] = []

    def script(played: PlayedCluster) -> list[Event]:
        if not late:
            late.extend(Finished(node=node, record=finished(job)) for node, job in played.running if node == "a")
            return played.lose("a")
        return [*late, *played.finish()]

    cluster = PlayedCluster([joined("a"), joined("b"), Opened()], script)
    records = list(train(heard.open(cluster), planned, tmp_path))

    assert len(records) == len({record.id for record in records}) == 6


def test_a_node_that_joins_later_takes_part(planned: list[PlannedTrial], heard: Heard, tmp_path: Path) -> None:
    """The run goes on with more devices when a node comes, and an unfit one then costs a line only."""
    coming: list[Event] = [joined("b"), Refused(host="c", reasons=["old"]), Note(text="slow")]
    scripts = iter([lambda played: coming])
    cluster = PlayedCluster(
        [joined("a"), Opened()], lambda played: next(scripts, lambda played: played.finish())(played)
    )
    assert len(list(train(heard.open(cluster), planned, tmp_path))) == 6

    assert {node for node, _ in cluster.given} == {"a", "b"}
    assert heard.devices == [1, 2]
    assert heard.warnings == ["node c takes no part: old", "slow"]


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([joined("a"), Refused(host="b", reasons=["it is old", "no file"]), Opened()], "b: it is old; no"),
        ([Opened()], "no node with a free core"),
        ([Failed(reason="no Ray cluster at nowhere:1")], "nowhere:1"),
    ],
)
def test_a_cluster_that_cannot_be_used(events: list[Event], message: str, heard: Heard) -> None:
    """Before any trial the run is refused in one line that names node and reason, and the link is closed."""
    cluster = PlayedCluster(events)
    with pytest.raises(ClusterError, match=message):
        heard.open(cluster)

    assert cluster.closed


def test_nothing_is_lost_if_every_node_is(planned: list[PlannedTrial], heard: Heard, tmp_path: Path) -> None:
    """Without a node the run ends with an error that says how to go on; what was finished has its record."""
    scripts = iter([lambda played: played.finish(), lambda played: played.lose("a")])
    cluster = PlayedCluster([joined("a"), Opened()], lambda played: next(scripts)(played))
    with pytest.raises(ClusterError, match="5 trials are left; the same command goes on"):
        list(train(heard.open(cluster), planned, tmp_path))

    assert [record.trial.seed for record in Store(tmp_path).load()[0].values()] == [0]


def test_a_run_that_is_stopped_leaves_the_cluster(planned: list[PlannedTrial], heard: Heard, tmp_path: Path) -> None:
    """Closing the iterator, as Ctrl-C does, ends the trials that still run."""
    cluster = PlayedCluster([joined("a", 2), Opened()], lambda played: played.finish()[:1])
    trials = train(heard.open(cluster), planned, tmp_path)
    next(trials)
    assert not cluster.closed
    trials.close()  # type: ignore[attr-defined]

    assert cluster.closed
