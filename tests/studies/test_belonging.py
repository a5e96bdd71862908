"""Which records belong to a study, and what runs of other states, places and machines do to it."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import archbench
from archbench import Record
from archbench._plugins import Plugins
from archbench._protocols import equal_steps
from archbench._records import Environment
from archbench._studies import StudyData, plan_study
from archbench._studies._belonging import records_of
from support import Make, MakeRecord

RULES = archbench.Protocol(name="s", steps=equal_steps(2), batch_size=4, seeds=3, for_studies=True)
OTHER = msgspec.structs.replace(RULES, name="other")


@pytest.fixture
def plugins(make_architecture: Make, make_task: Make) -> Plugins:
    """Two nets and a task; `odd` declines it."""
    odd = make_architecture("odd", incompatible=lambda info, options: "no")
    return Plugins(architectures=(make_architecture(), odd), tasks=(make_task(),))


@pytest.fixture
def trained(plugins: Plugins, make_record: MakeRecord) -> Any:
    """`trained(protocol, seed, **changes)` is the record of a trial of `toy`; `a_...` changes its architecture."""

    def make(protocol: archbench.Protocol = RULES, seed: int = 0, **changes: Any) -> Record:
        study = archbench.Study(name="x", question="?", sizes={"quick": (part(protocol),)}, analyse="toys:analyse")
        trial = plan_study(study, "quick", plugins, seeds=seed + 1).trials[-1].trial
        own = {key.removeprefix("a_"): changes.pop(key) for key in list(changes) if key.startswith("a_")}
        trial = msgspec.structs.replace(trial, architecture=msgspec.structs.replace(trial.architecture, **own))
        return make_record(id=trial.id, trial=trial, **changes)

    return make


def part(protocol: archbench.Protocol = RULES, *names: str) -> archbench.Part:
    """A part of a study."""
    return archbench.Part(architectures=names or ("toy",), tasks=("pictures",), protocol=protocol)


def test_trials_of_its_parts_alone(trained: Any, plugins: Plugins) -> None:
    """Neither another protocol nor other options nor tuning trials belong to it, even in the same folder."""
    mine, others = trained(), [trained(OTHER), trained(a_options={"depth": 3, "rate": 0.5, "gated": False})]
    tried = msgspec.structs.replace(mine.trial, tuning=True, recipe=mine.trial.settings)
    found = records_of([part()], plugins, [mine, *others, msgspec.structs.replace(mine, trial=tried)])

    assert found.counted == (mine,)
    assert found.lacking == 0


def test_combinations_without_a_trial(trained: Any, plugins: Plugins) -> None:
    """What is still to train is counted, and what an architecture declines is not."""
    parts = [part(RULES, "toy[depth=2,3]", "odd")]

    assert records_of(parts, plugins, [trained()]).lacking == 1


def test_the_newest_state_of_an_entrant(trained: Any, plugins: Plugins) -> None:
    """A higher revision replaces a lower one, and of two sources the one that was run last."""
    old = trained(a_revision=1, a_fingerprint="aa", started="2026-01-03T00:00:00+00:00")
    new = trained(a_revision=2, a_fingerprint="aa", started="2026-01-01T00:00:00+00:00")
    newer = trained(a_revision=2, a_fingerprint="bb", started="2026-01-02T00:00:00+00:00")

    assert records_of([part()], plugins, [old, new]).counted == (new,)
    assert records_of([part()], plugins, [old, newer, new]).counted == (newer,)


def test_a_seed_of_another_machine_is_named_and_left_out(trained: Any, plugins: Plugins) -> None:
    """The seeds of one device count, as on the page."""
    first, second, third = (trained(seed=seed) for seed in range(3))
    assert isinstance(third.environment, Environment)
    moved = msgspec.structs.replace(third, environment=msgspec.structs.replace(third.environment, device="a GPU"))
    found = records_of([part()], plugins, [first, second, moved])

    assert found.counted == (first, second)
    assert [(record.id, "device cuda" in reason) for record, reason in found.set_aside] == [(moved.id, True)]


def test_data_remember_what_was_looked_at(trained: Any) -> None:
    """Choosing records is no look at them; reading a number of each seed is."""
    here, there = trained(), trained(OTHER)
    data = StudyData([here, there])
    part_of_it, groups = data.where(protocol="s"), data.by("depth")

    assert (data.used, list(groups)) == ([], [2])
    assert part_of_it.scores == {0: 0.75}
    assert data.used == [here]
    assert len(data.records) == len(data.used) == 2
