"""What a plugin declares so that people can train on their own files: `--task SCHEME:PATH`. Free of torch and numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from archbench._declarations._checks import check_declaration, check_target
from archbench._declarations._metrics import Loss, Metric
from archbench._declarations._task import Splits, TaskInfo
from archbench._errors import DeclarationError

CONTENT_DIGITS = 12
"""Hex digits of the content hash that name a task."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a reader found at a path: a task in all but name.

    Args:
        content: a hash of all that decides the data, at least 12 hex digits; of contents, never of a path, so that a
            copy elsewhere is the same task.
        info, loss, metric, chance, oracle, fixed_splits: as for `Task`.
        summary: one line for the leaderboard, without the path.
        facts: what `benchmark show` prints of the data, such as classes, counts and splits. Plain data.
        warnings: what was left out, where the user asked for that; a line each, printed before training.

    Raises:
        DeclarationError: `content` is no such hash.
    """

    content: str
    info: TaskInfo
    loss: Loss
    metric: Metric
    chance: float
    oracle: float
    summary: str
    fixed_splits: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        digits = self.content if isinstance(self.content, str) else ""
        if len(digits) < CONTENT_DIGITS or set(digits) - set("0123456789abcdef"):
            raise DeclarationError(
                f"Found.content is {self.content!r}; give {CONTENT_DIGITS} or more lower-case hex digits"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A kind of files that people can train on.

    Args:
        scheme: what stands before the colon in `--task SCHEME:PATH`; lower-case letters, digits and `-`.
        inspect: `inspect(path, options)` returns `Found`, or the same as a `"module:function"` string. Called in the
            process of the command, before anything trains; it must not import torch. What is wrong with the files it
            says with a `DataError`: which file, which line, what to do.
        load: `load(path, options, content, seed)` returns `Splits`, or the same as a string. Called in the worker; it
            raises `DataError` if the files are not those of `content` any more. As for `Task`, the test split must
            not depend on the seed.
        options: as for `Architecture`; what people write in brackets after the path.
        summary: one line for lists.
        revision: raise it when the same files give other data.
        libraries: as for `Task`.

    Raises:
        DeclarationError: a field does not fit; the message says which and what is allowed.
    """

    scheme: str
    inspect: str | Callable[[Path, Any], Found]
    load: str | Callable[[Path, Any, str, int], Splits]
    options: type | None = None
    summary: str = ""
    revision: int = 1
    libraries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_declaration(self, "Reader", self.load, "load")
        check_target(self, "Reader", self.inspect, "inspect")

    @property
    def name(self) -> str:
        """The scheme: what tells it apart."""
        return self.scheme

    @property
    def variants(self) -> Mapping[str, Mapping[str, Any]]:
        """None."""
        return {}

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """None: what a reader finds is checked as a task."""
        return {}


class OwnData(msgspec.Struct, frozen=True, kw_only=True):
    """The files behind a task, as a worker needs them. They travel with a job and never into a record.

    Args:
        scheme: of the reader.
        path: absolute.
        found: what the reader saw when the run was planned.
    """

    scheme: str
    path: str
    found: Found
