"""Processes that train one trial together: what each is told, and which of them tells the result."""

from __future__ import annotations

import socket

import msgspec
import pytest

from archbench._planning import Device, Job, Rank, make_plan, rank_of
from archbench._protocols import find_protocol
from archbench._selection import select
from support import Make

RANK = Rank(number=6, total=8, local_number=2, local_total=4)
VARIABLES = {"RANK": "6", "WORLD_SIZE": "8", "LOCAL_RANK": "2", "LOCAL_WORLD_SIZE": "4"}


@pytest.fixture
def job(make_architecture: Make, make_task: Make) -> Job:
    """A job that keeps its weights and is followed, on the second of several devices."""
    chosen = select(["a"], [make_architecture("a")], "architecture"), select(["all"], [make_task("x")], "task")
    (planned,) = make_plan(*chosen, protocol=find_protocol("smoke"), seeds=1).trials
    plain = planned.job(Device(kind="cuda", index=1, threads=5))
    return msgspec.structs.replace(plain, keep="last", logger="csv")


def test_only_rank_0_tells_the_result() -> None:
    """Of three ranks the first leads, wherever it is on its machine."""
    ranks = [Rank(number=number, total=3, local_number=2 - number, local_total=3) for number in range(3)]

    assert [rank.leads for rank in ranks] == [True, False, False]
    assert str(ranks[1]) == "rank 1 of 3"


def test_torchrun_gives_a_rank() -> None:
    """Each of its four numbers is taken from the variable of its name; the ranks meet by address and not by a file."""
    assert rank_of({"TORCHELASTIC_RUN_ID": "none", **VARIABLES}) == RANK
    assert RANK.meeting == ""


def test_without_torchrun_there_is_no_rank() -> None:
    """Other launchers set such variables too, but do not start this command once for each device."""
    assert rank_of(VARIABLES) is None


@pytest.mark.parametrize(
    ("interfaces", "loopback"),
    [(("eth0", "lo"), "lo"), (("lo0", "en0"), "lo0"), (("lo0", "lo"), "lo"), (("eth0",), None)],
)
def test_a_rank_is_told_by_variables(
    interfaces: tuple[str, ...], loopback: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ranks talk through the loopback interface, where its name is known."""
    monkeypatch.setattr(socket, "if_nameindex", lambda: list(enumerate(interfaces, start=1)))
    through = {"GLOO_SOCKET_IFNAME": loopback, "NCCL_SOCKET_IFNAME": loopback} if loopback else {}

    assert RANK.variables() == {**VARIABLES, "NODE_RANK": "0", "MASTER_ADDR": "127.0.0.1", **through}


@pytest.mark.parametrize(("kind", "index"), [("cuda", 3), ("cpu", 1), ("mps", 1)])
def test_a_rank_has_a_device_of_its_own(job: Job, kind: str, index: int) -> None:
    """The third rank of a machine has the third GPU from the first one of the trial; a CPU is shared."""
    job = msgspec.structs.replace(job, device=msgspec.structs.replace(job.device, kind=kind))
    mine = job.of_rank(RANK)

    assert mine.device == Device(kind=kind, index=index, threads=5, count=8)
    assert (mine.rank, mine.keep, mine.logger) == (RANK, None, None)
    assert mine.trial == job.trial


def test_the_leading_rank_keeps_the_network_and_is_followed(job: Job) -> None:
    """The weights and the logger of the trial are those of rank 0."""
    first = job.of_rank(Rank(number=0, total=2, local_number=0, local_total=2))

    assert (first.keep, first.logger) == (job.keep, "csv")
    assert first.device == Device(kind="cuda", index=1, threads=5, count=2)


def test_a_job_is_plain_unless_somebody_asks(make_architecture: Make, make_task: Make) -> None:
    """A planned trial keeps nothing, extends nothing, has no company, and trains on one device."""
    chosen = select(["a"], [make_architecture("a")], "architecture"), select(["all"], [make_task("x")], "task")
    (planned,) = make_plan(*chosen, protocol=find_protocol("smoke"), seeds=1).trials
    job = planned.job(Device(kind="cpu"))

    assert (job.keep, job.logger, job.rank, job.extend, job.beside, job.own_data) == (None, None, None, False, [], None)
    assert (job.device.count, job.handed_over, job.manifests) == (1, 0.0, {})
    assert job.record("failed").message == ""
