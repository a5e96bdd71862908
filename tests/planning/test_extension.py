"""Which trials may go on from the end of a shorter one, and by which hash they find it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from archbench._errors import SelectionError
from archbench._planning import check_extension, make_plan, without_budget
from archbench._planning._extension import why_not_extended
from archbench._protocols import Probes, Protocol, Recipe, Tuning, equal_steps, find_protocol
from archbench._records import Trial
from archbench._selection import select
from support import Make

CONSTANT = Recipe(optimizer="sgd", learning_rate=0.1, milestones=(), warmup=0.0)
STEADY = Protocol(name="any budget", steps=equal_steps(1), batch_size=8, recipe=CONSTANT, validations=1)


@pytest.mark.parametrize(
    ("protocol", "reason"),
    [
        (STEADY, ""),
        (msgspec.structs.replace(STEADY, steps=None, epochs=2.0), ""),
        (msgspec.structs.replace(STEADY, steps=None, seconds=2.0), "the budget is a time, and"),
        (find_protocol("paper"), "each architecture brings a recipe made for its own budget"),
        (msgspec.structs.replace(STEADY, tuning=Tuning(trials=2)), "tuning chose the recipe"),
        (msgspec.structs.replace(STEADY, probes=Probes(measure=("gradient",))), "probes measure at shares of"),
        (
            msgspec.structs.replace(STEADY, recipe=msgspec.structs.replace(CONSTANT, milestones=None)),
            "the learning rate falls along half a cosine",
        ),
        (
            msgspec.structs.replace(STEADY, recipe=msgspec.structs.replace(CONSTANT, milestones=(0.5,))),
            "the learning rate falls at shares",
        ),
        (
            msgspec.structs.replace(STEADY, recipe=msgspec.structs.replace(CONSTANT, warmup=0.1)),
            "the learning rate rises over a share",
        ),
    ],
)
def test_what_follows_the_budget_is_not_extended(protocol: Protocol, reason: str) -> None:
    """A trial goes on from a shorter one only where no step depends on the budget; else the message says which does."""
    found = why_not_extended(protocol)

    assert found.startswith(reason)
    assert bool(found) == bool(reason)
    if not reason:
        check_extension(protocol)
        return
    with pytest.raises(SelectionError, match=f"trials of {protocol.name} cannot be extended: {reason}"):
        check_extension(protocol)


@pytest.fixture
def trial(make_architecture: Make, make_task: Make) -> Trial:
    """A trial under the budget that stands for all: one step, validated once."""
    chosen = select(["a"], [make_architecture("a")], "architecture"), select(["all"], [make_task("x")], "task")
    (planned,) = make_plan(*chosen, protocol=STEADY, seeds=1).trials
    return planned.trial


def test_trials_of_all_budgets_share_the_hash_of_one_step(trial: Trial) -> None:
    """The hash is the id of the trial with one step, so that states which an older version kept are found."""
    longer: list[dict[str, Any]] = [
        {},
        {"name": "long", "steps": equal_steps(40), "validations": 4},
        {"steps": {"image": 3, "sequence": 5, "tokens": 7}},
        {"steps": None, "epochs": 3.0},
    ]

    for changes in longer:
        rules = msgspec.structs.replace(STEADY, **changes)
        assert without_budget(msgspec.structs.replace(trial, protocol=rules)) == trial.id


@pytest.mark.parametrize(
    "changes", [{"batch_size": 9}, {"revision": 3}, {"recipe": msgspec.structs.replace(CONSTANT, learning_rate=0.2)}]
)
def test_other_rules_are_no_larger_budget(trial: Trial, changes: dict[str, Any]) -> None:
    """Trials that differ in more than the budget share no hash, and neither do seeds."""
    rules = msgspec.structs.replace(STEADY, **changes)

    assert without_budget(msgspec.structs.replace(trial, protocol=rules)) != trial.id
    assert without_budget(msgspec.structs.replace(trial, seed=1)) != trial.id
