"""Plain data of profiles and jobs: what they add up and say, and what they are without being told."""

from __future__ import annotations

import msgspec
import pytest

from archbench._planning import Device
from archbench._planning._profile import Layer, Profile, ProfileFailure, Spread, steps_needed
from archbench._protocols import HOUSE_RECIPE
from archbench._records import Environment

SPREAD = Spread(median=1.0, low=0.5, high=2.0)
LAYER = Layer(
    name="a", type="Linear", leaf=True, calls=1.0, forward_seconds=0.25, backward_seconds=0.5, parameters=6,
    output_bytes=None,
)  # fmt: skip


def profile(threads: int) -> Profile:
    """A profile on so many threads."""
    here = Environment(
        archbench="1", python="3.11", torch="2", lightning="2", platform="Linux", processor="A processor",
        device="cpu", threads=threads,
    )  # fmt: skip
    return Profile(
        architecture="a", task="t", protocol="quick", seed=4, recipe=HOUSE_RECIPE, batch_size=64,
        device=Device(kind="cpu", threads=threads), environment=here, parameters=6, warm_up=5, steps=20,
        suite_step=SPREAD, step=SPREAD, phases=[], phases_ratio=1.0, layers=[LAYER], layers_ratio=1.0,
        loss_seconds=None, unattributed_seconds=0.0, flops_per_example=None, flops_per_step=None,
        flops_per_second=None, peak_flops_per_second=1.0, peak_share=None, peak_memory_bytes=1,
    )  # fmt: skip


def test_steps_of_a_profile() -> None:
    """Warm-up, three measurements of the steps, and 8 for a trace: 5 + 3 * 20 + 8."""
    assert steps_needed(warm_up=5, steps=20) == 73


@pytest.mark.parametrize(
    ("forward", "backward", "both"), [(0.25, 0.5, 0.75), (None, 0.5, 0.5), (0.25, None, 0.25), (None, None, 0.0)]
)
def test_seconds_of_a_layer(forward: float | None, backward: float | None, both: float) -> None:
    """A pass that was not measured adds nothing."""
    assert msgspec.structs.replace(LAYER, forward_seconds=forward, backward_seconds=backward).seconds == both


@pytest.mark.parametrize(("threads", "words"), [(1, "cpu, 1 thread;"), (2, "cpu, 2 threads;")])
def test_conditions_in_words(threads: int, words: str) -> None:
    """The line names what was measured, and one thread is not several."""
    said = f"protocol quick, batch of 64, seed 4; {words} medians over 20 steps after 5"

    assert profile(threads).conditions() == said


@pytest.mark.parametrize("answer", [profile(1), ProfileFailure(message="no luck")], ids=["profile", "failure"])
def test_answers_of_the_measuring_process_read_back(answer: Profile | ProfileFailure) -> None:
    """The supervisor reads either kind from one file, and gets that which was written."""
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Profile | ProfileFailure) == answer


def test_a_failure_is_of_the_trial_unless_it_says_otherwise() -> None:
    """Only the missing device is called so; a device is the first of its kind, with one thread."""
    failure = ProfileFailure(message="no luck")

    assert (failure.detail, failure.no_device) == ("", False)
    assert Device(kind="cpu") == Device(kind="cpu", index=0, threads=1)
