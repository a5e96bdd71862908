"""The search of `benchmark tune`: Optuna asks for recipes and is told what became of them.

There is no database: the sampler is seeded, so the answers in the records lead to the same questions again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from archbench._errors import ProtocolError
from archbench._protocols import Recipe

SPACE: dict[str, tuple[float, float]] = {
    "learning_rate": (1e-4, 1e-1),
    "weight_decay": (1e-6, 1e-1),
    "clip_norm": (0.1, 10.0),
}
"""The settings that are searched, each on a logarithmic scale, for every architecture alike."""

FIRST = 10
"""Recipes drawn at random before results count: the same ones for every entrant."""


def search(
    house: Recipe, *, trials: int, higher_is_better: bool, value_of: Callable[[Recipe], float | None]
) -> list[Recipe]:
    """The recipes to try, in order: all of them, or as many as can be known now.

    Bergstra et al., Algorithms for hyper-parameter optimization (NIPS 2011), as Optuna's `TPESampler` has it.

    Args:
        house: what is not searched.
        trials: how many recipes in all.
        higher_is_better: direction of the values.
        value_of: what became of a recipe; None as long as that is not known.

    Raises:
        ProtocolError: Optuna is not installed.
    """
    optuna = require_optuna()
    space = {name: optuna.distributions.FloatDistribution(*ends, log=True) for name, ends in SPACE.items()}
    sampler = optuna.samplers.TPESampler(seed=0, n_startup_trials=FIRST)
    study = optuna.create_study(direction="maximize" if higher_is_better else "minimize", sampler=sampler)
    recipes: list[Recipe] = []
    for together in (min(FIRST, trials), *[1] * (trials - FIRST)):
        asked = [study.ask(space) for _ in range(together)]
        values = []
        for trial in asked:
            recipes.append(msgspec.structs.replace(house, **trial.params))
            values.append(value_of(recipes[-1]))
        if None in values:
            break
        for trial, value in zip(asked, values, strict=True):
            study.tell(trial, value)
    return recipes


def require_optuna() -> Any:
    """Optuna, silenced.

    Raises:
        ProtocolError: it is not installed; the message says how to install it.
    """
    try:
        import optuna
    except ImportError:
        raise ProtocolError(
            "tuning by search needs Optuna, which is not installed; run pip install 'archbench[tune]'"
        ) from None
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
