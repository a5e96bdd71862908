"""Shares of a plan for several machines."""

from __future__ import annotations

import itertools
from collections import Counter

import msgspec
import pytest

from archbench._errors import SelectionError
from archbench._planning import Plan, Shard, make_plan, take_shard
from archbench._protocols import Tuning, find_protocol
from archbench._selection import select
from support import Make

SMOKE = find_protocol("smoke")


def plan(make_architecture: Make, make_task: Make, *, seeds: int = 3, names: str = "abcde", **protocol: object) -> Plan:
    """A plan of five architectures on a short and a long task."""
    tasks = [make_task("short", effort=1.0), make_task("long", effort=4.0)]
    return make_plan(
        select(["all"], [make_architecture(name) for name in names], "architecture"),
        select(["all"], tasks, "task"),
        protocol=msgspec.structs.replace(SMOKE, **protocol),
        seeds=seeds,
    )


@pytest.mark.parametrize("total", [1, 2, 3, 4, 7])
def test_shards_are_a_partition(total: int, make_architecture: Make, make_task: Make) -> None:
    """The shards of a plan have all of its trials, each once, with the same ids."""
    whole = plan(make_architecture, make_task)
    shares = [[p.id for p in take_shard(whole, Shard(n, total)).trials] for n in range(1, total + 1)]

    assert sorted(itertools.chain(*shares)) == sorted(p.id for p in whole.trials)


def test_shards_cost_the_same(make_architecture: Make, make_task: Make) -> None:
    """No shard has more than one long trial more than another, and each architecture is spread over them."""
    whole = plan(make_architecture, make_task, seeds=4)
    shares = [take_shard(whole, Shard(n, 4)) for n in range(1, 5)]
    steps = [sum(4 if p.trial.task.label == "long" else 1 for p in share.trials) for share in shares]

    assert sum(steps) == 5 * 4 * (1 + 4)
    assert max(steps) - min(steps) <= 4
    for share in shares:
        assert set(Counter(p.trial.architecture.label for p in share.trials).values()) == {2}
    assert sum(share.cost for share in shares) == whole.cost == 40


def test_a_tuned_cell_stays_whole(make_architecture: Make, make_task: Make) -> None:
    """The seeds of a cell that is tuned are in one shard, as is its tuning."""
    rules = Tuning(rates=(0.1, 0.01), seeds=1)
    whole = plan(make_architecture, make_task, tuning=rules)
    shares = [take_shard(whole, Shard(n, 3)) for n in range(1, 4)]

    assert [len(cell.trained_seeds) for share in shares for cell in share.cells] == [3] * 10
    assert sum(share.cost for share in shares) == whole.cost


def test_tuning_counts_in_the_cost_of_a_share(make_architecture: Make, make_task: Make) -> None:
    """A long cell costs as much as four short ones, tuning included, so a share has one of it or all of the others."""
    whole = plan(make_architecture, make_task, names="abcd", tuning=Tuning(rates=(0.1, 0.03, 0.01, 0.003), seeds=1))
    shares = [take_shard(whole, Shard(n, 5)) for n in range(1, 6)]

    assert [Counter(cell.task.component.label for cell in share.cells) for share in shares] == [
        {"long": 1}, {"long": 1}, {"long": 1}, {"long": 1}, {"short": 4}
    ]  # fmt: skip


def test_a_shard_is_its_number_and_the_total() -> None:
    """The first number of the text is the share, the second the number of shares."""
    assert Shard.parse("2/5") == Shard(number=2, total=5)


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "1/", "a/b", "1/4/2", "-1/4", ""])
def test_malformed_shards(text: str) -> None:
    """A text that names no share is refused, with the form that is wanted."""
    with pytest.raises(SelectionError, match=r"give I/N, such as 1/4"):
        Shard.parse(text)


def test_more_shards_than_trials(make_architecture: Make, make_task: Make) -> None:
    """A shard that gets nothing says so, instead of ending well without any work."""
    whole = plan(make_architecture, make_task, seeds=1, names="a")

    assert len(take_shard(whole, Shard(2, 2)).trials) == 1
    with pytest.raises(SelectionError, match="shard 3/3 gets nothing"):
        take_shard(whole, Shard(3, 3))
