"""The declaration of a reader of people's own files, `--task SCHEME:PATH`. Free of torch and numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from archbench._declarations._checks import check_declaration, check_modules, check_target
from archbench._declarations._losses import Loss
from archbench._declarations._metrics import Metric
from archbench._declarations._target_scale import TargetScale
from archbench._declarations._task import Splits, TaskInfo
from archbench._errors import DeclarationError

CONTENT_DIGITS = 12
"""Hex digits of the content hash that are part of a task's name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The task that a reader found at a path, still without a name.

    Args:
        content: a hash of everything that decides the data, at least 12 hex digits; of contents, never of a path, so
            that a copy elsewhere is the same task.
        info, loss, metric, chance, oracle, margin, fixed_splits, metrics, baseline, target_scale, missing_targets: as
            for `Task`; losses and metrics by name only.
        summary: one line for the leaderboard, without the path.
        facts: facts about the data that `benchmark show` prints, such as classes, counts and splits. Plain data.
        features: the names of the inputs of a step, where they have names; printed before training.
        warnings: a line for everything that was left out at the user's wish, and for all that makes the scores
            doubtful; printed before training.

    Raises:
        DeclarationError: `content` is not such a hash.
    """

    content: str
    info: TaskInfo
    loss: Loss
    metric: Metric
    chance: float
    oracle: float
    summary: str
    margin: float | None = None
    fixed_splits: bool = False
    metrics: tuple[Metric, ...] = ()
    baseline: str = ""
    target_scale: TargetScale | None = None
    missing_targets: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        digits = self.content if isinstance(self.content, str) else ""
        if len(digits) < CONTENT_DIGITS or set(digits) - set("0123456789abcdef"):
            raise DeclarationError(
                f"Found.content is {self.content!r}; give {CONTENT_DIGITS} or more lower-case hex digits"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """Facts that a reader took from the data of a task, to prepare new files in the same way. Plain data.

    Args:
        outputs: the names of the classes in order, or of the one number that is predicted.
        offset, scale: a prediction `y` of a number is `offset + scale * y` in the unit of the files.
        values: whatever else `Reader.prepare` needs, such as means and standard deviations.
    """

    outputs: tuple[str, ...]
    offset: float = 0.0
    scale: float = 1.0
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """New examples, ready for a network.

    Args:
        inputs: (N, ...), as those of the splits.
        rows: columns that say which prediction is which, by name, each (R,).
        lengths: (N,), of a task of variable length.
        steps: (R,), the places of the predictions in (N * T,) where each step has one; None where each example has
            one, and R is N.
    """

    inputs: Any
    rows: Mapping[str, Sequence[Any]]
    lengths: Any = None
    steps: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """A kind of files that people can train on.

    Args:
        scheme: the word before the colon in `--task SCHEME:PATH`; lower-case letters, digits and `-`.
        inspect: `inspect(path, options)` returns `Found`, or the same as a `"module:function"` string. Called in the
            process of the command, before anything trains; it must not import torch. It raises `DataError` if
            something is wrong with the files: which file, which line, what to do.
        load: `load(path, options, content, seed)` returns `Splits`, or the same as a string. Called in the worker; it
            raises `DataError` if the files are not those of `content` any more. As for `Task`, the test split must
            not depend on the seed.
        fit: `fit(path, options, content)` returns `Fitted` for `prepare`, or the same as a string. Called in the
            worker, of a trial whose network is kept. None, as `prepare`, where nothing can be predicted for new files.
        prepare: `prepare(files, options, fitted)` returns `Prepared`, or the same as a string: new files, with the
            very preprocessing of `load`. It raises `DataError` if something is wrong with them.
        sample: `sample(folder)` writes a few small files into an empty folder, for `benchmark data sample`, and returns
            the selector behind the folder: the path of a file with options in brackets, or an empty text for the
            folder itself; a function, or the same as a string. None for no sample.
        options: as for `Architecture`; people write them in brackets after the path.
        summary: one line for lists.
        revision: raise it when the same files give other data.
        libraries: as for `Task`.

    Raises:
        DeclarationError: a field does not fit; the message says which and what is allowed.
    """

    scheme: str
    inspect: str | Callable[[Path, Any], Found]
    load: str | Callable[[Path, Any, str, int], Splits]
    fit: str | Callable[[Path, Any, str], Fitted] | None = None
    prepare: str | Callable[[Sequence[Path], Any, Fitted], Prepared] | None = None
    sample: str | Callable[[Path], str] | None = None
    options: type | None = None
    summary: str = ""
    revision: int = 1
    libraries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_declaration(self, "Reader", self.load, "load")
        check_target(f"Reader {self.name!r}: inspect", self.inspect)
        check_modules(f"Reader {self.name!r}: libraries", self.libraries)
        if (self.fit is None) != (self.prepare is None):
            raise DeclarationError(f"Reader {self.name!r}: fit and prepare belong together; give both or neither")
        for name in ("fit", "prepare", "sample"):
            if getattr(self, name) is not None:
                check_target(f"Reader {self.name!r}: {name}", getattr(self, name))

    @property
    def name(self) -> str:
        """The scheme, which is the name of a reader."""
        return self.scheme

    @property
    def variants(self) -> Mapping[str, Mapping[str, Any]]:
        """An empty mapping: readers have no variants."""
        return {}

    @property
    def expected_failures(self) -> Mapping[str, str]:
        """An empty mapping: the conformance kit checks the task that a reader finds."""
        return {}


class OwnData(msgspec.Struct, frozen=True, kw_only=True):
    """People's own files behind a task, as a worker needs them; part of a job, never of a record.

    Args:
        scheme: the scheme of the reader.
        path: the absolute path of the files.
        found: the result of `inspect` when the run was planned.
    """

    scheme: str
    path: str
    found: Found
