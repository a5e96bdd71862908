"""T4xx: do labels belong to their inputs, and do the inputs give them away?"""

from __future__ import annotations

import numpy as np

from archbench.testing._check import Check, Fault, NotApplicable
from archbench.testing.task._learner import SHIFTS, Learner, Rows, beats_chance, is_known, rows_of
from archbench.testing.task._splits import row_bytes
from archbench.testing.task._subject import TaskSubject

EXAMPLES = 256
"""Training examples in which the answer is looked for."""


def answer_not_given(subject: TaskSubject) -> None:
    """Check that no single number of an input tells the answer to every example, up to scale and offset."""
    train = subject.splits.train
    inputs, targets = np.asarray(train.inputs)[:EXAMPLES], np.asarray(train.targets[:EXAMPLES])
    if subject.info.per_step:
        asked = is_known(targets).reshape(len(targets), inputs.shape[1], -1).all(-1)
        inputs, targets = inputs[asked].reshape(int(asked.sum()), -1), targets[asked]
    else:
        whole = is_known(targets).reshape(len(targets), -1).all(-1)
        inputs, targets = inputs[whole], targets[whole]
    columns = inputs.reshape(len(inputs), -1).astype(np.float64)
    answers = targets.reshape(len(targets), -1).astype(np.float64)
    for number in range(answers.shape[1]):
        found = _telling(columns, answers[:, number], exact=subject.info.kind == "tokens")
        if len(found):
            place = "" if subject.info.per_step else f" at {_place(int(found[0]), subject.info.input_shape)}"
            raise Fault(f"the input{place} tells the answer of all {len(answers)} training examples that were read")


def _telling(columns: np.ndarray, answer: np.ndarray, *, exact: bool) -> np.ndarray:
    """Return the columns that are the answer but for noise: their order by size is the order of the answers."""
    if len(answer) < 20 or not answer.std():
        return np.empty(0, dtype=int)
    if exact:
        return np.flatnonzero((columns == answer[:, None]).all(0))
    spread = columns.std(0)
    scaled = (columns - columns.mean(0)) / np.where(spread, spread, 1)
    correlation = scaled.T @ ((answer - answer.mean()) / answer.std()) / len(answer)
    return np.flatnonzero(np.abs(correlation) > 0.999)


def _place(column: int, shape: tuple[int, ...]) -> str:
    return str(tuple(int(index) for index in np.unravel_index(column, shape)))


def labels_belong(subject: TaskSubject) -> str:
    """Check that what a simple learner finds in one split holds in the others, in the order in which labels are.

    A task on which it learns nothing passes, unless it learns when labels are moved by one example.

    Returns:
        A note with the scores of the learner.
    """
    seen = set(row_bytes(subject.splits.train))
    if any(row in seen for split in (subject.splits.validation, subject.splits.test) for row in row_bytes(split)):
        raise NotApplicable("splits share inputs, so that a learner could know the answers")
    splits = {name: rows_of(getattr(subject.splits, name), subject.info) for name in ("train", "validation", "test")}
    learner = Learner(splits["train"])
    validation, test = learner.score(splits["validation"]), learner.score(splits["test"])
    learns, carries = (beats_chance(*scored) for scored in (validation, test))
    for first, second, name in ((validation, test, "test"), (test, validation, "validation")):
        if _lost(first, second):
            other = "validation" if name == "test" else "test"
            raise Fault(
                f"a simple learner of the training examples scores {first[0]:.2g} on {other} (chance {first[1]:.2g}), "
                f"and {second[0]:.2g} on {name} (chance {second[1]:.2g}): the {name} labels do not belong to the inputs"
            )
    if not learns and not carries:
        _look_for_a_shift(splits)
        if beats_chance(*Learner(splits["validation"]).score(splits["test"])):
            raise Fault("validation and test belong together, the training labels do not belong to their inputs")
    return f"{validation[0]:.2g} on validation, {test[0]:.2g} on test, chance {test[1]:.2g}"


def _lost(first: tuple[float, float, int], second: tuple[float, float, int]) -> bool:
    """Return whether a learner that beats chance in the first split is at chance, or worse, in the second."""
    gained, kept = first[0] - first[1], second[0] - second[1]
    return beats_chance(*first) and not beats_chance(*second) and kept < 0.25 * gained and second[2] >= 50


def _look_for_a_shift(splits: dict[str, Rows]) -> None:
    for trained in SHIFTS:
        learner = Learner(splits["train"], trained)
        for name in ("validation", "test"):
            for tested in SHIFTS:
                if (trained or tested) and beats_chance(*learner.score(splits[name], tested)):
                    moved = [f"{split} by {shift:+d}" for split, shift in (("train", trained), (name, tested)) if shift]
                    raise Fault(f"labels fit their inputs only if they are moved by one example: {', '.join(moved)}")


CHECKS = (
    Check(
        "T401",
        "no number of an input is the answer",
        answer_not_given,
        "take the label column, or what was computed from it, out of the inputs; if recalling it is the task, declare "
        "the exception",
        ("T103",),
    ),
    Check(
        "T402",
        "labels belong to their inputs",
        labels_belong,
        "shuffle inputs and labels with one permutation, and slice both alike; if the test is meant to differ from "
        "training, declare the exception",
        ("T103", "T203", "T204"),
    ),
)
