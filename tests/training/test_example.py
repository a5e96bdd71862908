"""The example of a task in a record: cut to what a page can draw, the same for all trials, never a user's file."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
import torch

from archbench import LocalFolder, Task, TaskInfo
from archbench._training import run_trial
from archbench._training._example import make_example
from archbench._training._splits import ResidentSplit
from support import MakeJob

LINEAR = "def build(task, options):\n    return linear(task)\n"


def example_of(inputs: torch.Tensor, targets: torch.Tensor, lengths: torch.Tensor | None = None, **facts: Any) -> Any:
    """Return the example of a split with these inputs."""
    kind = {4: "image", 3: "sequence", 2: "tokens"}[inputs.ndim]
    vocabulary = 300 if kind == "tokens" else None
    info = TaskInfo(
        kind=kind,  # type: ignore[arg-type]
        input_shape=tuple(inputs.shape[1:]),
        outputs=3,
        vocabulary=vocabulary,
        variable_length=lengths is not None,
        per_step=facts.pop("per_step", False),
    )
    classes = not targets.is_floating_point()
    task = Task(
        name="t",
        info=info,
        load="m:f",
        loss="cross_entropy" if classes else "mean_squared_error",
        metric="accuracy" if classes else "mean_squared_error",
        chance=0.3 if classes else 1.0,
        oracle=1.0 if classes else 0.0,
        **facts,
    )
    return make_example(ResidentSplit(inputs, targets, lengths), task, info)


def test_a_large_image_is_averaged() -> None:
    """An image of 64 x 48 pixels becomes one of 32 x 24, each pixel the mean of four, from 0 to 255."""
    image = torch.zeros(2, 4, 64, 48)
    image[0, 1, :2, :2] = torch.tensor([[4.0, 0.0], [0.0, 4.0]])
    image[0, 2, :2, :2] = -2.0
    example = example_of(image, torch.tensor([2, 0]))

    assert (example.whole, example.shape, example.target) == ([4, 64, 48], [3, 32, 24], "2")
    pixels = torch.tensor(example.values).view(3, 32, 24)
    assert (pixels[1, 0, 0], pixels[2, 0, 0]) == (255, 0)
    assert pixels.unique().tolist() == [0, 128, 255]


def test_an_image_of_one_grey() -> None:
    """An image without contrast is black, not an error."""
    assert example_of(torch.ones(1, 1, 2, 2), torch.tensor([0])).values == [0, 0, 0, 0]


def test_a_sequence_is_cut() -> None:
    """A sequence keeps 200 steps of 4 features, with three digits; its numbers are its target."""
    inputs = torch.arange(300.0)[None, :, None] + torch.arange(6) / 10 + 1000.04
    example = example_of(inputs, torch.tensor([[0.12345, -2.0, 1e-7]]))

    assert (example.whole, example.shape) == ([300, 6], [200, 4])
    assert example.values[:2] == [1e3, 1e3]
    assert example.values[-1] == 1.2e3
    assert example.target == "0.123 -2 1e-07"


def test_the_padding_of_a_sequence_is_left_out() -> None:
    """Of tokens of variable length only the real ones are kept, with their labels, `-` where nothing is asked."""
    example = example_of(
        torch.tensor([[7, 8, 9, 0, 0]]), torch.tensor([[-100, 1, 2, -100, -100]]), torch.tensor([3]), per_step=True
    )

    assert (example.whole, example.shape, example.values, example.target) == ([3], [3], [7, 8, 9], "- 1 2")


def test_no_example_of_a_folder_of_the_user() -> None:
    """A task that reads a folder of the user has no example, since it would be copied into every record."""
    folder = LocalFolder(path="pictures", advice="Put pictures there.")

    assert example_of(torch.zeros(1, 1, 2, 2), torch.tensor([0]), files=(folder,)) is None


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_no_example_that_is_not_finite(value: float) -> None:
    """JSON has no such numbers."""
    assert example_of(torch.full((1, 1, 2, 2), value), torch.tensor([0])) is None


def test_only_seed_0_keeps_the_example(make_job: MakeJob) -> None:
    """The training split depends on the seed; records of another seed and of tuning have no example."""
    first, second = run_trial(make_job(LINEAR)), run_trial(make_job(LINEAR, seed=1))
    job = make_job(LINEAR)
    tuning = run_trial(msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, tuning=True)))

    assert first.task_facts.example is not None
    assert first.task_facts.example.shape == [1, 8, 8]
    assert [r.task_facts.example for r in (second, tuning)] == [None, None]
    assert [r.task_facts.test_examples for r in (first, second, tuning)] == [397, 397, 397]
