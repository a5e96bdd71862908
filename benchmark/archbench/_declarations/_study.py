"""The declaration of a study: a set of trials with an analysis. Free of torch and numpy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from archbench._declarations._checks import check_name, check_revision, check_target
from archbench._errors import DeclarationError
from archbench._protocols import Protocol

FARTHEST = 1e300
"""The largest value on an axis that is not logarithmic: the distance of two values must be a float, too."""

Size = Literal["quick", "full"]
"""Sizes of a study: `quick` for minutes on two cores, `full` for GPUs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Entrants on tasks under one protocol.

    Args:
        architectures: selectors; every one is trained on every task.
        tasks: selectors.
        protocol: budget, recipe, seeds and probes, with `for_studies` set. Studies whose parts have equal protocols
            share their trials.

    Raises:
        DeclarationError: a field does not fit.
    """

    architectures: tuple[str, ...]
    tasks: tuple[str, ...]
    protocol: Protocol

    def __post_init__(self) -> None:
        for name in ("architectures", "tasks"):
            value = getattr(self, name)
            if not isinstance(value, tuple) or not value or not all(isinstance(item, str) for item in value):
                raise DeclarationError(f"Part.{name} is {value!r}; give a tuple of one or more selectors")
        if not isinstance(self.protocol, Protocol) or not self.protocol.for_studies:
            raise DeclarationError("Part.protocol must be an archbench.Protocol with for_studies=True")
        try:
            object.__setattr__(self, "protocol", self.protocol.checked())
        except msgspec.ValidationError as error:
            raise DeclarationError(f"Part.protocol {self.protocol.name!r}: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A set of trials and the analysis that answers a question from their records.

    Args:
        name: lower-case letters, digits, `.`, `_` and `-`; what users type. No architecture may have it too.
        question: what the study asks, in one sentence.
        source: the papers behind it.
        sizes: the parts of each size; `quick` must be there.
        analyse: `analyse(data)` returns `Findings` from an `archbench.StudyData`, and depends on nothing else; a
            function, or a `"module:function"` string.
        revision: raise it when the analysis changes.

    Raises:
        DeclarationError: a field does not fit; the message says which and what is allowed.
    """

    name: str
    question: str
    sizes: Mapping[Size, tuple[Part, ...]]
    analyse: str | Callable[[Any], Findings]
    source: str = ""
    revision: int = 1

    def __post_init__(self) -> None:
        check_name("Study", self.name)
        check_target(f"Study {self.name!r}: analyse", self.analyse)
        check_revision(f"Study {self.name!r}", self.revision)
        if "quick" not in self.sizes or not set(self.sizes) <= {"quick", "full"}:
            raise DeclarationError(
                f"Study {self.name!r}: sizes has {list(self.sizes)}; give quick, and full if you like"
            )
        if not all(parts and all(isinstance(part, Part) for part in parts) for parts in self.sizes.values()):
            raise DeclarationError(f"Study {self.name!r}: every size must be a tuple of one or more archbench.Part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a chart, or one row of dots.

    Args:
        label: in the legend.
        x, y: the points of the line; they have equal length. None in `y` leaves a gap.
        seeds: further dots (x, y), such as the single seeds behind a median.
        dashed: for what a theory predicts.
    """

    label: str
    x: tuple[float, ...]
    y: tuple[float | None, ...]
    seeds: tuple[tuple[float, float], ...] = ()
    dashed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """A chart as data; the page draws it.

    Args:
        title: of the chart.
        x, y: labels of the axes, with units.
        lines: at most eight are told apart by colour.
        log_x, log_y: logarithmic axes; values that are not positive are then left out. Other axes reach to 1e300.
        description: in one sentence, for those who cannot see it.
    """

    title: str
    x: str
    y: str
    lines: tuple[Line, ...]
    log_x: bool = False
    log_y: bool = False
    description: str = ""


def check_chart(chart: Chart) -> None:
    """Raise if the page cannot draw a chart.

    Raises:
        ValueError: x and y of a line differ in length, or a value is not finite or beyond the reach of its axis.
    """
    for line in chart.lines:
        if len(line.x) != len(line.y):
            raise ValueError(f"{chart.title}: {line.label} has {len(line.x)} values of x and {len(line.y)} of y")
        across = [*line.x, *(x for x, _ in line.seeds)]
        up = [*(y for y in line.y if y is not None), *(y for _, y in line.seeds)]
        if not all(math.isfinite(value) for value in (*across, *up)):
            raise ValueError(f"{chart.title}: {line.label} has a value that is not finite")
        for values, log in ((across, chart.log_x), (up, chart.log_y)):
            if not log and (far := [value for value in values if abs(value) > FARTHEST]):
                advice = f"an axis reaches to {FARTHEST:g}, a logarithmic one farther"
                raise ValueError(f"{chart.title}: {line.label} has the value {far[0]:g}; {advice}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The result of a study.

    Args:
        text: what was found, in one paragraph, generated from the numbers.
        numbers: the numbers in it by name, for JSON and for texts that quote them.
        charts: the first one is the plot of the study.
        columns, rows: a table; every row has a cell for each column.
    """

    text: str
    numbers: Mapping[str, float] = field(default_factory=dict)
    charts: tuple[Chart, ...] = ()
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
