"""Options are finite numbers: records and trials pass them on as JSON, which has neither infinity nor not-a-number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pytest

from archbench._declarations import Architecture
from archbench._errors import DeclarationError, SelectionError
from archbench._selection import select
from support import Make


@dataclass(frozen=True)
class Finite:
    """Options with sound defaults."""

    beta: float = 1.5
    scales: tuple[float, ...] = (1.0, 2.0)


@dataclass(frozen=True)
class Endless:
    """An option whose default is infinite."""

    beta: float = math.inf


@dataclass(frozen=True)
class Missing:
    """An option that holds a number that is none."""

    scales: tuple[float, ...] = (1.0, math.nan)


@pytest.mark.parametrize(
    "changes",
    [{"options": Endless}, {"options": Missing}, {"options": Finite, "variants": {"deep": {"beta": -math.inf}}}],
    ids=["default", "in a tuple", "variant"],
)
def test_a_declaration_has_finite_options(changes: dict[str, Any]) -> None:
    """A default or a variant that is infinite or no number is refused, with the names of the option and the plugin."""
    option = "scales" if changes["options"] is Missing else "beta"

    with pytest.raises(DeclarationError, match=rf"Architecture 'wavy'.*give a finite number.*\$\.{option}"):
        Architecture(name="wavy", build=lambda task, options: None, inputs=("image",), **changes)  # type: ignore[arg-type,return-value]


@pytest.mark.parametrize("what", ["architecture", "task"])
@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("beta=inf", "beta is 'inf'; give a finite number"),
        ("beta=-Infinity", "beta is '-Infinity'; give a finite number"),
        ("beta=nan", "beta is 'nan'; give a finite number"),
        ("scales=1,nan", "scales is '1,nan'; give a finite number"),
    ],
)
def test_a_selector_sets_finite_options(
    what: str, setting: str, says: str, make_architecture: Make, make_task: Make
) -> None:
    """A selector with infinity or not-a-number is refused before anything trains, of architectures and of tasks."""
    make = make_architecture if what == "architecture" else make_task
    available = [make("wavy", options=Finite, variants={})]

    with pytest.raises(SelectionError, match=says):
        select([f"wavy[{setting}]"], available, what)
