"""The study of gates: the LSTM with each of its parts taken out."""

from __future__ import annotations

from functools import partial

import archbench
from archbench_studies._lags import VANILLA, Net, errors, lead, middle, solved, steps_to_solve
from archbench_studies._rules import TIME, TIME_FEW, TIME_FULL
from archbench_studies._wording import listed

LENGTH = 50
"""Steps of the sequences: those of the study of lag, which trains the vanilla net too."""


def _form(name: str, label: str, **changed: object) -> Net:
    options = {**VANILLA.options, **changed}
    return Net(name, label, f"lstm-greff-{name}", "lstm-greff", options)


NO_INPUT_GATE = _form("nig", "no input gate", without="input-gate")
NO_FORGET_GATE = _form("nfg", "no forget gate", without="forget-gate")
NO_OUTPUT_GATE = _form("nog", "no output gate", without="output-gate")
NO_INPUT_ACTIVATION = _form("niaf", "no input activation", without="input-activation")
NO_OUTPUT_ACTIVATION = _form("noaf", "no output activation", without="output-activation")
NO_PEEPHOLES = _form("np", "no peepholes", without="peepholes")
COUPLED = _form("cifg", "coupled gates", coupled=True)
GATE_RECURRENCE = _form("fgr", "full gate recurrence", gate_recurrence=True)

DECIDING = (NO_FORGET_GATE, NO_OUTPUT_ACTIVATION, COUPLED, NO_PEEPHOLES)
OTHERS = (NO_INPUT_GATE, NO_OUTPUT_GATE, NO_INPUT_ACTIVATION, GATE_RECURRENCE)
FORMS = (VANILLA, *DECIDING, *OTHERS)


def _part(nets: tuple[Net, ...], tasks: tuple[str, ...], protocol: archbench.Protocol) -> archbench.Part:
    return archbench.Part(architectures=tuple(net.selector for net in nets), tasks=tasks, protocol=protocol)


def analyse(data: archbench.StudyData) -> archbench.Findings:
    """Return the error and the steps to solve of each form, beside those of the vanilla net."""
    forms = [net for net in FORMS if errors(net.at(data, LENGTH))]
    numbers: dict[str, float] = {}
    for net in forms:
        mine = net.at(data, LENGTH)
        numbers[f"{net.name}-error"] = middle(errors(mine))
        numbers[f"{net.name}-steps"] = middle(steps_to_solve(mine))
    return archbench.Findings(
        text=_text(forms, data, numbers),
        numbers=numbers,
        charts=(_chart(forms, data),),
        columns=("form", "solved", "steps to solve", "error, of that of a constant"),
        rows=tuple(_row(net, data, numbers) for net in forms),
    )


def _row(net: Net, data: archbench.StudyData, numbers: dict[str, float]) -> tuple[str, ...]:
    some, total = solved(net.at(data, LENGTH))
    return net.label, f"{some}/{total}", f"{numbers[f'{net.name}-steps']:,.0f}", f"{numbers[f'{net.name}-error']:.2f}"


def _text(forms: list[Net], data: archbench.StudyData, numbers: dict[str, float]) -> str:
    if VANILLA not in forms:
        return "The vanilla net has not been trained."
    counts = {net.label: solved(net.at(data, LENGTH)) for net in forms}
    failed = [label for label, (some, total) in counts.items() if 2 * some <= total]
    steps = {net.label: numbers[f"{net.name}-steps"] for net in forms}
    fastest, slowest = min(steps, key=lambda label: steps[label]), max(steps, key=lambda label: steps[label])
    some, total = counts[VANILLA.label]
    return (
        f"On the adding problem of {LENGTH} steps the vanilla LSTM solves {some} of {total} seeds, in "
        f"{steps[VANILLA.label]:,.0f} steps at the median. "
        + (f"Most seeds fail with {listed(failed)}. " if failed else "Every form solves it with most of its seeds. ")
        + f"The fastest form is {fastest} ({steps[fastest]:,.0f} steps), the slowest {slowest} "
        f"({steps[slowest]:,.0f}; a seed that fails counts as the budget)."
    )


def _chart(forms: list[Net], data: archbench.StudyData) -> archbench.Chart:
    lines = []
    for place, net in enumerate(forms, 1):
        steps = steps_to_solve(net.at(data, LENGTH))
        dots = tuple((float(place), of_seed) for of_seed in steps.values())
        lines.append(archbench.Line(label=net.label, x=(float(place),), y=(middle(steps),), seeds=dots))
    return archbench.Chart(
        title="Steps to solve without each part",
        x="form, in the order of the table",
        y="optimiser steps; unsolved: the budget",
        lines=tuple(lines),
        description="The optimiser steps to an error of 0.01 of each form of the LSTM, the median and every seed.",
    )


STUDY = archbench.Study(
    name="gates",
    question="Which parts of the LSTM does it need?",
    source="arXiv:1503.04069",
    sizes={
        "quick": (
            _part((VANILLA, *DECIDING), (f"adding[length={LENGTH}]",), TIME),
            _part(OTHERS, (f"adding[length={LENGTH}]",), TIME_FEW),
        ),
        "full": (_part(FORMS, (f"adding[length={LENGTH}]",), TIME_FULL),),
    },
    analyse=analyse,
)

# Effects are shares of the error of the best constant. A quarter of it parts a form that lost most of one number in
# some seeds from one that did not; forms that solve the task end below 0.06, whatever their speed, and differ between
# seeds by less than half of that. Both were fixed before the first records.
QUARTER, NOISE = 0.25, 0.03
RESULTS = "arXiv:1503.04069, section on the comparison of the variants"


def _critical(name: str, part: str, form: Net) -> archbench.Claim:
    return archbench.Claim(
        name=name,
        statement=f"Without its {part} an LSTM learns the adding problem of {LENGTH} steps clearly worse.",
        source=RESULTS,
        study="gates",
        effect=f"test error without {part} less that of the vanilla LSTM, as a share of that of a constant",
        statistic=partial(lead, LENGTH, VANILLA, form),
        rule="above",
        threshold=QUARTER,
        noise=NOISE,
        seeds=5,
        published="significantly worse on TIMIT, IAM Online and JSB Chorales",
        refuted_by="an error that is larger by less than a quarter of that of a constant",
    )


def _harmless(name: str, statement: str, form: Net) -> archbench.Claim:
    return archbench.Claim(
        name=name,
        statement=f"{statement} does not change how well an LSTM learns the adding problem of {LENGTH} steps.",
        source=RESULTS,
        study="gates",
        effect=f"test error with {form.label} less that of the vanilla LSTM, as a share of that of a constant",
        statistic=partial(lead, LENGTH, VANILLA, form),
        rule="within",
        threshold=QUARTER,
        noise=NOISE,
        seeds=5,
        published="no significant difference on TIMIT, IAM Online and JSB Chorales",
        refuted_by="an error that differs by more than a quarter of that of a constant",
    )


CLAIMS = (
    _critical("forget-gate-is-critical", "forget gate", NO_FORGET_GATE),
    _critical("output-activation-is-critical", "output activation", NO_OUTPUT_ACTIVATION),
    _harmless("coupled-gates-are-enough", "Coupling the forget gate to the input gate", COUPLED),
    _harmless("peepholes-are-dispensable", "Taking out the peepholes", NO_PEEPHOLES),
)
