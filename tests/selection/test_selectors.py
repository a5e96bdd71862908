"""Selectors: the entrants that they name, and the messages about mistakes."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest

from archbench._errors import SelectionError
from archbench._selection import select
from support import Make


def labels(selectors: list[str], available: list[Any]) -> list[str]:
    """Return the labels of the entrants that the selectors name."""
    return [found.component.label for found in select(selectors, available, "architecture")]


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        ("all", ["resnet", "plain", "lstm"]),
        ("resnet", ["resnet"]),
        ("resnet-9", ["resnet-9"]),
        ("*n*t*", ["resnet"]),
        ("resnet[depth=8,20]", ["resnet[depth=8]", "resnet[depth=20]"]),
        ("resnet[depth=2]", ["resnet"]),
        ("resnet[depth=9]", ["resnet-9"]),
        ("resnet-9[rate=0.25]", ["resnet[depth=9,rate=0.25]"]),
        ("resnet[depth=3,4,gated=true,false]", [
            "resnet[depth=3,gated=true]", "resnet[depth=3]", "resnet[depth=4,gated=true]", "resnet[depth=4]",
        ]),
        ("toys/plain@1", ["plain"]),
        ("toys/plain", ["plain"]),
    ],
)  # fmt: skip
def test_selectors(selector: str, expected: list[str], make_architecture: Make) -> None:
    """A selector names the expected entrants, and their labels are selectors themselves."""
    available = [make_architecture(name) for name in ("resnet", "plain", "lstm")]

    assert labels([selector], available) == expected
    assert labels(expected, available) == expected


def test_each_entrant_is_chosen_once(make_architecture: Make) -> None:
    """An entrant that several selectors name is chosen once, and counts as named."""
    available = [make_architecture("resnet"), make_architecture("plain")]
    found = select(["all", "resnet[depth=2]", "resnet"], available, "architecture")

    assert [f.component.label for f in found] == ["resnet", "plain"]
    assert [f.named for f in found] == [True, False]


@pytest.mark.parametrize(
    ("selector", "message"),
    [
        ("resnett", "did you mean 'resnet'"),
        ("zzz", "there are lstm, plain, resnet"),
        ("*zzz", "matches no architecture"),
        ("resnet[depth=8", "is not a selector"),
        ("resnet[8]", "is not a selector"),
        ("resnet[depth=]", "is not a selector"),
        ("resnet[]", "is not a selector"),
        ("resnet[cell=\udcff]", r"'resnet[cell=\udcff]' has options that are no valid UTF-8; write them in UTF-8"),
        ("", "is not a selector"),
        ("resnet[dept=8]", "no option 'dept'; did you mean 'depth'"),
        ("resnet[depth=x]", "'resnet[depth=x]': depth is 'x'; give a whole number; see `benchmark show resnet`"),
        ("resnet[depth=0]", "depth is '0'; give a whole number >= 1; see"),
        ("resnet[gated=yes]", "gated is 'yes'; give one of true, false; see `benchmark show resnet`"),
        ("resnet-10", "resnet has the variants resnet-9; others are written 'resnet[depth=...]', see `benchmark"),
        ("plain,lstm", "'plain,lstm' is not a selector; separate names by spaces: plain lstm"),
        ("test", "there are lstm, plain, resnet"),
        ("pain", "did you mean 'plain'"),
        ("lsmt", "did you mean 'lstm'"),
        ("lxtm", "did you mean 'lstm'"),
        ("resnet[depth=1,depth=2]", "twice"),
        ("all[depth=8]", "sets options on everything"),
        ("toys/plain@2", "no architecture"),
    ],
)
def test_bad_selectors(selector: str, message: str, make_architecture: Make) -> None:
    """Each mistake has a one-line message of its own that says what to do."""
    available = [make_architecture(name) for name in ("resnet", "plain", "lstm")]

    with pytest.raises(SelectionError, match=re.escape(message)) as caught:
        select([selector], available, "architecture")
    assert "\n" not in str(caught.value)


def test_tasks_with_commas(make_task: Make) -> None:
    """Several tasks are several options."""
    with pytest.raises(SelectionError, match="is not a selector; write --task a --task b"):
        select(["a, b"], [make_task("a"), make_task("b")], "task")


def test_ambiguous_name_names_both_providers(make_architecture: Make) -> None:
    """A name that two plugins provide is an error; the full names work, and labels then name the provider."""
    available = [make_architecture("resnet", "ours"), make_architecture("resnet", "theirs")]

    with pytest.raises(SelectionError, match=r"ours/resnet@1 .* and theirs/resnet@1"):
        select(["resnet"], available, "architecture")
    unversioned = [make_architecture("resnet", name, version="") for name in ("ours", "theirs")]
    with pytest.raises(SelectionError, match=r"ours/resnet@1 \(ours\) and theirs/resnet@1 \(theirs\)"):
        select(["resnet"], unversioned, "architecture")
    with pytest.raises(SelectionError, match="ambiguous"):
        select(["resnet-9"], available, "architecture")
    assert labels(["theirs/resnet[depth=5]"], available) == ["theirs/resnet[depth=5]"]
    assert labels(["theirs/resnet-9"], available) == ["theirs/resnet-9"]
    assert labels(["all"], available) == ["ours/resnet", "theirs/resnet"]


def test_a_variant_with_the_name_of_another_names_its_provider(make_architecture: Make) -> None:
    """Neither a name nor a variant stands for two things in labels; what has a name of its own keeps it."""
    available = [make_architecture("resnet"), make_architecture("net", "theirs", variants={"resnet-9": {"depth": 5}})]
    assert labels(["theirs/resnet-9", "toys/resnet-9"], available) == ["theirs/resnet-9", "toys/resnet-9"]
    assert labels(["all"], available) == ["resnet", "net"]

    named = [make_architecture("resnet"), make_architecture("net", "theirs", variants={"resnet": {"depth": 5}})]
    assert labels(["resnet", "theirs/resnet", "net"], named) == ["toys/resnet", "theirs/resnet", "net"]


def test_identity_ignores_the_label(make_architecture: Make) -> None:
    """Equal options, given as a variant or as values, have one identity; other options have another."""
    available = [make_architecture("resnet")]
    (variant,) = select(["resnet-9"], available, "architecture")
    (options,) = select(["resnet[depth=9]"], available, "architecture")
    (other,) = select(["resnet[depth=8]"], available, "architecture")

    assert variant.component.identity() == options.component.identity() != other.component.identity()


def test_a_default_given_as_text_is_the_default(make_architecture: Make) -> None:
    """An integer default of a float option and the number as text have one identity."""

    @dataclass(frozen=True)
    class Careless:
        rate: float = 1  # an integer, as people write

    available = [make_architecture("resnet", options=Careless, variants={})]
    (plain,) = select(["resnet"], available, "architecture")
    (typed,) = select(["resnet[rate=1]"], available, "architecture")

    assert msgspec.json.encode(plain.component) == msgspec.json.encode(typed.component)
