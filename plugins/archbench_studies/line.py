"""The study of the line: its strength as a dial from 0 to 1, in depth and in time, to see how much of it is needed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import archbench
from archbench_studies._line_claims import CLAIMS as CLAIMS
from archbench_studies._line_in_time import chart_in_time, numbers_in_time, part_in_time, rows_in_time, text_in_time
from archbench_studies._nets import HIGHWAY_2, HIGHWAY_4, PLAIN, RESIDUAL, RESNET
from archbench_studies._parts import part
from archbench_studies._reductions import mean_value, median, of_readings, training_losses
from archbench_studies._rules import DEPTH, DEPTH_FULL, LAYERS, LAYERS_FEW, LESION, TIME_FEW, TIME_FULL
from archbench_studies._wording import listed, plain_number

LAYERS_OF_DIAL = 50
"""Depth of the fully connected net with a dial; at 20 layers all settings train."""

DIAL = (0.0, 0.25, 0.5, 0.75, 0.9, 1.0)
SHORTCUTS = ("averaged", "scaled", "dropout", "exclusive-gate", "shortcut-gate", "A")
BIASES = (-1.0, -2.0, -3.0, -4.0, -6.0)
"""Of the full size; the quick one has those among which the net begins to train."""

RESNET_56 = "resnet-56"
"""The net with shortcuts of several kinds."""

BLOCKS_IN_A_ROW = {"fully connected": LAYERS_OF_DIAL - 1, "highway": 99, RESNET_56: 27}
"""Blocks that the line passes through, by kind of net."""

Settings = dict[str, archbench.StudyData]
"""Records by the setting of a dial."""


def settings(data: archbench.StudyData) -> dict[str, Settings]:
    """Return the records of every setting of every dial that has any, by kind of net."""
    found = {
        "fully connected": {f"s = {s:g}": RESIDUAL.find(data, LAYERS_OF_DIAL, line=s) for s in DIAL},
        "highway": {f"bias {bias:g}": HIGHWAY_4.find(data, 100, gate_bias=bias) for bias in BIASES},
        RESNET_56: {
            "none": PLAIN.find(data, 56),
            **{shortcut: RESNET.find(data, 56, shortcut=shortcut) for shortcut in SHORTCUTS},
        },
    }
    return {kind: {name: mine for name, mine in dial.items() if len(mine)} for kind, dial in found.items()}


def strength(data: archbench.StudyData) -> float | None:
    """Return the strength of the straight path of a block at the start: mean over blocks, median over seeds."""
    return median(of_readings(data.readings("strength", first=True), mean_value))


def analyse(data: archbench.StudyData) -> archbench.Findings:
    """Return score and training loss against the strength of the straight path."""
    dials = settings(data)
    rows = [row for kind, dial in dials.items() for row in _rows(kind, dial)]
    numbers: dict[str, float] = {}
    for kind, dial in dials.items():
        for name, mine in dial.items():
            numbers |= _numbers(f"{kind} {name}", mine)
    charts = (_block_chart(dials), _net_chart(dials), _bias_chart(dials.get("highway", {})), chart_in_time(data))
    return archbench.Findings(
        text=" ".join([*_sentences(dials), *text_in_time(data)]),
        numbers=numbers | numbers_in_time(data),
        charts=tuple(chart for chart in charts if chart.lines),
        columns=("net", "line", "strength of a block", "of the whole net", "median training loss", "median test score"),
        rows=(*rows, *rows_in_time(data)),
    )


def _numbers(name: str, data: archbench.StudyData) -> dict[str, float]:
    values = {
        "strength": strength(data),
        "loss": median(training_losses(data, floor=0.0)),
        "score": median(data.scores),
    }
    return {f"{key} {name}": value for key, value in values.items() if value is not None}


def _rows(kind: str, dial: Settings) -> Iterator[tuple[str, ...]]:
    for name, mine in dial.items():
        block = strength(mine)
        whole = None if block is None else block ** BLOCKS_IN_A_ROW[kind]
        values = (block, whole, median(training_losses(mine, floor=0.0)), median(mine.scores))
        yield (kind, name, *map(plain_number, values))


def _points(dial: Settings) -> list[tuple[float, archbench.StudyData]]:
    known = [(value, mine) for mine in dial.values() if (value := strength(mine)) is not None]
    return sorted(known, key=lambda point: point[0])


def _block_chart(dials: Mapping[str, Settings]) -> archbench.Chart:
    return archbench.Chart(
        title="How much line is needed?",
        x="strength of the straight path of a block, before the first step",
        y="test accuracy",
        lines=tuple(_lines(dials, whole=False)),
        description="Medians over seeds, which are dots. 0 is a plain net, 1 an identity; dropout keeps 1 on average.",
    )


def _net_chart(dials: Mapping[str, Settings]) -> archbench.Chart:
    return archbench.Chart(
        title="The line through the whole net",
        x="strength of the straight path of all blocks in a row, before the first step",
        y="test accuracy",
        lines=tuple(_lines(dials, whole=True)),
        log_x=True,
        description="The strength of a block to the power of their number. Plain nets, at 0, are left out.",
    )


def _bias_chart(dial: Settings) -> archbench.Chart:
    biases = {float(name.removeprefix("bias ")): mine for name, mine in dial.items()}
    dots = tuple((bias, score) for bias, mine in biases.items() for score in mine.scores.values())
    line = archbench.Line(
        label="100 layers", x=tuple(biases), y=tuple(median(mine.scores) for mine in biases.values()), seeds=dots
    )
    return archbench.Chart(
        title="A highway net of 100 layers by the bias of its gates",
        x="bias of the transform gates before training: the lower, the more is carried",
        y="test accuracy",
        lines=(line,) if biases else (),
        description="Medians over seeds, which are dots.",
    )


def _lines(dials: Mapping[str, Settings], *, whole: bool) -> Iterator[archbench.Line]:
    """Yield a line for each dial, and a point for each kind of shortcut, which are no settings of one dial.

    Args:
        dials: records by kind of net and setting.
        whole: the strength of all blocks in a row instead of that of one.
    """
    for kind, dial in dials.items():
        power = BLOCKS_IN_A_ROW[kind] if whole else 1
        for name, mine in dial.items() if kind == RESNET_56 else ():
            if points := _points({name: mine}):
                yield _line(f"{kind}, {_SHORTCUTS.get(name, name)}", points, power=power)
        if kind != RESNET_56 and (points := _points(dial)):
            yield _line(kind, points, power=power)


def _line(kind: str, points: list[tuple[float, archbench.StudyData]], *, power: int) -> archbench.Line:
    return archbench.Line(
        label=kind,
        x=tuple(block**power for block, _ in points),
        y=tuple(median(mine.scores) for _, mine in points),
        seeds=tuple((block**power, score) for block, mine in points for score in mine.scores.values()),
    )


def _sentences(dials: Mapping[str, Settings]) -> list[str]:
    texts = []
    for kind, dial in dials.items():
        scores = [(name, score) for name, mine in dial.items() if (score := median(mine.scores)) is not None]
        if scores:
            named = listed([f"{score:.2f} at {_SHORTCUTS.get(name, name)}" for name, score in scores])
            texts.append(f"Median test accuracy of {_NETS[kind]}: {named}.")
    least = _least_strength(dials.get("fully connected", {}))
    if least is not None:
        blocks = BLOCKS_IN_A_ROW["fully connected"]
        texts.append(
            f"With a line of {least:g} in each of {blocks} blocks, {least**blocks:.2g} from end to end, the fully "
            "connected net comes to within five points of its score with an identity, and so it does with more."
        )
    return texts


_NETS = {
    "fully connected": f"a residual net of {LAYERS_OF_DIAL} fully connected layers",
    "highway": "a highway net of 100 layers",
    RESNET_56: "resnet-56 with shortcuts of other kinds",
}

_SHORTCUTS = {"none": "no shortcut", "A": "identity"}
"""Kinds of shortcuts whose name as an option says too little."""

CLOSE = 0.05
"""Scores this near that of the identity count as reached."""


def _least_strength(dial: Settings) -> float | None:
    """Return the smallest s from which on all settings come close to the score of the identity."""
    scores = {s: median(dial[f"s = {s:g}"].scores) for s in DIAL if f"s = {s:g}" in dial}
    best = scores.get(1.0)
    if best is None:
        return None
    enough = 1.0
    for s in sorted(scores, reverse=True):
        score = scores[s]
        if score is None or score < best - CLOSE:
            break
        enough = s
    return enough


QUICK = (
    part(LESION, RESNET.selector(56)),
    part(LAYERS, RESIDUAL.selector(LAYERS_OF_DIAL, line=(0.5, 1.0)), HIGHWAY_4.selector(100)),
    part(LAYERS_FEW, RESIDUAL.selector(LAYERS_OF_DIAL, line=tuple(s for s in DIAL if s not in (0.5, 1.0)))),
    part(LAYERS_FEW, HIGHWAY_4.selector(100, gate_bias=-3.0)),
    part(LAYERS, HIGHWAY_2.selector(100)),
    part(DEPTH, PLAIN.selector(56), RESNET.selector(56, shortcut=SHORTCUTS[:-1])),
    part_in_time(TIME_FEW),
)

FULL = (
    part(
        DEPTH_FULL,
        RESIDUAL.selector(LAYERS_OF_DIAL, line=DIAL),
        HIGHWAY_4.selector(100, gate_bias=BIASES),
        RESNET.selector(56, shortcut=SHORTCUTS),
        PLAIN.selector(56),
    ),
    part_in_time(TIME_FULL),
)

STUDY = archbench.Study(
    name="line",
    question="How much of the straight path is needed?",
    source="arXiv:1603.05027, sec. 3.1, Table 1; arXiv:1507.06228, sec. 3.1",
    sizes={"quick": QUICK, "full": FULL},
    analyse=analyse,
)
