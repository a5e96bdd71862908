"""What a record says of a trained module, from numbers that can be added up by hand."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from archbench._planning import Device
from archbench._protocols import find_protocol
from archbench._records import Component, Resources, Training, Trial
from archbench._training import _record_fields
from archbench._training._record_fields import (
    add_costs,
    describe_training,
    make_curves,
    make_progress,
    make_scores,
    one_line,
    traceback_of,
)

TRIAL = Trial(
    architecture=Component(provider="p", name="a", revision=1, options={}, label="a"),
    task=Component(provider="p", name="t", revision=1, options={}, label="t"),
    protocol=find_protocol("smoke"),
    seed=0,
)


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


@pytest.mark.parametrize(("steps", "kept"), [(5, 1), (19, 1), (20, 2), (29, 2)])
def test_the_last_tenth_of_the_losses(steps: int, kept: int) -> None:
    """It is one loss at least, and a tenth of the steps is rounded down."""
    losses = torch.arange(steps, dtype=torch.float64)
    last = [float(loss) for loss in losses][-kept:]

    assert make_scores(trained(losses=[losses])).train_loss == pytest.approx(sum(last) / kept)


def test_seeds_that_share_a_process_share_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four seeds in 100 seconds took 25 each, whatever each of them trained."""
    monkeypatch.setattr(_record_fields, "peak_memory", lambda device, before: before)
    start, device = time.monotonic() - 100, Device(kind="cpu")
    costs = add_costs(
        Resources(), trained(), batch_size=1, device=device, clock=start, memory_before=0, seeds_together=4
    )

    assert costs.total_seconds == pytest.approx(25, abs=2)


@pytest.mark.parametrize(
    ("changes", "points"),
    [
        ({}, 3),
        ({"validations": [0.5]}, 1),
        ({"validations": [0.5, float("nan"), 0.25]}, 1),
        ({"losses": [torch.ones(10), torch.ones(20), torch.full((10,), float("inf"))]}, 2),
        ({"penalties": SimpleNamespace(mean=lambda at: [0.0, 0.25, float("inf")][at])}, 2),
        ({"validations": []}, None),
    ],
)
def test_curves_end_before_what_is_not_finite(changes: dict[str, Any], points: int | None) -> None:
    """A loss, a validation or a penalty that is not finite ends the curves; without a point there are none."""
    curves = make_curves(trained(**changes))

    assert (None if curves is None else len(curves.step)) == points


def described(**changes: Any) -> Training:
    """Return what a record says of the training of a module on a trial of smoke."""
    module = trained(**{"done": 40, "reached": None, "stop_at_target": False, **changes})
    module.task = SimpleNamespace(target=0.8)
    return describe_training(module, TRIAL, examples=100, planned_steps=50, resumed_at=[7])


def test_a_target_that_was_reached_has_its_steps_and_seconds() -> None:
    """The second validation was after 30 steps and 1 + 6 seconds; training ends there if the protocol says so."""
    reached = described(reached=1)

    assert (reached.target, reached.steps_to_target, reached.seconds_to_target) == (0.8, 30, 7.0)
    assert (reached.steps, reached.planned_steps, reached.examples, reached.resumed_at) == (40, 50, 100, [7])
    assert (reached.track, reached.batch_size) == ("house recipe", 16)
    assert [described(reached=at, stop_at_target=stop).stopped for at in (None, 0) for stop in (False, True)] == [
        "budget", "budget", "budget", "target"
    ]  # fmt: skip
    missed = described()
    assert (missed.steps_to_target, missed.seconds_to_target) == (None, None)


@pytest.mark.parametrize(
    ("changes", "planned", "needed", "point"),
    [
        ({}, 50, 120.0, 40),  # 100 seconds so far, of which 22 for the first step; each of the others took 2
        ({"done": 1}, 50, None, 40),
        ({"done": 2}, 50, 100 + 48 * 78, 40),
        ({}, None, None, 40),
        ({"first_step_seconds": None}, 50, None, 40),
        ({"running": True}, 50, 120.0, None),
        ({"validations": [0.5, 0.75]}, 50, 120.0, None),  # the last chunk is not validated yet
        ({"steps": [], "validations": []}, 50, 120.0, None),
    ],
)
def test_progress(
    changes: dict[str, Any],
    planned: int | None,
    needed: float | None,
    point: int | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The time that is needed follows from the steps after the first; a point is told once, when it is validated."""
    monkeypatch.setattr(time, "monotonic", lambda: 1100.0)
    facts = {"done": 40, "first_step_seconds": 22.0, "clock_start": 1000.0, "running": False, "reached": None}
    module = trained(**{**facts, "stop_at_target": False, **changes})
    module.task = SimpleNamespace(target=None)
    progress = make_progress(module, TRIAL, examples=100, planned_steps=planned, resumed_at=[7])

    assert progress.needed == (None if needed is None else pytest.approx(needed))
    assert (None if progress.point is None else progress.point.step) == point
    assert (progress.trial, progress.training.resumed_at) == (TRIAL.id, [7])


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("a\n  b\tc"), "ValueError: a b c"),
        (ValueError(), "ValueError"),
        (KeyError("x" * 600), "KeyError: '" + "x" * 489),
        (OSError("no \udcff"), r"OSError: no \udcff"),
    ],
)
def test_an_error_in_one_line(error: Exception, line: str) -> None:
    """Class and text, without line breaks, cut at 500 characters."""
    assert one_line(error) == line


def test_a_long_traceback() -> None:
    """Of an error with 30 MB of text the record keeps where it was raised, how the text begins, and its end."""
    with pytest.raises(ValueError, match="begins") as caught:
        raise ValueError("begins" + "x" * 30_000_000 + "ends")
    text = traceback_of(caught.value)

    assert "in test_a_long_traceback\n" in text
    assert "\nValueError: beginsxxx" in text
    assert text.count("xxx\n... the middle of this traceback is cut out here ...\nxxx") == 1
    assert text.endswith("xxxends\n")
    assert 29_000 < len(text) < 31_000


def test_a_traceback() -> None:
    """A short one is whole, and can be shown."""
    with pytest.raises(OSError, match="no ") as caught:
        raise OSError("no \udcff\x1b[2J")

    assert traceback_of(caught.value).startswith("Traceback (most recent call last):\n")
    assert traceback_of(caught.value).endswith("\nOSError: no \\udcff\n")
