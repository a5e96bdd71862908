"""Extending: a trial that goes on from a shorter one ends in the numbers of one that had the larger budget."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from archbench import SelectionError
from archbench._planning import Job, check_extension
from archbench._planning._extension import why_not_extended
from archbench._protocols import Protocol, Recipe, Tuning, equal_steps, find_protocol
from archbench._records import Record
from archbench._training import run_trial
from support import MakeJob
from support.going_on import EVERY_STREAM, numbers, with_rules

CONSTANT = Recipe(optimizer="adamw", learning_rate=0.01, clip_norm=1.0)


def budget(job: Job, steps: int, validations: int, recipe: Recipe = CONSTANT) -> Job:
    """Return a job with a budget, at a constant rate, that extends a shorter one."""
    rules = {"steps": equal_steps(steps), "validations": validations, "recipe": recipe, "name": f"of {steps}"}
    return msgspec.structs.replace(with_rules(job, **rules), extend=True)


def extended(job: Job, folder: Path) -> Record:
    """Run a trial that may go on from states in a folder."""
    return run_trial(job, None, lambda progress: None, None, states=folder)


def names(folder: Path) -> list[str]:
    """The steps of the states in a folder."""
    return sorted(path.stem.rpartition("-")[2] for path in folder.iterdir())


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_every_stream_goes_on(optimizer: str, make_job: MakeJob, tmp_path: Path) -> None:
    """Extended twice, a network that draws from every generator ends as one that had the whole budget at once."""
    recipe = msgspec.structs.replace(CONSTANT, optimizer=optimizer, momentum=0.9 * (optimizer == "sgd"))
    job = make_job(EVERY_STREAM)
    whole = numbers(run_trial(budget(job, 60, 6, recipe)))
    first, second, third = (extended(budget(job, 20 * n, 2 * n, recipe), tmp_path / "states") for n in (1, 2, 3))

    assert numbers(third) == whole
    assert [record.training.resumed_at for record in (first, second, third)] == [[], [20], [40]]
    assert names(tmp_path / "states") == ["60"]


@pytest.mark.parametrize(("architecture", "task"), [("stochastic-depth", "digits"), ("lstm", "parity")])
def test_built_in_networks_go_on(architecture: str, task: str, probed_job: Callable[..., Job], tmp_path: Path) -> None:
    """Dropped layers and recurrence go on bit for bit."""
    job = probed_job(architecture, task, None)
    whole = numbers(run_trial(budget(job, 30, 3)))
    extended(budget(job, 10, 1), tmp_path / "states")
    record = extended(budget(job, 30, 3), tmp_path / "states")

    assert numbers(record) == whole
    assert record.training.resumed_at == [record.training.steps // 3]


@pytest.mark.parametrize("difference", ["validations", "seed", "recipe", "a larger budget"])
def test_a_state_that_does_not_fit_is_left(difference: str, make_job: MakeJob, tmp_path: Path) -> None:
    """A state of other validations, another seed or recipe, or more steps is not gone on from."""
    job, recipe = make_job(EVERY_STREAM), CONSTANT
    kept = make_job(EVERY_STREAM, seed=1) if difference == "seed" else job
    steps, validations = (80, 8) if difference == "a larger budget" else (20, 2)
    if difference == "recipe":
        recipe = msgspec.structs.replace(CONSTANT, learning_rate=0.02)
    extended(budget(kept, steps, 3 if difference == "validations" else validations, recipe), tmp_path / "states")
    record = extended(budget(job, 40, 4), tmp_path / "states")

    assert record.training.resumed_at == []
    assert numbers(record) == numbers(run_trial(budget(job, 40, 4)))


def test_without_the_option_nothing_is_kept(make_job: MakeJob, tmp_path: Path) -> None:
    """A job that extends nothing neither keeps a state nor goes on from one."""
    job = make_job(EVERY_STREAM)
    plain = msgspec.structs.replace(budget(job, 20, 2), extend=False)
    extended(plain, tmp_path / "states")
    assert not (tmp_path / "states").exists()
    extended(budget(job, 20, 2), tmp_path / "states")
    record = extended(msgspec.structs.replace(budget(job, 40, 4), extend=False), tmp_path / "states")

    assert record.training.resumed_at == []
    assert names(tmp_path / "states") == ["20"]


LONG = Protocol(name="long", steps=equal_steps(10), batch_size=8, recipe=CONSTANT)


@pytest.mark.parametrize(
    ("protocol", "reason"),
    [
        (find_protocol("quick"), "half a cosine"),
        (find_protocol("paper"), "own budget"),
        (find_protocol("standard"), "tuning chose"),
        (msgspec.structs.replace(LONG, steps=None, seconds=5.0), "the budget is a time"),
        (msgspec.structs.replace(LONG, recipe=Recipe(optimizer="sgd", learning_rate=1, warmup=0.1)), "rises"),
        (msgspec.structs.replace(LONG, recipe=Recipe(optimizer="sgd", learning_rate=1, milestones=(0.5,))), "falls at"),
        (msgspec.structs.replace(LONG, tuning=Tuning(rates=(0.1, 0.2))), "tuning chose"),
    ],
)
def test_schedules_that_follow_the_budget_are_refused(protocol: Protocol, reason: str) -> None:
    """Each schedule that depends on the budget is refused with its reason and with what would help."""
    with pytest.raises(SelectionError, match=reason) as raised:
        check_extension(protocol)

    assert "recipe.milestones = []" in str(raised.value)
    assert why_not_extended(LONG) == ""
