"""A learner that takes a second: ridge regression on the inputs and on random features of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from archbench._declarations import IGNORED, Examples, TaskInfo

ROWS = 1500
WIDTH = 400
"""Inputs with more numbers than these are projected at random."""
WINDOW = 2
"""Steps before and after a step that are read for its answer."""
SHIFTS = (0, -1, 1)
STANDARD_ERRORS = 6.0
LEAST_GAIN = 0.1


@dataclass(frozen=True)
class Rows:
    """Features (N, D) of examples or steps; their answers (N, K), or labels (N, 1), by the shift of the examples."""

    features: np.ndarray
    answers: dict[int, np.ndarray]
    classes: int


def rows_of(examples: Examples, info: TaskInfo) -> Rows:
    """Return a random sample of a split as rows, one for each example, or for each step that is asked."""
    generator = np.random.default_rng(0)
    chosen = generator.permutation(len(examples.targets))[:ROWS]
    inputs = _numbers(np.asarray(examples.inputs[chosen]), info)
    targets = {shift: np.asarray(examples.targets[(chosen + shift) % len(examples.targets)]) for shift in SHIFTS}
    one_class = np.issubdtype(targets[0].dtype, np.integer) and targets[0].ndim == 1 + info.per_step
    classes = info.outputs if one_class else 0
    if not info.per_step:
        whole = np.all([is_known(t).reshape(len(t), -1).all(-1) for t in targets.values()], axis=0)
        inputs, targets = inputs[whole], {shift: t[whole] for shift, t in targets.items()}
    if info.per_step:
        inputs = np.concatenate([np.roll(inputs, move, 1) for move in range(-WINDOW, WINDOW + 1)], -1)
        asked = np.ones(inputs.shape[:2], bool)
        for shifted in targets.values():
            asked &= is_known(shifted).reshape(*inputs.shape[:2], -1).all(-1)
        places = np.flatnonzero(asked)
        places = generator.permutation(places)[:ROWS]
        inputs = inputs.reshape(-1, inputs.shape[-1])[places]
        targets = {shift: t.reshape(asked.size, -1)[places] for shift, t in targets.items()}
    features = inputs.reshape(len(inputs), -1)
    return Rows(features, {shift: t.reshape(len(features), -1) for shift, t in targets.items()}, classes)


def is_known(targets: np.ndarray) -> np.ndarray:
    """Return which targets are asked for: numbers that are not NaN, labels that are not `IGNORED`."""
    known: np.ndarray = ~np.isnan(targets) if targets.dtype.kind == "f" else targets != IGNORED
    return known


def _numbers(inputs: np.ndarray, info: TaskInfo) -> np.ndarray:
    """Return inputs as numbers; each token as a random vector, or as an indicator if there are few."""
    if info.vocabulary is None:
        return inputs.astype(np.float32)
    width = min(info.vocabulary, 32)
    table = (
        np.eye(width) if width == info.vocabulary else np.random.default_rng(1).normal(size=(info.vocabulary, width))
    )
    vectors: np.ndarray = table.astype(np.float32)[inputs]
    return vectors


class Learner:
    """Ridge regression on rows.

    Args:
        rows: the rows to learn.
        shift: of the answers, in examples.
    """

    def __init__(self, rows: Rows, shift: int = 0) -> None:
        generator = np.random.default_rng(2)
        width = rows.features.shape[1]
        self._mean, spread = rows.features.mean(0), rows.features.std(0)
        self._scale = np.where(spread > 1e-6, spread, 1)
        self._projection = generator.normal(size=(width, WIDTH)) / width**0.5 if width > WIDTH else np.eye(width)
        self._random = generator.normal(size=(self._projection.shape[1], WIDTH)) / self._projection.shape[1] ** 0.5
        answers = _one_hot(rows.answers[shift], rows.classes)
        features = self._expand(rows.features)
        gram = features.T @ features + 0.03 * len(features) * np.eye(features.shape[1])
        self._weights = np.linalg.solve(gram, features.T @ answers)

    def _expand(self, features: np.ndarray) -> np.ndarray:
        x = ((features - self._mean) / self._scale).clip(-10, 10) @ self._projection
        return np.concatenate([x, np.maximum(x @ self._random, 0), np.ones((len(x), 1))], 1)

    def score(self, rows: Rows, shift: int = 0) -> tuple[float, float, int]:
        """Return accuracy, that of the best constant, and the number of rows; of numbers, the correlation and 0."""
        found, answers = self._expand(rows.features) @ self._weights, rows.answers[shift]
        if rows.classes:
            labels = answers[:, 0]
            constant = float(np.bincount(labels).max() / len(labels))
            return float((found.argmax(1) == labels).mean()), constant, len(labels)
        pairs = [np.corrcoef(found[:, k], answers[:, k])[0, 1] for k in range(answers.shape[1]) if answers[:, k].std()]
        return float(np.nan_to_num(max(pairs, default=0.0))), 0.0, len(answers)


def beats_chance(score: float, chance: float, count: int) -> bool:
    """Return whether a score is above chance by many standard errors, and by enough to matter."""
    error = (max(chance * (1 - chance), 0.01) / count) ** 0.5 if chance else count**-0.5
    return bool(score - chance > max(STANDARD_ERRORS * error, LEAST_GAIN))


def _one_hot(answers: np.ndarray, classes: int) -> np.ndarray:
    if not classes:
        centred: np.ndarray = answers - answers.mean(0)
        return centred
    encoded: np.ndarray = np.eye(classes)[answers[:, 0]] - 1 / classes
    return encoded
