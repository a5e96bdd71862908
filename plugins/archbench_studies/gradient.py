"""The study of the gradient: how far the error reaches, in time and in depth, on the same axes.

In depth it is the gradient for the output of each block, in time that for the input of each step: the error that
arrives there. Distance counts blocks, or steps, from the loss.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import archbench
from archbench_studies._gradient_claims import CLAIMS as CLAIMS
from archbench_studies._nets import (
    HIGHWAY_2,
    HIGHWAY_4,
    MLP_RELU,
    MLP_TANH,
    ORTHOGONAL,
    PLAIN,
    RESIDUAL,
    RESNET,
    Family,
)
from archbench_studies._parts import GRADIENT_FULL, GRADIENT_QUICK
from archbench_studies._reductions import decay, first_value, last_value, median, median_profile, of_readings
from archbench_studies._rules import GRADIENT_LENGTH, GRADIENT_NETS, GRADIENT_TASK, TIME
from archbench_studies._wording import plain_number


@dataclass(frozen=True, slots=True)
class Chain:
    """A net in which the error travels a long way.

    Args:
        label: in legends and rows.
        name: as numbers are named.
        unit: what a step of the way is.
        find: its records.
        theory: decades that the error gains with each step at the start, where a closed form says so.
    """

    label: str
    name: str
    unit: str
    find: Callable[[archbench.StudyData], archbench.StudyData]
    theory: float | None = None

    def readings(self, data: archbench.StudyData, *, first: bool) -> Mapping[int, archbench.Reading]:
        """Return the gradient of each seed, before the first step or after the last."""
        return self.find(data).readings("time-gradient" if self.unit == "step" else "block-gradient", first=first)


def opening(bias: float) -> float:
    """Return how far a gate of this bias is open at the start: the logistic function."""
    return 1 / (1 + math.exp(-bias))


def _in_depth(family: Family, depth: int, theory: float | None = None) -> Chain:
    return Chain(
        f"{family.label} ({depth})", f"{family.name} {depth}", "block", lambda data: family.find(data, depth), theory
    )


def _in_time(label: str, architecture: str, theory: float | None = None, **options: Any) -> Chain:
    def find(data: archbench.StudyData) -> archbench.StudyData:
        return data.where(architecture, task="adding", task_length=GRADIENT_LENGTH, task_test_length=0, **options)

    return Chain(label, architecture, "step", find, theory)


# Theory: a highway layer passes 1 - T of the error by its straight path. With Glorot's start, tanh layers sit at the
# edge of chaos, where the error neither grows nor falls exponentially (Schoenholz et al., arXiv:1611.01232), and so do
# ReLU layers with He's. An orthogonal R keeps the length of the error of the RNN, and tanh, whose slope is at most 1,
# cannot add to it: 0 is the limit of small states. There is no such closed form for sums of identity and branch, nor
# for an LSTM: its forget gate alone would lose 0.14 decades a step at a bias of 1, but the state comes back by way of
# the candidates, too.
CHAINS = (
    _in_time("RNN in time", "rnn", 0.0, nonlinearity="tanh"),
    _in_time("LSTM in time", "lstm", forget_bias=1.0),
    _in_depth(MLP_TANH, 50, 0.0),
    _in_depth(HIGHWAY_2, 50, math.log10(1 - opening(-2.0))),
    _in_depth(HIGHWAY_4, 50, math.log10(1 - opening(-4.0))),
    _in_depth(RESIDUAL, 50),
    _in_depth(PLAIN, 56),
    _in_depth(RESNET, 56),
)
"""The eight lines of the figure: as many as colours tell apart."""

OTHERS = (_in_depth(MLP_RELU, 50, 0.0), _in_depth(ORTHOGONAL, 56, 0.0))
"""Further nets, in the table alone."""


def analyse(data: archbench.StudyData) -> archbench.Findings:
    """Return how the error decays with distance, what theory says, and what becomes of the information."""
    chains = [chain for chain in (*CHAINS, *OTHERS) if chain.readings(data, first=False)]
    numbers = {f"{key} {chain.name}": value for chain in chains for key, value in _numbers(data, chain).items()}
    charts = (_chart(data, first=False), _chart(data, first=True))
    return archbench.Findings(
        text=" ".join(_sentences(chains, numbers)),
        numbers=numbers,
        charts=tuple(chart for chart in charts if chart.lines),
        columns=("net", *_COLUMNS.values()),
        rows=tuple(
            (chain.label, *(plain_number(numbers.get(f"{key} {chain.name}")) for key in _COLUMNS)) for chain in chains
        ),
    )


_COLUMNS = {
    "start": "decades a block or step, at the start",
    "theory": "as theory has it, where it has a closed form",
    "end": "after training",
    "weights": "of the weights' gradient, at the start",
    "correlation": "correlation of input gradients of near neighbours, at the start",
    "rank start": "effective rank of the last block, at the start",
    "rank end": "after training",
}


def _numbers(data: archbench.StudyData, chain: Chain) -> dict[str, float]:
    mine = chain.find(data)
    values = {
        "start": median(of_readings(chain.readings(data, first=True), decay)),
        "theory": chain.theory,
        "end": median(of_readings(chain.readings(data, first=False), decay)),
        "weights": median(of_readings(mine.readings("gradient", first=True), hidden_decay)),
        "correlation": median(of_readings(mine.readings("correlation", first=True), first_value)),
        "rank start": median(of_readings(mine.readings("rank", first=True), last_value)),
        "rank end": median(of_readings(mine.readings("rank"), last_value)),
    }
    return {key: value for key, value in values.items() if value is not None}


def hidden_decay(reading: archbench.Reading) -> float | None:
    """Return the decay of the gradient for the weights of the hidden layers: all but the first and the last layer.

    Those two have other shapes, and norms of other sizes with them; convolutional nets, whose layers differ in shape
    throughout, have no such number.
    """
    if any(name.startswith("units") for name in reading.names):
        return None
    return decay(archbench.Reading(probe="gradient", step=reading.step, names=[], values=reading.values[1:-1]))


def _chart(data: archbench.StudyData, *, first: bool) -> archbench.Chart:
    moment = "before training" if first else "after training"
    return archbench.Chart(
        title=f"How far the error reaches, in time and in depth, {moment}",
        x="distance from the loss, in blocks or time steps",
        y="gradient relative to that nearest the loss",
        lines=tuple(_lines(data, first=first)),
        log_y=True,
        description="Medians over seeds: gradient for the output of each block, or for the input of each time step.",
    )


def _lines(data: archbench.StudyData, *, first: bool) -> Iterator[archbench.Line]:
    for chain in CHAINS:
        profile = median_profile(chain.readings(data, first=first).values())
        if profile:
            distances, relative = zip(*profile, strict=True)
            yield archbench.Line(label=chain.label, x=tuple(map(float, distances)), y=relative)
            if first and chain.theory:
                predicted = tuple(10 ** (chain.theory * distance) for distance in distances)
                label = f"{chain.label}: theory"
                yield archbench.Line(label=label, x=tuple(map(float, distances)), y=predicted, dashed=True)


def _sentences(chains: list[Chain], numbers: Mapping[str, float]) -> list[str]:
    texts = []
    for key, moment in (("start", "Before the first step"), ("end", "After training")):
        known = [(chain, numbers[f"{key} {chain.name}"]) for chain in chains if f"{key} {chain.name}" in numbers]
        if known:
            texts.append(
                f"{moment} the error changes by so many decades with each block or step: {_ends(known, digits=3)}."
            )
    ranks = [(chain, numbers[f"rank end {chain.name}"]) for chain in chains if f"rank end {chain.name}" in numbers]
    if ranks:
        texts.append(f"The effective rank of the last block after training is {_ends(ranks, digits=1)}.")
    return texts


def _ends(values: list[tuple[Chain, float]], *, digits: int) -> str:
    """Return the lowest and the highest of some values with the nets that have them; the table has all."""
    (low_chain, low), (high_chain, high) = (choose(values, key=lambda item: item[1]) for choose in (min, max))
    if low_chain == high_chain:
        return f"{low:.{digits}f} in {low_chain.label}"
    return f"from {low:.{digits}f} in {low_chain.label} to {high:.{digits}f} in {high_chain.label}"


_TIME_PART = archbench.Part(architectures=GRADIENT_NETS, tasks=(GRADIENT_TASK,), protocol=TIME)


STUDY = archbench.Study(
    name="gradient",
    question="How far does the error reach, in time and in depth, before training and after it?",
    source="Hochreiter and Schmidhuber 1997; arXiv:1211.5063; arXiv:1512.03385, sec. 4.1; arXiv:1702.08591",
    sizes={
        "quick": (*GRADIENT_QUICK, _TIME_PART),
        "full": (*GRADIENT_FULL, _TIME_PART),
    },
    analyse=analyse,
)
