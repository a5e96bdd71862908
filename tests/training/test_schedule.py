"""Learning rates: the schedules of recipes against an independent formula and against values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from archbench._protocols import Recipe
from archbench._training._schedule import TrainingClock, learning_rates, rate_at
from support import house_recipe

SHARES = st.floats(0.001, 0.999)
CURVES = st.one_of(
    st.fixed_dictionaries({"milestones": st.none(), "floor": st.floats(0, 0.99)}),
    st.fixed_dictionaries(
        {"milestones": st.sets(SHARES, max_size=4).map(sorted).map(tuple), "decay": st.floats(0.01, 2)}
    ),
)
WARM_UPS = st.fixed_dictionaries({"warmup": st.just(0.0) | SHARES, "warmup_rate": st.just(0.0) | st.floats(1e-4, 1)})


def by_formula(recipe: Recipe, steps: int) -> np.ndarray:
    """Return the learning rates of a warm-up that is followed by half a cosine or by falls at milestones."""
    warm = round(recipe.warmup * steps)
    if recipe.milestones is None:
        warm = max(1, warm)
        angles = np.linspace(0, np.pi, steps - warm + 2)[1:-1]  # strictly between the peak and the end
        curve = recipe.floor + (1 - recipe.floor) * np.cos(angles / 2) ** 2
    else:
        falls = [round(share * steps) for share in recipe.milestones]
        curve = recipe.decay ** np.searchsorted(falls, np.arange(warm, steps), side="right").astype(float)
    if recipe.warmup and recipe.warmup_rate:
        start = np.full(warm, recipe.warmup_rate)
    else:
        start = np.linspace(0, recipe.learning_rate, warm + 1)[1:]
    return np.concatenate([start, recipe.learning_rate * curve])


@settings(suppress_health_check=[HealthCheck.too_slow])  # a busy machine draws slowly
@given(curve=CURVES, warm_up=WARM_UPS, learning_rate=st.floats(1e-5, 10), steps=st.integers(1, 200))
def test_learning_rates_follow_the_formula(
    curve: dict[str, Any], warm_up: dict[str, Any], learning_rate: float, steps: int
) -> None:
    """The rate of every step is that of the formula, for every kind of warm-up and of curve."""
    recipe = Recipe(optimizer="sgd", learning_rate=learning_rate, **warm_up, **curve)

    assert learning_rates(recipe, steps) == pytest.approx(by_formula(recipe, steps), rel=1e-9, abs=1e-15)


@pytest.mark.parametrize("steps", [1, 2, 9, 100])
def test_learning_rates(steps: int) -> None:
    """The rates rise to the peak over the warm-up, then fall towards zero, and none is zero or above the peak."""
    rates = learning_rates(house_recipe(learning_rate=0.5, warmup=0.1), steps)

    assert len(rates) == steps
    assert max(rates) == 0.5
    peak = rates.index(0.5)
    assert peak == max(1, round(0.1 * steps)) - 1
    assert all(rate > 0 for rate in rates)
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def test_schedules_by_value() -> None:
    """Falls at milestones, constant rates, both kinds of warm-up and half a cosine have the values computed by hand."""
    falls = Recipe(optimizer="sgd", learning_rate=0.1, warmup=0.0, milestones=(0.5, 0.75), decay=0.1)
    constant = house_recipe(learning_rate=0.1, warmup=0.0, milestones=())
    flat_start = house_recipe(learning_rate=0.1, warmup=0.25, warmup_rate=0.01, milestones=())
    rising = house_recipe(learning_rate=0.4, warmup=0.5, milestones=())
    cosine = house_recipe(learning_rate=1.0, warmup=0.25)
    floored = house_recipe(learning_rate=1.0, warmup=0.25, floor=0.5)

    assert learning_rates(falls, 8) == pytest.approx([0.1] * 4 + [0.01] * 2 + [0.001] * 2)
    assert learning_rates(constant, 3) == pytest.approx([0.1] * 3)
    assert learning_rates(flat_start, 4) == pytest.approx([0.01, 0.1, 0.1, 0.1])
    assert learning_rates(rising, 8) == pytest.approx([0.1, 0.2, 0.3, 0.4] + [0.4] * 4)
    assert learning_rates(cosine, 4) == pytest.approx([1.0, 0.853553, 0.5, 0.146447], rel=1e-5)
    assert learning_rates(floored, 4) == pytest.approx([1.0, 0.926777, 0.75, 0.573223], rel=1e-5)


def test_schedules_by_the_clock() -> None:
    """A budget in seconds has the same curves, as functions of the share that is used up."""
    falls = Recipe(optimizer="sgd", learning_rate=0.1, warmup=0.1, warmup_rate=0.01, milestones=(0.5,))
    cosine = house_recipe(learning_rate=1.0, warmup=0.5)

    assert [rate_at(falls, share) for share in (0.05, 0.1, 0.49, 0.5)] == pytest.approx([0.01, 0.1, 0.1, 0.01])
    assert [rate_at(cosine, share) for share in (0.25, 0.5, 0.75, 1.0, 1.1)] == pytest.approx([0.5, 1, 0.5, 0, 0])


def test_own_schedules_by_the_clock() -> None:
    """The factor of a share multiplies the rate; a step that begins after the end of the time has the last share."""
    recipe = house_recipe(learning_rate=0.5)

    assert [rate_at(recipe, share, lambda used: 2 * used) for share in (0.0, 0.25, 1.0, 1.5)] == [0, 0.25, 1, 1]
    assert learning_rates(recipe, 4, lambda used: 2 * used) == [0, 0.25, 0.5, 0.75]


@pytest.mark.parametrize("factor", [-0.5, -1e-9, float("inf"), float("nan")])
def test_a_schedule_returns_a_number_from_0_on(factor: float) -> None:
    """A negative or infinite factor is refused, with the share of the budget at which it was returned."""
    with pytest.raises(ValueError, match=rf"the schedule returned {factor:.3g} at 0.5 of the budget"):
        rate_at(house_recipe(), 0.5, lambda share: factor)


def test_the_clock_stands_still_between_chunks() -> None:
    """Chunks of 3 and 4 seconds are .7 of a budget of 10, however long the pause between them was."""
    now = iter([100.0, 103.0, 200.0, 201.0, 204.0])
    clock = TrainingClock(10.0, now=lambda: next(now))

    assert clock.share() == 0
    clock.start()
    assert clock.stop() == 3
    assert clock.share() == pytest.approx(0.3)
    clock.start()
    assert clock.share() == pytest.approx(0.4)  # read at 201
    assert clock.stop() == 4
    assert clock.share() == pytest.approx(0.7)
