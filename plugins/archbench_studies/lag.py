"""The study of lag: over how many time steps does each net learn to remember, and what does its gradient do?"""

from __future__ import annotations

import math
from collections.abc import Iterable

import archbench
from archbench_studies._lag_claims import CLAIMS as CLAIMS
from archbench_studies._lag_claims import SPAN
from archbench_studies._lags import (
    CHRONO,
    GRU,
    IRNN,
    LSTM,
    LSTM_1997,
    LSTM_HIGH,
    LSTM_LOW,
    MIN_GRU,
    RECURRENT_HIGHWAY,
    RNN,
    TCN,
    TRANSFORMER,
    VANILLA,
    Net,
    errors,
    kept_over,
    longest_solved,
    middle,
    solved,
    steps_to_solve,
)
from archbench_studies._reductions import median_profile
from archbench_studies._rules import GRADIENT_LENGTH, TIME_FEW, TIME_FULL, TIME_MANY
from archbench_studies._wording import listed

SHORT, LONG, LONGEST = 10, 50, 100
LENGTHS = (SHORT, LONG, LONGEST)
"""Lengths of the quick size. For 200 an LSTM needs more steps than two cores do in minutes."""

TRAINED, TESTED = 25, 50
"""Length generalisation: lengths of the training and of the test sequences. All are padded to the longer one."""

SWEPT = (RNN, LSTM, GRU)
BIASES = (LSTM_LOW, LSTM_HIGH)
STARTS = (VANILLA, CHRONO)
"""The chrono start and what it is compared with; in the quick size, the study of gates trains them."""

OTHERS = (LSTM_1997, MIN_GRU, RECURRENT_HIGHWAY, TCN, TRANSFORMER)
TESTED_LONGER = (LSTM, GRU)
NETS = (*SWEPT, IRNN, *BIASES, *STARTS, *OTHERS)


def _part(nets: Iterable[Net], tasks: Iterable[str], protocol: archbench.Protocol) -> archbench.Part:
    return archbench.Part(architectures=tuple(net.selector for net in nets), tasks=tuple(tasks), protocol=protocol)


def _adding(*lengths: int) -> list[str]:
    return [f"adding[length={length}]" for length in lengths]


QUICK = (
    _part((*SWEPT, IRNN, *BIASES), _adding(LONG), TIME_MANY),
    _part((*SWEPT, IRNN), _adding(SHORT), TIME_FEW),
    _part(SWEPT, _adding(LONGEST), TIME_FEW),
    _part(OTHERS, _adding(LONG), TIME_FEW),
    _part(TESTED_LONGER, [f"adding[length={TRAINED},test_length={TESTED}]"], TIME_FEW),
)
FULL = (
    _part(NETS, _adding(SHORT, 25, LONG, LONGEST, 200, 400), TIME_FULL),
    _part(NETS, [f"adding[length={TRAINED},test_length={TESTED}]"], TIME_FULL),
    _part(NETS, ["copy-memory[pause=5,30,100]", "temporal-order[length=30,100,200]"], TIME_FULL),
)
OTHER_TASKS = {"copy-memory": "pause", "temporal-order": "length"}
"""Tasks of the full size, and the option that sets their lag."""


def analyse(data: archbench.StudyData) -> archbench.Findings:
    """Return the longest lag that each net solves, its steps to solve, and the gradient of two nets against the lag."""
    lengths = tuple(data.where(task="adding", task_test_length=0).by("task_length"))
    nets = [net for net in NETS if len(net.find(data))]
    numbers = _numbers(nets, lengths, data)
    return archbench.Findings(
        text=" ".join([_remembering(nets, lengths, data), _gradients(numbers)]).strip(),
        numbers=numbers,
        charts=(
            _error_chart(lengths, data),
            _gradient_chart(data),
            _steps_chart(lengths, data),
            *(_score_chart(task, data) for task in OTHER_TASKS if len(data.where(task=task))),
        ),
        columns=("net", *(f"solved at {length}" for length in lengths), "longest", "steps", "tested longer"),
        rows=tuple(_row(net, lengths, data) for net in nets),
    )


def _numbers(nets: list[Net], lengths: tuple[int, ...], data: archbench.StudyData) -> dict[str, float]:
    found: dict[str, float] = {}
    for net in nets:
        for length in lengths:
            mine = net.at(data, length)
            found[f"{net.name}-error-{length}"] = middle(errors(mine))
            found[f"{net.name}-steps-{length}"] = middle(steps_to_solve(mine))
            found[f"{net.name}-gradient-start-{length}"] = middle(kept_over(SPAN, mine, first=True))
            found[f"{net.name}-gradient-end-{length}"] = middle(kept_over(SPAN, mine))
        found[f"{net.name}-longest"] = _longest(net, lengths, data)
        found[f"{net.name}-error-tested-longer"] = middle(errors(net.at(data, TRAINED, TESTED)))
    return {name: value for name, value in found.items() if math.isfinite(value)}


def _longest(net: Net, lengths: tuple[int, ...], data: archbench.StudyData) -> float:
    found = longest_solved(net, data, lengths)
    return math.nan if found is None else found


def _row(net: Net, lengths: tuple[int, ...], data: archbench.StudyData) -> tuple[str, ...]:
    counts = [solved(net.at(data, length)) for length in lengths]
    longest, longer = _longest(net, lengths, data), middle(errors(net.at(data, TRAINED, TESTED)))
    steps = middle(steps_to_solve(net.at(data, LONG)))
    return (
        net.label,
        *(f"{some}/{total}" if total else "" for some, total in counts),
        "" if math.isnan(longest) else f"{longest:g}" if longest else "none",
        "" if math.isnan(steps) else f"{steps:,.0f}",
        "" if math.isnan(longer) else f"{longer:.2f}",
    )


def _remembering(nets: list[Net], lengths: tuple[int, ...], data: archbench.StudyData) -> str:
    """Say which nets solve which length."""
    sentences = []
    for length in lengths:
        counts = {net.label: solved(net.at(data, length)) for net in nets}
        yes = [label for label, (some, total) in counts.items() if total and 2 * some > total]
        no = [label for label, (some, total) in counts.items() if total and 2 * some <= total]
        if yes or no:
            parts = [f"{listed(yes) or 'no net'} solved it"] + [f"{listed(no)} did not"] * bool(no)
            sentences.append(f"At {length} steps {'; '.join(parts)}.")
    return " ".join(["The adding problem counts as solved by a net if more than half of its seeds reach an error of "
                     "0.01 within the budget.", *sentences]) if sentences else "No net was trained on it."  # fmt: skip


def _gradients(numbers: dict[str, float]) -> str:
    """Say what is left of the gradient over `SPAN` steps, before training and after it."""
    sentences = []
    for net in (RNN, LSTM):
        start, end = (numbers.get(f"{net.name}-gradient-{when}-{GRADIENT_LENGTH}") for when in ("start", "end"))
        if start is not None and end is not None:
            sentences.append(
                f"Over {SPAN} steps back in time, the gradient of the {net.label} changes by a factor of "
                f"{10**start:.2g} before training and of {10**end:.2g} after it."
            )
    return " ".join(sentences)


def _error_chart(lengths: tuple[int, ...], data: archbench.StudyData) -> archbench.Chart:
    lines = []
    for net in (*SWEPT, IRNN):
        by_length = {length: errors(net.at(data, length)) for length in lengths}
        dots = [(float(length), error) for length, of_seeds in by_length.items() for error in of_seeds.values()]
        medians = tuple(middle(of_seeds) if of_seeds else None for of_seeds in by_length.values())
        lines.append(archbench.Line(label=net.label, x=tuple(map(float, lengths)), y=medians, seeds=tuple(dots)))
    return archbench.Chart(
        title="What is not learned, by the length of the sequences",
        x="steps of the sequences",
        y="test error, of that of a constant",
        lines=tuple(lines),
        log_x=True,
        description="The test error on the adding problem against the length, the median and every seed.",
    )


def _steps_chart(lengths: tuple[int, ...], data: archbench.StudyData) -> archbench.Chart:
    lines = []
    for net in (*SWEPT, IRNN):
        by_length = {length: steps_to_solve(net.at(data, length)) for length in lengths}
        medians = tuple(middle(of_seeds) if of_seeds else None for of_seeds in by_length.values())
        lines.append(archbench.Line(label=net.label, x=tuple(map(float, lengths)), y=medians))
    return archbench.Chart(
        title="Steps to solve, by the length of the sequences",
        x="steps of the sequences",
        y="optimiser steps; unsolved: the budget",
        lines=tuple(lines),
        log_x=True,
        log_y=True,
        description="The median number of optimiser steps to an error of 0.01; seeds that fail count as the budget.",
    )


def _score_chart(task: str, data: archbench.StudyData) -> archbench.Chart:
    lines = []
    for net in (*SWEPT, IRNN, TCN, TRANSFORMER):
        by_lag = net.find(data).where(task=task).by(f"task_{OTHER_TASKS[task]}")
        scores = {lag: mine.scores for lag, mine in by_lag.items() if mine.scores}
        dots = tuple((float(lag), score) for lag, of_seeds in scores.items() for score in of_seeds.values())
        medians = tuple(map(middle, scores.values()))
        lines.append(archbench.Line(label=net.label, x=tuple(map(float, scores)), y=medians, seeds=dots))
    return archbench.Chart(
        title=f"Score on {task}, by its {OTHER_TASKS[task]}",
        x=f"{OTHER_TASKS[task]}, steps",
        y="test accuracy",
        lines=tuple(lines),
        log_x=True,
        description=f"The test accuracy on {task} against its {OTHER_TASKS[task]}, the median and every seed.",
    )


def _gradient_chart(data: archbench.StudyData) -> archbench.Chart:
    lines = []
    for net in (RNN, LSTM):
        for first, when in ((True, "before training"), (False, "after it")):
            readings = net.at(data, GRADIENT_LENGTH).readings("time-gradient", first=first)
            profile = median_profile(readings.values())
            lines.append(
                archbench.Line(
                    label=f"{net.label}, {when}",
                    x=tuple(float(lag) for lag, _ in profile),
                    y=tuple(relative for _, relative in profile),
                    dashed=first,
                )
            )
    return archbench.Chart(
        title="The gradient on its way back in time",
        x="lag, steps before the last one",
        y="gradient, of that at the last step",
        lines=tuple(lines),
        log_y=True,
        description="The norm of the gradient of the loss for the input of each step, relative to that of the last.",
    )


STUDY = archbench.Study(
    name="lag",
    question="Over how many time steps does each net learn to remember?",
    source="Hochreiter and Schmidhuber 1997, sec. 5; arXiv:1504.00941, sec. 4.1; arXiv:1211.5063",
    sizes={"quick": QUICK, "full": FULL},
    analyse=analyse,
)
