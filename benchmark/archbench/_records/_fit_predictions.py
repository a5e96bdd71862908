"""Whether the predictions and the example in a record can belong to its score and its task."""

from __future__ import annotations

import math
from collections.abc import Iterator

from archbench._records._limits import (
    MOST_CHANNELS,
    MOST_CLASSES,
    MOST_FEATURES,
    MOST_PIXELS,
    MOST_STEPS,
    MOST_WRONG,
)
from archbench._records._record import Record
from archbench._records._task_facts import Example

LARGEST = {
    "image": (MOST_CHANNELS, MOST_PIXELS, MOST_PIXELS),
    "sequence": (MOST_STEPS, MOST_FEATURES),
    "tokens": (MOST_STEPS,),
}
_ROUNDING = 1e-6


def prediction_misfits(record: Record) -> Iterator[str]:
    """Yield why the confusion matrix, the wrong examples or the example of the task cannot be those of the trial."""
    facts = record.task_facts
    if facts.test_examples is not None and facts.test_examples < 1:
        yield f"it was tested on {facts.test_examples} examples"
    if record.scores is None and (record.confusion is not None or record.wrong):
        yield "it has predictions and no test score"
    if record.confusion is not None:
        yield from _matrix_misfits(record, record.confusion)
    yield from _wrong_misfits(record)
    if facts.example is not None:
        yield from _example_misfits(facts.example)


def _matrix_misfits(record: Record, matrix: list[list[int]]) -> Iterator[str]:
    facts, scores = record.task_facts, record.scores
    if not 1 <= len(matrix) <= MOST_CLASSES or any(len(row) != len(matrix) for row in matrix):
        yield "its confusion matrix is not a square of 1 to 100 classes"
        return
    if min(map(min, matrix)) < 0:
        yield "its confusion matrix has negative counts"
    if facts.classes and len(facts.classes) != len(matrix):
        yield f"its confusion matrix has {len(matrix)} classes, its task {len(facts.classes)}"
    total, right = sum(map(sum, matrix)), sum(row[i] for i, row in enumerate(matrix))
    # Fewer are possible: examples whose label is `IGNORED` are in the split and not in the matrix.
    if facts.test_examples is not None and total > facts.test_examples:
        yield f"its confusion matrix has {total} examples, the test split {facts.test_examples}"
    if len(record.wrong) != min(MOST_WRONG, total - right):
        yield f"it names {len(record.wrong)} wrong examples, its confusion matrix has {total - right}"
    if scores is None or facts.metric != "accuracy" or not total:
        return
    if not math.isclose(right / total, scores.test, rel_tol=0.0, abs_tol=_ROUNDING):
        yield f"its confusion matrix has the accuracy {right / total:g}, its score is {scores.test:g}"


def _wrong_misfits(record: Record) -> Iterator[str]:
    wrong, examples = record.wrong, record.task_facts.test_examples
    if len(wrong) > MOST_WRONG or len(set(wrong)) < len(wrong):
        yield "it names more than 100 wrong examples, or one of them twice"
    if wrong and (min(wrong) < 0 or (examples is not None and max(wrong) >= examples)):
        yield f"it names wrong examples that are not among the {examples} of the test split"


def _example_misfits(example: Example) -> Iterator[str]:
    largest, shape = LARGEST.get(example.kind, ()), example.shape
    fits = len(shape) == len(largest) and all(1 <= size <= most for size, most in zip(shape, largest, strict=True))
    if not fits or math.prod(shape) != len(example.values):
        yield f"its example of the task has {len(example.values)} values for the shape {shape[:9]}"
