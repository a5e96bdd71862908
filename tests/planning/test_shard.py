"""Shares of a plan for several machines."""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace

import msgspec
import pytest

from archbench._errors import SelectionError
from archbench._planning import Plan, Shard, deal, make_plan, take_shard, unite
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


def test_a_tuned_cell_weighs_all_its_trials(make_architecture: Make, make_task: Make) -> None:
    """Two seeds and four candidates weigh as much as six seeds of a cell that is not tuned, under other rules."""
    tuned = plan(make_architecture, make_task, seeds=2, names="a", tuning=Tuning(rates=(0.1, 0.03, 0.01, 0.003)))
    plain = plan(make_architecture, make_task, seeds=6, names="a", name="plain")
    short = [replace(whole, cells=whole.cells[:1]) for whole in (tuned, plain)]
    shares = [take_shard(unite(short), Shard(n, 2)) for n in (1, 2)]

    assert [[(cell.protocol.name, len(cell.trained_seeds)) for cell in share.cells] for share in shares] == [
        [("smoke", 2)], [("plain", 6)]
    ]  # fmt: skip


@pytest.mark.parametrize("budget", [{"epochs": 2.0}, {"seconds": 5.0}])
def test_budgets_of_other_units_are_shared_too(
    budget: dict[str, float], make_architecture: Make, make_task: Make
) -> None:
    """Epochs and seconds are multiplied by the effort of a task, so a long trial weighs as much as four short ones."""
    whole = plan(make_architecture, make_task, seeds=1, names="abcd", steps=None, **budget)
    shares = [take_shard(whole, Shard(n, 5)) for n in range(1, 6)]

    assert [Counter(p.trial.task.label for p in share.trials) for share in shares] == [
        {"long": 1}, {"long": 1}, {"long": 1}, {"long": 1}, {"short": 4}
    ]  # fmt: skip


def test_trials_that_cannot_be_trained_weigh_nothing(make_architecture: Make, make_task: Make) -> None:
    """The shard that gets the failed trials of an architecture has no fewer of the others for it."""
    nets = [make_architecture("a"), make_architecture("bad", incompatible=lambda info, options: 7)]
    chosen = select(["all"], nets, "architecture"), select(["all"], [make_task()], "task")
    whole = make_plan(*chosen, protocol=SMOKE, seeds=2)
    shares = [take_shard(whole, Shard(n, 2)) for n in (1, 2)]

    assert [[(p.trial.architecture.label, p.trial.seed) for p in share.trials] for share in shares] == [
        [("a", 0), ("bad", 0), ("bad", 1)], [("a", 1)]
    ]  # fmt: skip


def test_trials_are_dealt_by_cost(make_architecture: Make, make_task: Make) -> None:
    """The long trials go first, cell by cell, each trial to the share that has least so far; shares keep the order."""
    trials = plan(make_architecture, make_task, seeds=2, names="ab").trials
    named = [
        [(p.trial.architecture.label, p.trial.task.label, p.trial.seed) for p in share] for share in deal(trials, 3)
    ]

    assert named == [
        [("a", "long", 0), ("b", "long", 1)],
        [("a", "short", 0), ("b", "short", 0), ("a", "long", 1)],
        [("b", "long", 0), ("a", "short", 1), ("b", "short", 1)],
    ]


@pytest.mark.parametrize(("text", "number", "total"), [("2/5", 2, 5), ("4/4", 4, 4), ("1/1", 1, 1), ("9/10", 9, 10)])
def test_a_shard_is_its_number_and_the_total(text: str, number: int, total: int) -> None:
    """The first number of the text is the share, the second the number of shares; the last share is one too."""
    assert Shard.parse(text) == Shard(number=number, total=total)


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


def test_a_share_has_trials_of_its_own(make_architecture: Make, make_task: Make) -> None:
    """Trials are made once for each cell, and the share of a cell whose trials were made has only its seeds."""
    whole = plan(make_architecture, make_task, names="a")
    made = {planned.id: planned for planned in whole.trials}
    share = take_shard(whole, Shard(1, 2))

    assert all(planned is made[planned.id] for planned in whole.trials)
    assert [p.trial.seed for cell in share.cells for p in cell.trials()] == [
        s for c in share.cells for s in c.share or ()
    ]
    assert 0 < len(share.trials) < len(made)
