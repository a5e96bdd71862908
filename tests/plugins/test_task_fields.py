"""The fields of a task: one that has another type is refused when the task is declared, with its name."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from archbench import Architecture, DeclarationError, Reader, Task, TaskInfo

INFO: dict[str, Any] = {"kind": "sequence", "input_shape": (6, 2), "outputs": 3}
TASK: dict[str, Any] = {
    "name": "mine",
    "info": TaskInfo(**INFO),
    "load": print,
    "loss": "cross_entropy",
    "metric": "accuracy",
    "chance": 0.25,
    "oracle": 1.0,
}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("input_shape", 6),
        ("input_shape", "62"),
        ("input_shape", None),
        ("input_shape", (6.0, 2)),
        ("input_shape", ("6", 2)),
        ("input_shape", (6, True)),
        ("input_shape", (6, 0)),
        ("input_shape", (6,)),
        ("outputs", "3"),
        ("outputs", 3.0),
        ("outputs", 0),
        ("outputs", None),
    ],
)
def test_info(field: str, value: object) -> None:
    """Sizes are whole numbers, and the error names the field."""
    with pytest.raises(DeclarationError, match=rf"^TaskInfo\.{field}"):
        TaskInfo(**{**INFO, field: value})


@pytest.mark.parametrize("value", ["9", 9.0, 0])
def test_vocabulary(value: object) -> None:
    """The number of tokens is a whole number, too."""
    with pytest.raises(DeclarationError, match=rf"^TaskInfo\.vocabulary is {value!r}"):
        TaskInfo(kind="tokens", input_shape=(6,), outputs=3, vocabulary=value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("chance", "0.3"),
        ("chance", None),
        ("chance", np.float32(0.25)),
        ("chance", float("nan")),
        ("oracle", "1"),
        ("oracle", float("inf")),
        ("target", "0.9"),
        ("effort", "2"),
        ("effort", True),
        ("effort", 0),
        ("effort", float("inf")),
        ("libraries", "sklearn.datasets"),
        ("libraries", (1,)),
    ],
)
def test_task(field: str, value: object) -> None:
    """Numbers are finite, modules a tuple, and the error names the field."""
    with pytest.raises(DeclarationError, match=rf"^Task 'mine': {field} is {re.escape(repr(value))};"):
        Task(**{**TASK, field: value})


def test_libraries_of_a_reader() -> None:
    """A reader names modules as a task does."""
    with pytest.raises(DeclarationError, match=r"^Reader 'mine': libraries is 'pandas';"):
        Reader(scheme="mine", inspect=print, load=print, libraries="pandas")  # type: ignore[arg-type]


def test_libraries_of_an_architecture() -> None:
    """An architecture names modules as a task does."""
    with pytest.raises(DeclarationError, match=r"^Architecture 'mine': libraries is 'timm';"):
        Architecture(name="mine", build="mine:build", inputs=("image",), libraries="timm")  # type: ignore[arg-type]


def test_sizes_become_whole_numbers() -> None:
    """A list and numbers of numpy are taken, and are as good as a tuple of int."""
    info = TaskInfo(kind="sequence", input_shape=[np.int64(6), 2], outputs=np.int32(3))  # type: ignore[arg-type]

    assert info == TaskInfo(**INFO)
    assert hash(info) == hash(TaskInfo(**INFO))
    assert {type(size) for size in (*info.input_shape, info.outputs)} == {int}
    assert Task(**{**TASK, "chance": np.float64(0.25), "effort": 2}).effort == 2
