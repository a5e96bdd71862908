"""Sequences of different lengths, as the readers of all file formats return them, and the options of these readers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import archbench

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class SequenceOptions:
    """Which columns are features, and what the others are. In npz, `features` and `drop` take numbers from 0."""

    id: Annotated[str, archbench.Meta(description="column that says which sequence a row is of")] = "id"  # obvious
    label: Annotated[str, archbench.Meta(description="column of the class")] = "label"  # obvious
    target: Annotated[str, archbench.Meta(description="column of a number to predict in place of a class")] = (
        ""  # classes are the usual case
    )
    features: Annotated[
        tuple[str, ...] | None, archbench.Meta(description="only these columns are features; several with commas")
    ] = None  # all that have no other use
    drop: Annotated[
        tuple[str, ...] | None, archbench.Meta(description="these columns are no features; several with commas")
    ] = None  # none
    group: Annotated[str | None, archbench.Meta(description="column whose equal values stay in one split")] = (
        None  # sequences are independent
    )
    time: Annotated[
        str | None, archbench.Meta(description="column of times: the earliest sequences train, the latest test")
    ] = None  # splits are drawn
    missing: Annotated[
        Literal["mask"] | None,
        archbench.Meta(description="`mask`: empty cells count as the mean, and a feature says where they are"),
    ] = None  # empty cells are mistakes
    horizon: Annotated[
        Annotated[int, archbench.Meta(ge=1)] | None,
        archbench.Meta(description="forecast `target` so many steps ahead, from the steps up to now"),
    ] = None  # an answer for each sequence
    context: Annotated[
        Annotated[int, archbench.Meta(ge=2)] | None, archbench.Meta(description="steps that a forecast sees; 32")
    ] = None  # see _forecast_options
    answers: Annotated[
        Literal["last", "every"] | None,
        archbench.Meta(description="forecast after the last step that is seen, or after each; last"),
    ] = None


@dataclass(frozen=True)
class Sequences:
    """The content of a file.

    Args:
        values: float64 (M, F), all steps of all sequences, one sequence after the other.
        lengths: int64 (N,), their sum is M.
        targets: class numbers int64 (N,), or float64 (N,) where a number is to be predicted.
        classes: names of the classes in order; empty where a number is to be predicted.
        features: F names.
        groups: the group of each sequence (N,); None where nothing is grouped.
        starts: when each sequence begins (N,), float64; None where no times are given.
        dates: the times are dates, in seconds since 1970.
    """

    values: Array
    lengths: Array
    targets: Array
    classes: list[str]
    features: list[str]
    groups: list[str] | None = None
    starts: Array | None = None
    dates: bool = False


ARRAYS = ("values", "lengths", "targets", "starts")
"""Fields of `Sequences` that are arrays; the others are plain data."""


def number_classes(labels: Array) -> tuple[Array, list[str]]:
    """Return labels as 0, 1, ... and the names of the classes: whole numbers by size, other names by alphabet."""
    import numpy as np

    names = np.unique(labels).tolist()
    if all(str(name).lstrip("-").isdecimal() for name in names):
        names.sort(key=int)
    number = {name: index for index, name in enumerate(names)}
    return np.array([number[label] for label in labels.tolist()], np.int64), [str(name) for name in names]
