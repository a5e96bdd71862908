"""Generated tasks: how their three splits are drawn, and padded to one length."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import archbench

if TYPE_CHECKING:
    import numpy as np

TRAINING = 20_000
VALIDATION = 500
TEST = 2_000
TEST_SEED = 2**32  # outside the range of the derived seeds, so that no training stream repeats the test stream

Generate = Callable[[int, "np.random.Generator"], archbench.Examples]


def draw_splits(
    generate: Generate,
    seed: int,
    *,
    test: Generate | None = None,
    sizes: tuple[int, int, int] = (TRAINING, VALIDATION, TEST),
) -> archbench.Splits:
    """Return training and validation examples that depend on the seed, and test examples that do not.

    Args:
        generate: `generate(count, draw)` returns so many examples and takes every random number from `draw`.
        seed: of training and validation.
        test: generates the test split, where it follows another law, as in studies of length; None to use `generate`.
        sizes: examples of training, validation and test.
    """
    import numpy as np

    draw = np.random.default_rng(seed)
    train, validation, last = sizes
    return archbench.Splits(
        train=generate(train, draw),
        validation=generate(validation, draw),
        test=(test or generate)(last, np.random.default_rng(TEST_SEED)),
    )


def pad_splits(splits: archbench.Splits, steps: int) -> archbench.Splits:
    """Return splits padded at the end to `steps`, with the lengths; all sequences of a split have one length."""
    return archbench.Splits(*(_pad(split, steps) for split in (splits.train, splits.validation, splits.test)))


def _pad(examples: archbench.Examples, steps: int) -> archbench.Examples:
    import numpy as np

    def padded(array: np.ndarray[Any, Any], value: int) -> np.ndarray[Any, Any]:
        return np.pad(array, [(0, 0), (0, missing), *[(0, 0)] * (array.ndim - 2)], constant_values=value)

    inputs = np.asarray(examples.inputs)  # which they are already: generated examples lie in memory
    count, length = inputs.shape[:2]
    missing = steps - length
    labels_per_step = examples.targets.dtype == np.int64 and examples.targets.ndim == 2
    targets = padded(examples.targets, archbench.IGNORED) if labels_per_step else examples.targets
    return archbench.Examples(padded(inputs, 0), targets, np.full(count, length))
