"""What a record says of a trained module, from numbers that can be added up by hand."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from archbench._planning import Device
from archbench._records import Resources
from archbench._training import _record_fields
from archbench._training._record_fields import add_costs, make_curves, make_scores


def trained(**changes: Any) -> Any:
    """A module after chunks of 10, 20 and 10 steps, which took 1, 6 and 2 seconds."""
    facts: dict[str, Any] = {
        "steps": [10, 30, 40],
        "seconds": [1.0, 6.0, 2.0],
        "losses": [torch.full((10,), 8.0), torch.full((20,), 4.0), torch.arange(10) / 10],
        "validations": [0.5, 0.75, 0.25],
        "scores": {"selected": 0.7, "last": 0.2},
        "selected": (30, None),
        "plain_loss": 0.125,
        "penalties": SimpleNamespace(mean=lambda at: None),
        "further_scores": {"r2": 0.5},
        "first_step_seconds": 3.0,
        "task": SimpleNamespace(higher_is_better=True),
    }
    return SimpleNamespace(**{**facts, **changes})


def test_costs(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step takes .1, .3 and .2 seconds in the three chunks: .2 in the middle, which is 80 examples of 16 a second."""
    monkeypatch.setattr(_record_fields, "peak_memory", lambda device, before: before + 7)
    start = time.monotonic() - 100
    costs = add_costs(
        Resources(parameters=5, flops=6),
        trained(),
        batch_size=16,
        device=Device(kind="cpu"),
        clock=start,
        memory_before=1000,
    )

    assert (costs.parameters, costs.flops, costs.peak_memory_bytes) == (5, 6, 1007)
    assert (costs.step_seconds, costs.samples_per_second) == pytest.approx((0.2, 80.0))
    assert (costs.train_seconds, costs.first_step_seconds) == (9.0, 3.0)
    assert costs.total_seconds == pytest.approx(100, abs=5)


def test_the_first_chunk_begins_at_step_0() -> None:
    """Ten steps in two seconds are .2 seconds a step."""
    costs = add_costs(
        Resources(),
        trained(steps=[10], seconds=[2.0]),
        batch_size=1,
        device=Device(kind="cpu"),
        clock=0.0,
        memory_before=0,
    )

    assert costs.step_seconds == pytest.approx(0.2)


def test_curves() -> None:
    """Losses are means over a chunk, and seconds add up."""
    curves = make_curves(trained())

    assert curves.train_loss == pytest.approx([8.0, 4.0, 0.45])
    assert (curves.step, curves.validation, curves.seconds) == ([10, 30, 40], [0.5, 0.75, 0.25], [1.0, 7.0, 9.0])


def test_seconds_are_kept_to_a_tenth_of_a_millisecond() -> None:
    """Sums of seconds are rounded to four digits."""
    curves = make_curves(trained(seconds=[1.23456, 0.00002, 1.0]))

    assert curves.seconds == [1.2346, 1.2346, 2.2346]


@pytest.mark.parametrize(("higher", "best"), [(True, 0.75), (False, 0.25)])
def test_scores(higher: bool, best: float) -> None:
    """The validation score is the best; the training loss is the mean over the last tenth, here 4 of 40 steps."""
    scores = make_scores(trained(task=SimpleNamespace(higher_is_better=higher)))

    assert (scores.test, scores.test_last, scores.validation, scores.selected_step) == (0.7, 0.2, best, 30)
    assert scores.train_loss == pytest.approx((0.6 + 0.7 + 0.8 + 0.9) / 4)
    assert scores.plain_train_loss == 0.125
    assert scores.further == {"r2": 0.5}
