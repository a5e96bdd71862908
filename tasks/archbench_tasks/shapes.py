"""Textured shapes: generated colour images of any size.

Source: made for this suite, as a stand-in for CIFAR-10 that needs no download; after the idea of controlled stimuli
in Geirhos et al., arXiv:1811.12231, that shape and texture are separate cues and a class may need both.

The class, one of ten, is the pair (outline, texture) of the object: outline disc, square, triangle, cross or ring;
texture stripes or checks. Nothing else depends on the class. These vary freely:

- pose: centre within 0.25 of the middle, radius 0.5 to 0.75 (the image runs from -1 to 1), any rotation; the texture
  has a rotation and a phase of its own, and a period of 0.6 to 0.8 radii;
- colour: two of the texture, at least 0.5 apart in every channel, and two of the background, which runs from one to
  the other along any direction;
- clutter: three dots of any colour, drawn over everything, radius 0.08 to 0.16;
- light and noise: contrast 0.6 to 1, and Gaussian noise of standard deviation 0.1 on every channel of every pixel.

Edges are one pixel soft, and all lengths are relative, so `size` changes the sampling and not the scene. Pixels run
from about -1 to 1. Labels are balanced in every split; `chance` is 1/10, and `oracle` 1.0, though now and then a dot
or the noise hides what tells two classes apart at 16 pixels.

Splits: 6,000 training and 500 validation images, new for every seed; 1,000 test images, always the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import archbench
from archbench_tasks._generated import draw_splits

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Uniform = Callable[..., Array]  # `uniform(low, high, *shape)` draws numbers (N, *shape)

OUTLINES = ("disc", "square", "triangle", "cross", "ring")
TEXTURES = ("stripes", "checks")
CLASSES = len(OUTLINES) * len(TEXTURES)
SIZES = (6_000, 500, 1_000)
DOTS = 3
AT_ONCE = 1 << 20  # pixels drawn at a time, so that memory stays near 100 MB at any size
NOISE = 0.1


@dataclass(frozen=True)
class ShapesOptions:
    """Settings of the images."""

    size: Annotated[int, archbench.Meta(ge=8, description="height and width in pixels; 32 is that of CIFAR-10")] = (
        16  # a quarter of the cost, and checks are still four pixels wide
    )


def info(options: ShapesOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: colour images, ten classes."""
    return archbench.TaskInfo(kind="image", input_shape=(3, options.size, options.size), outputs=CLASSES)


def load(options: ShapesOptions, seed: int) -> archbench.Splits:
    """Return images (N, 3, size, size) float32 and labels (N,) int64; class k is outline k // 2, texture k % 2."""
    return draw_splits(partial(generate, size=options.size), seed, sizes=SIZES)


def generate(count: int, draw: np.random.Generator, *, size: int) -> archbench.Examples:
    """Draw `count` images, equally many of each class."""
    import numpy as np

    labels = draw.permutation(np.arange(count) % CLASSES)
    batch = max(1, AT_ONCE // size**2)
    painted = [_paint(labels[start : start + batch], draw, size) for start in range(0, count, batch)]
    return archbench.Examples(np.concatenate(painted), labels)


def _paint(labels: Array, draw: np.random.Generator, size: int) -> Array:
    """Draw images (N, 3, size, size) of these classes, from the background to the light."""
    import numpy as np

    def uniform(low: float, high: float, *shape: int) -> Array:
        return draw.uniform(low, high, (len(labels), *shape)).astype(np.float32)

    axis = ((np.arange(size, dtype=np.float32) + 0.5) * 2 / size - 1)[None]
    x, y = axis[:, None, :], axis[:, :, None]  # (1, 1, size) and (1, size, 1)
    colours = uniform(-1, 1, 4 + DOTS, 3, 1, 1)
    # The second colour of the texture lies 0.5 or more from the first in every channel: else the texture could vanish.
    colours[:, 3] = (colours[:, 2] + 1 + uniform(0.5, 1.5, 3, 1, 1)) % 2 - 1

    ramp = _turned(x, y, uniform(0, 2 * np.pi, 1, 1))[0] / 2 + 0.5
    image = _blend(colours[:, 0], colours[:, 1], ramp)

    covered, texture = _object(labels, x, y, uniform, size)
    inked = _blend(colours[:, 2], colours[:, 3], texture)
    image = _blend(image, inked, covered)
    for dot in range(DOTS):
        image = _blend(image, colours[:, 4 + dot], _dot(x, y, uniform, size))

    image *= uniform(0.6, 1, 1, 1, 1)
    image += NOISE * draw.standard_normal(image.shape, dtype=np.float32)
    return image


def _object(labels: Array, x: Array, y: Array, uniform: Uniform, size: int) -> tuple[Array, Array]:
    """Draw pose and texture; return how much of each pixel the object covers, and the share of its second colour."""
    import numpy as np

    radius = uniform(0.5, 0.75, 1, 1)
    u, v = x - uniform(-0.25, 0.25, 1, 1), y - uniform(-0.25, 0.25, 1, 1)
    u, v = u / radius, v / radius  # (N, size, size) or (N, 1, size): the object reaches from -1 to 1
    inside = _outline(labels // len(TEXTURES), *_turned(u, v, uniform(0, 2 * np.pi, 1, 1)))
    along, across = _turned(u, v, uniform(0, 2 * np.pi, 1, 1))
    wave = 2 * np.pi / uniform(0.6, 0.8, 1, 1)
    texture = np.sin(wave * along + uniform(0, 2 * np.pi, 1, 1))
    checked = (labels % len(TEXTURES) == TEXTURES.index("checks"))[:, None, None]
    texture = texture * np.where(checked, np.sin(wave * across + uniform(0, 2 * np.pi, 1, 1)), 1)
    pixel = 2 / size / radius
    covered: Array = np.clip(inside / pixel + 0.5, 0, 1)
    return covered, np.clip(texture * 2 + 0.5, 0, 1)


def _dot(x: Array, y: Array, uniform: Uniform, size: int) -> Array:
    """Draw the place and the size of a dot; return how much of each pixel it covers."""
    import numpy as np

    away = np.hypot(x - uniform(-1, 1, 1, 1), y - uniform(-1, 1, 1, 1))
    inside = (uniform(0.08, 0.16, 1, 1) - away) * size / 2
    covered: Array = np.clip(inside + 0.5, 0, 1)
    return covered


def _blend(below: Array, above: Array, share: Array) -> Array:
    """Return `above` where `share` (N, ., .) is 1, `below` where it is 0; both are (N, 3, ., .)."""
    blended: Array = below + (above - below) * share[:, None]
    return blended


def _turned(x: Array, y: Array, angle: Array) -> tuple[Array, Array]:
    """Return the coordinates after a rotation."""
    import numpy as np

    return x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)


def _outline(which: Array, u: Array, v: Array) -> Array:
    """Return how far inside its outline each point lies, in radii (N, size, size): negative outside."""
    import numpy as np

    far = np.hypot(u, v)
    square = 0.8 - np.maximum(abs(u), abs(v))
    triangle = 0.5 - np.maximum(-v, abs(u) * np.float32(np.sqrt(0.75)) + v / 2)  # its corners at distance 1
    arms = np.minimum(abs(u), abs(v)), np.maximum(abs(u), abs(v))
    cross = np.minimum(0.3 - arms[0], 0.95 - arms[1])
    ring = 0.3 - abs(far - 0.7)
    distances = np.stack([1 - far, square, triangle, cross, ring])
    picked: Array = distances[which, np.arange(len(which))]
    return picked


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the images, at any size."""
    yield archbench.Task(
        name="shapes",
        info=info,
        load=load,
        loss="cross_entropy",
        metric="accuracy",
        chance=1 / CLASSES,
        oracle=1.0,
        margin=0.02,  # 20 of the 1,000 test images; one standard error is up to 16
        by_default=False,
        options=ShapesOptions,
        variants={"shapes-32": {"size": 32}},
        summary="Generated colour images: five outlines, each in two textures, among clutter",
        source="made for this suite, after arXiv:1811.12231",
    )
