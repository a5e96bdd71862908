"""What the rules of a protocol are without being told, and which rules contradict each other."""

from __future__ import annotations

from typing import Any

import pytest

from archbench._protocols import HOUSE_RECIPE, Probes, Protocol, Tuning, equal_steps

PLAIN: dict[str, Any] = {"name": "plain", "epochs": 1.0, "batch_size": 8}
OWN: dict[str, Any] = {"name": "own", "recipe": "own"}
BY_CLOCK: dict[str, Any] = {"epochs": None, "seconds": 5.0}


def test_a_protocol_of_one_epoch() -> None:
    """Ten validations, three seeds and an hour for each trial, under the house recipe and in float32."""
    plain = Protocol(**PLAIN)

    assert (plain.validations, plain.seeds, plain.timeout, plain.revision) == (10, 3, 3600.0, 2)
    assert (plain.stop_at_target, plain.augment, plain.for_studies) == (False, False, False)
    assert (plain.recipe, plain.precision, plain.tuning, plain.probes) == (HOUSE_RECIPE, "32", None, None)
    assert (plain.track, plain.tuning_cost) == ("house recipe", 0)


def test_the_identity_has_what_decides() -> None:
    """Rules that came later are part of it only where they are used, so that older ids stay."""
    decides = {
        "name", "revision", "steps", "epochs", "seconds", "batch_size", "validations", "recipe", "stop_at_target",
        "augment", "tuning",
    }  # fmt: skip

    assert set(Protocol(**PLAIN).identity()) == decides
    later = Protocol(**PLAIN, probes=Probes(measure=("gradient",)), for_studies=True, precision="tf32")
    assert set(later.identity()) == decides | {"probes", "for_studies", "precision"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"epochs": None}, "given: none"),
        ({"steps": equal_steps(3)}, "given: steps and epochs"),
        ({"seconds": 3.0}, "given: epochs and seconds"),
        ({"steps": equal_steps(3), "seconds": 3.0}, "given: steps and epochs and seconds"),
        ({"epochs": None, "steps": {}}, "given for: none"),
        ({"epochs": None, "steps": {"image": 1, "sequence": 1}}, "given for: image, sequence"),
        ({"epochs": None, "steps": {**equal_steps(1), "sound": 1}}, "given for: image, sequence, sound, tokens"),
        ({"epochs": None, "steps": {"image": 1, "sequence": 1, "sound": 1}}, "given for: image, sequence, sound"),
        ({"batch_size": None}, "batch_size must be given with a house recipe"),
        ({**BY_CLOCK, "probes": Probes(measure=("gradient",), at=(0.5,))}, "measure at 0 and 1 only"),
        ({**BY_CLOCK, "probes": Probes(measure=("gradient",), at=(0.0, 0.5, 1.0))}, "measure at 0 and 1 only"),
        ({"recipe": "own"}, "batch_size must be given with a house recipe, and only there"),
        ({"recipe": "own", "batch_size": None, "tuning": Tuning(trials=1)}, "an own recipe is trained as published"),
    ],
)
def test_rules_that_contradict_each_other(changes: dict[str, Any], words: str) -> None:
    """The message says what was given and what is allowed."""
    with pytest.raises(ValueError, match=words):
        Protocol(**{**PLAIN, **changes})


@pytest.mark.parametrize(
    "rules",
    [
        OWN,
        {**OWN, "steps": equal_steps(3)},
        {**PLAIN, "probes": Probes(measure=("gradient",), at=(0.5,))},
        *({**PLAIN, **BY_CLOCK, "probes": Probes(measure=("gradient",), at=at)} for at in ((0.0, 1.0), (0.0,), (1.0,))),
        {**PLAIN, "tuning": Tuning(trials=1)},
    ],
)
def test_rules_that_go_together(rules: dict[str, Any]) -> None:
    """An own recipe may have a budget or not, and a budget in seconds is probed at its ends, one or both."""
    assert Protocol(**rules).name == rules["name"]


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        (PLAIN, "1 epochs"),
        ({**PLAIN, **BY_CLOCK}, "5 s of training"),
        ({**PLAIN, "epochs": None, "steps": equal_steps(1500)}, "1,500"),
        (
            {**PLAIN, "epochs": None, "steps": {"tokens": 7, "sequence": 1500, "image": 7}},
            "7 (image), 1,500 (sequence), 7 (tokens)",
        ),
        (OWN, "as published"),
    ],
)
def test_budgets_in_words(rules: dict[str, Any], words: str) -> None:
    """One number where it holds for every kind of input, else one for each."""
    assert Protocol(**rules).budget() == words
