"""What an own recipe may add, and no house recipe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from archbench import DeclarationError, ProtocolError, Published, Recipe
from archbench._protocols import HOUSE_RECIPE, Protocol, equal_steps
from archbench._protocols._toml import read_protocol


def fall(share: float) -> float:
    """Return a factor."""
    return 1 - share


def published(recipe: dict[str, Any], **added: Any) -> Published:
    """Return an own recipe of nobody."""
    settings = {"optimizer": "sgd", "learning_rate": 0.1, "batch_size": 8, "epochs": 1, **recipe}
    return Published(source="nowhere", data="digits", recipe=Recipe(**settings), **added)


def test_code_is_named_without_its_module() -> None:
    """A recipe names functions, and never the module of a one-file plugin, which depends on its path."""
    found = published({"optimizer": "custom"}, optimizer="mynet.training:make", schedule=fall, average=0.99)

    assert msgspec.to_builtins(found.recipe)["additions"] == {
        "optimizer": "mynet.training:make", "schedule": "fall", "average": 0.99,
    }  # fmt: skip
    assert found.recipe.words() == (
        "optimiser of its own (mynet.training:make), learning rate 0.1, schedule of its own (fall), no clipping, "
        "batches of 8, weights averaged with decay 0.99"
    )


def test_recipes_without_additions_are_as_before() -> None:
    """Where nothing is added, a recipe as plain data has no trace of it, so that older ids stay."""
    assert "additions" not in msgspec.to_builtins(published({}).recipe)
    assert "additions" not in msgspec.to_builtins(HOUSE_RECIPE)


@pytest.mark.parametrize(
    ("recipe", "added", "message"),
    [
        ({"optimizer": "custom"}, {}, "give optimizer='custom' there together with"),
        ({}, {"optimizer": "a:b"}, "the recipe has optimizer='sgd'"),
        ({"optimizer": "custom"}, {"optimizer": "nonsense"}, "write 'package.module:function'"),
        (
            {"warmup": 0.1, "floor": 0.1, "milestones": None},
            {"schedule": fall},
            "warmup and milestones and floor",
        ),
        ({}, {"average": 1.0}, "< 1.0"),
    ],
)
def test_contradictions(recipe: dict[str, Any], added: dict[str, Any], message: str) -> None:
    """A recipe and what is added to it must fit together."""
    with pytest.raises(DeclarationError, match=message):
        published(recipe, **added)


def test_no_house_recipe_has_additions(tmp_path: Path) -> None:
    """The same rules hold for all entrants of a house recipe, so code of a plugin has no place in it."""
    for recipe in (published({}, average=0.9).recipe, Recipe(optimizer="custom", learning_rate=0.1)):
        with pytest.raises(ValueError, match="are for own recipes"):
            Protocol(name="house", recipe=recipe, steps=equal_steps(10), batch_size=8)
    path = tmp_path / "mine.toml"
    for setting, message in (
        ('optimizer = "custom"', "are for own recipes"),
        ("additions = {average = 0.9}", "unknown key 'recipe.additions'"),
    ):
        path.write_text(f'name = "mine"\nextends = "quick"\n[recipe]\n{setting}\n')
        with pytest.raises(ProtocolError, match=message):
            read_protocol(path)
