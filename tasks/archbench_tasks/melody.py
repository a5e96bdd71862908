"""Melodies: three notes in noise, each high or low, heard as a raw waveform.

Source: made for this suite, as its task of sound. It asks of a waveform what experiment 6b of Hochreiter and
Schmidhuber, "Long Short-Term Memory", Neural Computation 9(8), 1997, sec. 5.6, asks of symbols: which things came, and
in which order. A single sample says nothing of a pitch, and a note that begins at any phase has no fixed shape, so a
network has to find the frequency in a stretch of sound, and then to remember it.

A sound is divided into three equal parts, and in each of them lies one note of 64 samples, at a place drawn uniformly.
A note is a sine of amplitude 0.8 to 1 and any phase, with 6 samples a period if it is high and 12 if it is low, up to
5 % more or less. All over the sound lies white noise of standard deviation 0.8. A network hears frames of 16 samples.
The class, one of eight, is the melody: its three notes as a binary number, high = 1. Notes are independent, and high
half of the time, so `chance` is 1/8.

`oracle` is 1. Two notes of amplitude A lie A sqrt(64) / 0.8 standard deviations of the noise apart, which is 8 or more:
a filter for each pitch hears all but one melody in a thousand (a test builds these filters).

Splits: 20,000 training and 500 validation sounds, new for every seed; 2,000 test sounds, always the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated

import archbench
from archbench_tasks._generated import draw_splits

if TYPE_CHECKING:
    import numpy as np

NOTES = 3
NOTE = 64  # samples
FRAME = 16  # samples that a network gets at a step
PERIODS = (12.0, 6.0)  # samples of a low and of a high note
DETUNED = 0.05
NOISE = 0.8


@dataclass(frozen=True)
class MelodyOptions:
    """Settings of the sounds."""

    frames: Annotated[int, archbench.Meta(ge=15, multiple_of=3, description="steps, of 16 samples each")] = (
        36  # a tanh net fails, and gated nets learn it in seconds on a CPU
    )


def info(options: MelodyOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: frames of samples, eight classes."""
    return archbench.TaskInfo(kind="sequence", input_shape=(options.frames, FRAME), outputs=2**NOTES)


def load(options: MelodyOptions, seed: int) -> archbench.Splits:
    """Return sounds (N, frames, 16) float32 and melodies (N,) int64."""
    return draw_splits(partial(generate, frames=options.frames), seed)


def generate(count: int, draw: np.random.Generator, *, frames: int) -> archbench.Examples:
    """Draw `count` sounds of so many frames."""
    import numpy as np

    part = frames * FRAME // NOTES
    high = draw.integers(0, 2, (count, NOTES, 1))
    begin = draw.integers(0, part - NOTE, (count, NOTES, 1), endpoint=True)
    period = np.where(high == 1, PERIODS[1], PERIODS[0]) * draw.uniform(1 - DETUNED, 1 + DETUNED, high.shape)
    phase, loud = draw.uniform(0, 2 * np.pi, high.shape), draw.uniform(0.8, 1, high.shape)
    time = np.arange(part)
    sine = loud * np.sin(2 * np.pi / period * time + phase)  # (count, 3, part)
    heard = (begin <= time) & (time < begin + NOTE)
    sound = np.where(heard, sine, 0).reshape(count, frames, FRAME).astype(np.float32)
    sound += np.float32(NOISE) * draw.standard_normal(sound.shape, dtype=np.float32)
    return archbench.Examples(sound, (high[:, :, 0] * [4, 2, 1]).sum(axis=1))


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the melodies, of any length."""
    yield archbench.Task(
        name="melody",
        info=info,
        load=load,
        loss="cross_entropy",
        metric="accuracy",
        chance=0.5**NOTES,
        oracle=1.0,
        margin=0.05,  # one melody in twenty, which is one note in sixty
        options=MelodyOptions,
        summary="Three notes in noise, each high or low, from the raw waveform",
        source="made for this suite, after Hochreiter & Schmidhuber 1997, sec. 5.6",
    )
