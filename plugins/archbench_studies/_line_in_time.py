"""The dial in time: the forget gate of an LSTM, whose opening is the share of the state that a step passes on."""

from __future__ import annotations

from collections.abc import Iterator

import archbench
from archbench_studies._lags import LSTM, LSTM_CLOSED, LSTM_HIGH, LSTM_LOW, Net, errors, middle
from archbench_studies._reductions import mean_value, median, of_readings
from archbench_studies._wording import listed, plain_number

LENGTH = 50
"""Steps of the adding problem: those of the study of lag, which trains most of these nets too."""

NETS = (LSTM_CLOSED, LSTM_LOW, LSTM, LSTM_HIGH)
"""In the order of their forget biases."""


def part_in_time(protocol: archbench.Protocol) -> archbench.Part:
    """Return the trials of the dial."""
    selectors = tuple(net.selector for net in NETS)
    return archbench.Part(architectures=selectors, tasks=(f"adding[length={LENGTH}]",), protocol=protocol)


def opening(data: archbench.StudyData, *, first: bool) -> float | None:
    """Return how far the forget gate is open on average, before training or after it; the median over seeds."""
    return median(of_readings(data.readings("gate", first=first), _forget))


def _forget(reading: archbench.Reading) -> float | None:
    named = zip(reading.names, reading.values, strict=True)
    values = [value for name, value in named if name.rpartition(".")[2].startswith("f")]
    return mean_value(archbench.Reading(probe="gate", step=reading.step, names=[], values=values))


def _settings(data: archbench.StudyData) -> Iterator[tuple[Net, archbench.StudyData, float]]:
    """Yield the nets that have been trained, with their records and the opening of their gate before training."""
    for net in NETS:
        mine = net.at(data, LENGTH)
        start = opening(mine, first=True)
        if start is not None and errors(mine):
            yield net, mine, start


def numbers_in_time(data: archbench.StudyData) -> dict[str, float]:
    """Return opening and error by forget bias."""
    found: dict[str, float] = {}
    for net, mine, start in _settings(data):
        found |= {f"opening {net.name}": start, f"error {net.name}": middle(errors(mine))}
    return found


def rows_in_time(data: archbench.StudyData) -> Iterator[tuple[str, ...]]:
    """Yield the rows of the table: the opening of a step, that of all steps in a row, and the error."""
    for net, mine, start in _settings(data):
        error = f"error {middle(errors(mine)):.2f}"
        yield net.label, f"{LENGTH} steps", plain_number(start), plain_number(start**LENGTH), "-", error


def chart_in_time(data: archbench.StudyData) -> archbench.Chart:
    """Return the error against the opening of the gate, before training and after it."""
    lines = []
    for first, when in ((True, "before training"), (False, "after it")):
        points = [(opened, errors(mine)) for _, mine, _ in _settings(data) if (opened := opening(mine, first=first))]
        dots = tuple((opened, error) for opened, of_seeds in points for error in of_seeds.values())
        medians = tuple(middle(of_seeds) for _, of_seeds in points)
        x = tuple(opened for opened, _ in points)
        lines.append(archbench.Line(label=f"gate {when}", x=x, y=medians, seeds=dots, dashed=first))
    return archbench.Chart(
        title="How much line is needed in time?",
        x="mean opening of the forget gate",
        y="test error, of that of a constant",
        lines=tuple(line for line in lines if line.x),
        description=f"An LSTM on the adding problem of {LENGTH} steps from four forget biases; the seeds are dots.",
    )


def text_in_time(data: archbench.StudyData) -> list[str]:
    """Return a sentence on the dial; none without records."""
    found = [
        f"{middle(errors(mine)):.2f} from an opening of {start:.2f}, which became {opening(mine, first=False) or 0:.2f}"
        for _, mine, start in _settings(data)
    ]
    if not found:
        return []
    return [
        f"In time the dial is the forget gate: on {LENGTH} steps an LSTM ends with these errors, as shares of that of "
        f"a constant: {listed(found)}. Training may open the gate."
    ]
