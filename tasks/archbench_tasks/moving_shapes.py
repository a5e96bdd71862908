"""Moving shapes: a short film of two shapes, of which one has to be followed.

Source: made for this suite, as its task of video, after the moving digits of Srivastava, Mansimov and Salakhutdinov,
"Unsupervised learning of video representations using LSTMs", arXiv:1502.04681, sec. 4: what moves is simple and known,
so that all there is to learn is the motion.

A film has 16 frames of 6x6 pixels, whose opposite edges meet: what leaves on one side comes back on the other. In it
are a bright square of 2x2 pixels (+1) and a dark T of four (-1), on grey (0). Each has a direction of its own, up,
down, left or right. From one frame to the next each moves by a pixel with probability 1/2, else it rests. All over the
film lies noise of standard deviation 0.1. The class, one of four, is the direction of the square. A network sees one
frame at a step, as 36 numbers.

At any time both shapes are equally likely to be anywhere, whatever their directions, so that a single frame says
nothing of the class; nor do any two, if the square rests between them. A network has to know the square from the T,
remember where it was, and compare. Directions are independent and equally frequent: `chance` is 1/4. `oracle` is 1: a
square that never moves has no direction, but that happens to one film in 2^15.

Splits: 20,000 training and 500 validation films, new for every seed; 2,000 test films, always the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import archbench
from archbench_tasks._generated import draw_splits

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

WAYS = ((-1, 0), (1, 0), (0, -1), (0, 1))  # up, down, left, right: the change of row and column
SQUARE = ((0, 0), (0, 1), (1, 0), (1, 1))
T_SHAPE = ((0, 0), (0, 1), (0, 2), (1, 1))
NOISE = 0.1


@dataclass(frozen=True)
class MovingShapesOptions:
    """Settings of the films."""

    size: Annotated[int, archbench.Meta(ge=4, description="height and width in pixels")] = (
        6  # a tanh net fails already, and the gated nets learn it in seconds on a CPU
    )
    frames: Annotated[int, archbench.Meta(ge=2, description="steps")] = (
        16  # the square moves seven or eight times, and hardly ever not at all
    )


def info(options: MovingShapesOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: sequences of frames, four classes."""
    return archbench.TaskInfo(kind="sequence", input_shape=(options.frames, options.size**2), outputs=len(WAYS))


def load(options: MovingShapesOptions, seed: int) -> archbench.Splits:
    """Return films (N, frames, size * size) float32, row by row, and directions (N,) int64."""
    return draw_splits(partial(generate, size=options.size, frames=options.frames), seed)


def generate(count: int, draw: np.random.Generator, *, size: int, frames: int) -> archbench.Examples:
    """Draw `count` films."""
    import numpy as np

    film = np.float32(NOISE) * draw.standard_normal((count, frames, size, size), dtype=np.float32)
    square, other = draw.integers(0, len(WAYS), (2, count))
    for shape, way, brightness in ((SQUARE, square, 1), (T_SHAPE, other, -1)):
        path = _path(way, draw, size=size, frames=frames)
        for pixel in shape:
            row, column = np.moveaxis((path + pixel) % size, -1, 0)  # (count, frames)
            film[np.arange(count)[:, None], np.arange(frames), row, column] += brightness
    return archbench.Examples(film.reshape(count, frames, size**2), square)


def _path(way: Array, draw: np.random.Generator, *, size: int, frames: int) -> Array:
    """Draw the rows and columns (N, frames, 2) of shapes that move in these directions, from anywhere."""
    import numpy as np

    moved = draw.integers(0, 2, (len(way), frames, 1))
    moved[:, 0] = 0
    path: Array = draw.integers(0, size, (len(way), 1, 2)) + moved.cumsum(axis=1) * np.array(WAYS)[way][:, None]
    return path


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the films, of any size and length."""
    yield archbench.Task(
        name="moving-shapes",
        info=info,
        load=load,
        loss="cross_entropy",
        metric="accuracy",
        chance=1 / len(WAYS),
        oracle=1.0,
        margin=0.02,  # 40 of the 2,000 test films; one standard error is up to 22
        options=MovingShapesOptions,
        summary="In which direction does the square move? Films of two shapes, frame by frame",
        source="made for this suite, after arXiv:1502.04681",
    )
