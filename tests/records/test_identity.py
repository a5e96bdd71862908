"""The identity of a trial: everything that decides its result is in it, and nothing else is."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from archbench._protocols import HOUSE_RECIPE, Additions, Probes, Protocol, Recipe, Tuning, find_protocol
from archbench._records import Component, Trial
from archbench._training._streams import stream_seed
from support import assert_fixed_and_named, structs_of

QUICK = find_protocol("quick")
BASE = Trial(
    architecture=Component(provider="p", name="a", revision=1, options={"depth": 2}, label="a"),
    task=Component(provider="p", name="t", revision=1, options={}, label="t", effort=1.0, target=0.9),
    protocol=QUICK,
    seed=0,
)
OTHER_COMPONENT: dict[str, Any] = {
    "provider": "q",
    "name": "b",
    "revision": 2,
    "options": {"depth": 3},
    "fingerprint": "c0ffee",
    "effort": 2.0,
    "files": {"weights/a.safetensors": "0" * 64},
}
OTHER_PROTOCOL: dict[str, Any] = {
    "name": "mine",
    "revision": 99,
    "steps": {"image": 7, "sequence": 8, "tokens": 9},
    "batch_size": 65,
    "validations": 3,
    "recipe": msgspec.structs.replace(HOUSE_RECIPE, learning_rate=0.5),
    "stop_at_target": True,
    "augment": not QUICK.augment,
    "tuning": Tuning(rates=(0.1, 0.2)),
    "probes": Probes(measure=("gradient",)),
    "for_studies": True,
    "precision": "bf16",
}
OTHER_RECIPE: dict[str, Any] = {
    "optimizer": "adam",
    "learning_rate": 0.02,
    "warmup": 0.2,
    "warmup_rate": 0.001,
    "milestones": (0.5,),
    "floor": 0.1,
    "decay": 0.5,
    "betas": (0.8, 0.99),
    "momentum": 0.5,
    "weight_decay": 0.1,
    "decay_biases": False,
    "bias_rate": 2.0,
    "clip_norm": 2.0,
    "batch_size": 3,
    "epochs": 2.0,
    "steps": 4,
    "additions": Additions(optimizer="make", schedule="fall", average=0.9),
}


def other(trial: Trial, **changes: Any) -> Trial:
    """Return a trial with other fields."""
    return msgspec.structs.replace(trial, **changes)


@pytest.mark.parametrize("field", OTHER_COMPONENT)
@pytest.mark.parametrize("side", ["architecture", "task"])
def test_components_decide(side: str, field: str) -> None:
    """Each field of an architecture and of a task that decides a result changes the id."""
    changed = msgspec.structs.replace(getattr(BASE, side), **{field: OTHER_COMPONENT[field]})

    assert other(BASE, **{side: changed}).id != BASE.id


@pytest.mark.parametrize("field", OTHER_PROTOCOL)
def test_rules_decide(field: str) -> None:
    """Each rule of a protocol that decides a result changes the id: batch size, budget, recipe and so on."""
    changed = msgspec.structs.replace(QUICK, **{field: OTHER_PROTOCOL[field]})

    assert other(BASE, protocol=changed).id != BASE.id


@pytest.mark.parametrize("field", OTHER_RECIPE)
def test_every_setting_of_a_recipe_decides(field: str) -> None:
    """Two house recipes, and two own recipes, that differ in one setting give different ids."""
    first = Recipe(optimizer="sgd", learning_rate=0.01)
    changes = {field: OTHER_RECIPE[field]}
    if field == "floor":
        first = msgspec.structs.replace(first, milestones=None)
    second = msgspec.structs.replace(first, **changes)
    own = Protocol(name="own", recipe="own")
    owns = [other(BASE, protocol=own, recipe=recipe) for recipe in (first, second)]
    assert owns[0].id != owns[1].id

    if field != "additions":  # which no house recipe may have
        houses = [other(BASE, protocol=msgspec.structs.replace(QUICK, recipe=recipe)) for recipe in (first, second)]
        assert houses[0].id != houses[1].id


def test_all_fields_are_covered() -> None:
    """The tests above change every field; what is left out is named here, because it decides nothing."""
    assert {f.name for f in msgspec.structs.fields(Component)} - set(OTHER_COMPONENT) == {"label", "target"}
    assert {f.name for f in msgspec.structs.fields(Recipe)} == set(OTHER_RECIPE)
    left = {f.name for f in msgspec.structs.fields(Protocol)} - set(OTHER_PROTOCOL)
    assert left == {"summary", "timeout", "seeds", "epochs", "seconds", "provider"}


def test_other_budgets_decide() -> None:
    """Budgets in epochs and in seconds are part of the identity as steps are."""
    budgets = [
        msgspec.structs.replace(QUICK, steps=None, **{unit: amount})
        for unit in ("epochs", "seconds")
        for amount in (1.0, 2.0)
    ]

    assert len({other(BASE, protocol=protocol).id for protocol in budgets}) == 4


def test_seed_tuning_and_target_decide_where_they_count() -> None:
    """The seed and the stage of tuning decide; the target of a task decides only where training stops at it."""
    stopping = msgspec.structs.replace(QUICK, stop_at_target=True)
    easier = msgspec.structs.replace(BASE.task, target=0.5)

    assert other(BASE, seed=1).id != BASE.id
    assert other(BASE, tuning=True, recipe=HOUSE_RECIPE).id != BASE.id
    assert other(BASE, task=easier).id == BASE.id
    assert other(BASE, task=easier, protocol=stopping).id != other(BASE, protocol=stopping).id


def test_a_component_multiplies_no_steps_unless_it_says_so() -> None:
    """The effort of a component is 1 where none is given."""
    assert Component(provider="p", name="a", revision=1, options={}, label="a").effort == 1


def test_an_id_has_32_digits() -> None:
    """The first two of them are the folder of its record, and all are the name of the file."""
    assert len(BASE.id) == 32
    assert set(BASE.id) <= set("0123456789abcdef")


def test_files_are_part_of_an_identity_that_has_some() -> None:
    """Six fields decide; files are the seventh where an architecture is built from some."""
    files = {"weights/a.safetensors": "0" * 64}
    plain = Component(provider="p", name="a", revision=3, options={"depth": 2}, label="a", fingerprint="f", effort=2.0)

    assert plain.identity() == ["p", "a", 3, {"depth": 2}, "f", 2.0]
    assert msgspec.structs.replace(plain, files=files).identity() == [*plain.identity(), files]


def test_revisions_and_sources_share_a_lineage() -> None:
    """It is the key of revision 0 without a source, an effort and files; other options have another one."""
    first = Component(provider="p", name="a", revision=0, options={"depth": 2}, label="a")
    later = msgspec.structs.replace(first, revision=7, fingerprint="f", effort=2.0, files={"a": "0" * 64}, label="b")

    assert first.lineage == later.lineage == first.key != later.key
    assert msgspec.structs.replace(first, options={"depth": 3}).lineage != first.lineage


@pytest.mark.parametrize(
    ("budget", "recipe", "steps"),
    [
        ({"epochs": 1.5}, None, 75),  # 1.5 * 2 * 100 / 4
        ({"epochs": 0.001}, None, 1),
        ({"recipe": "own", "batch_size": None}, {"epochs": 90.0, "batch_size": 5}, 1800),  # 90 * 100 / 5
        ({"recipe": "own", "batch_size": None}, {"epochs": 0.001, "batch_size": 5}, 1),
        ({"recipe": "own", "batch_size": None}, {"steps": 7, "batch_size": 5}, 7),
        ({"seconds": 3.0}, None, None),
    ],
)
def test_steps_of_a_budget(budget: dict[str, Any], recipe: dict[str, Any] | None, steps: int | None) -> None:
    """The effort of the task, here 2, multiplies the budget of a protocol and not that of an own recipe."""
    protocol = Protocol(**{"name": "mine", "batch_size": 4, **budget})
    task = msgspec.structs.replace(BASE.task, effort=2.0)
    own = None if recipe is None else Recipe(optimizer="sgd", learning_rate=0.1, **recipe)
    trial = other(BASE, protocol=protocol, task=task, recipe=own)

    assert trial.steps("image", 100) == steps
    assert trial.seconds == (6.0 if "seconds" in budget else None)
    assert trial.batch_size == (4 if recipe is None else 5)


def test_trials_in_words() -> None:
    """A trial names architecture, task and seed; one of tuning also the learning rate that it tries."""
    tried = msgspec.structs.replace(
        BASE, tuning=True, recipe=msgspec.structs.replace(HOUSE_RECIPE, learning_rate=0.0125)
    )

    assert str(BASE) == "a on t, seed 0"
    assert str(tried) == "a on t, tuning with learning rate 0.0125, seed 0"


def test_words_decide_nothing() -> None:
    """Labels, summaries, time limits and the number of planned seeds change neither the id nor any stream."""
    protocol = msgspec.structs.replace(QUICK, summary="other words", timeout=1.0, seeds=9)
    named = msgspec.structs.replace(BASE.architecture, label="another label")
    same = other(BASE, protocol=protocol, architecture=named)

    assert same.id == BASE.id
    assert stream_seed(same, "order") == stream_seed(BASE, "order")


@pytest.mark.parametrize("struct", [*structs_of("archbench._records"), *structs_of("archbench._protocols")])
def test_what_decides_cannot_change(struct: type[msgspec.Struct]) -> None:
    """No part of a trial or record can be changed, so that its id stays that under which it was trained."""
    assert_fixed_and_named(struct)


def test_data_do_not_depend_on_the_architecture_or_the_protocol() -> None:
    """Splits and order follow from the task and the seed, so that all entrants see one stream of batches."""
    changed = msgspec.structs.replace(QUICK, batch_size=3)
    network = msgspec.structs.replace(BASE.architecture, name="b")

    assert stream_seed(other(BASE, protocol=changed, architecture=network), "order") == stream_seed(BASE, "order")
    assert stream_seed(other(BASE, protocol=changed, architecture=network), "splits") == stream_seed(BASE, "splits")
