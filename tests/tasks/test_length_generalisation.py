"""Tasks whose test sequences may be longer or shorter than those of training."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from archbench import Task
from archbench._declarations import convert_options
from archbench.testing import check_task
from support import Load


@pytest.mark.parametrize(
    ("name", "option", "values", "steps"),
    [
        ("adding", "test_length", {"length": 20, "test_length": 35}, (20, 35)),
        ("adding", "test_length", {"length": 20, "test_length": 12}, (20, 12)),
        ("copy-memory", "test_pause", {"pause": 5, "test_pause": 9}, (25, 29)),
    ],
)
def test_lengths_of_training_and_test(
    name: str, option: str, values: dict[str, int], steps: tuple[int, int], tasks: dict[str, Task], load: Load
) -> None:
    """The option changes only the test split, to that of the task with this length; the kit accepts it."""
    splits = load(name, **values)
    train, test = steps
    plain = load(name, **{key: value for key, value in values.items() if key != option})
    (main,) = set(values) - {option}
    other = load(name, **{main: values[option]})

    assert set(splits.train.lengths) == set(splits.validation.lengths) == {train}
    assert set(splits.test.lengths) == {test}
    np.testing.assert_array_equal(splits.train.inputs[:, :train], plain.train.inputs)
    np.testing.assert_array_equal(splits.test.inputs[:, :test], other.test.inputs)
    options: Any = convert_options(tasks[name], values)
    assert [str(r) for r in check_task(tasks[name], options=options) if r.status not in ("passed", "skipped")] == []


@pytest.mark.parametrize(("name", "option"), [("adding", "length"), ("copy-memory", "pause")])
def test_same_length_is_no_variable_length(name: str, option: str, tasks: dict[str, Task], load: Load) -> None:
    """The values 0 and the length of training change nothing."""
    plain, same = load(name, **{option: 9}), load(name, **{option: 9, f"test_{option}": 9})

    assert plain.test.lengths is None
    assert same.test.lengths is None
    np.testing.assert_array_equal(plain.test.inputs, same.test.inputs)
