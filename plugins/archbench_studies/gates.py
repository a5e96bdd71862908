"""The study of gates: the LSTM with each of its parts taken out, and with another start of its gates."""

from __future__ import annotations

from functools import partial
from typing import Any

import archbench
from archbench_studies._lag_claims import MANY, MOST, STEPS_NOISE
from archbench_studies._lags import (
    CHRONO,
    SPEED_NOTE,
    VANILLA,
    Net,
    errors,
    fails_beside,
    middle,
    solved,
    solves_too,
    speed,
    steps_to_solve,
)
from archbench_studies._rules import TIME_FEW, TIME_FULL, TIME_MANY
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
OTHERS = (NO_INPUT_GATE, NO_OUTPUT_GATE, NO_INPUT_ACTIVATION)
FORMS = (VANILLA, *DECIDING, *OTHERS, GATE_RECURRENCE)
"""Full gate recurrence adds a part and takes none out; at four times the time of the others, only the full size has
it."""


def _part(nets: tuple[Net, ...], tasks: tuple[str, ...], protocol: archbench.Protocol) -> archbench.Part:
    return archbench.Part(architectures=tuple(net.selector for net in nets), tasks=tasks, protocol=protocol)


def analyse(data: archbench.StudyData) -> archbench.Findings:
    """Return the error and the steps to solve of each form, beside those of the vanilla net."""
    forms = [net for net in (*FORMS, CHRONO) if errors(net.at(data, LENGTH))]
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
            _part((VANILLA, CHRONO, *DECIDING), (f"adding[length={LENGTH}]",), TIME_MANY),
            _part(OTHERS, (f"adding[length={LENGTH}]",), TIME_FEW),
        ),
        "full": (_part((CHRONO, *FORMS), (f"adding[length={LENGTH}]",), TIME_FULL),),
    },
    analyse=analyse,
)

RESULTS = "arXiv:1503.04069, section on the comparison of the variants"
BUDGET = "within 1,200 steps of 32 sequences"


def _share(*, effect: str, statistic: Any, **fields: Any) -> archbench.Claim:
    """Return a claim about most of the seeds with which the vanilla LSTM solves the task."""
    return archbench.Claim(
        source=RESULTS,
        study="gates",
        effect=f"share of seeds, of those with which the vanilla LSTM solves length {LENGTH}: {effect}",
        statistic=statistic,
        rule="above",
        threshold=MOST,
        measure="share",
        seeds=MANY,
        revision=2,
        **fields,
    )


def _critical(name: str, part: str, form: Net) -> archbench.Claim:
    return _share(
        name=name,
        statement=f"Without its {part} an LSTM fails with most seeds to solve the adding problem of {LENGTH} steps "
        f"{BUDGET}.",
        effect=f"without {part} it fails",
        statistic=partial(fails_beside, LENGTH, form, VANILLA),
        published="significantly worse on TIMIT, IAM Online and JSB Chorales, as remembered",
        refuted_by="with most seeds it solves the task all the same",
    )


def _harmless(name: str, statement: str, form: Net) -> archbench.Claim:
    return _share(
        name=name,
        statement=f"{statement} leaves an LSTM with most seeds able to solve the adding problem of {LENGTH} steps "
        f"{BUDGET}.",
        effect=f"with {form.label} it solves it too",
        statistic=partial(solves_too, LENGTH, form, VANILLA),
        published="no significant difference on TIMIT, IAM Online and JSB Chorales, as remembered",
        refuted_by="with most seeds it fails",
    )


CLAIMS = (
    _critical("forget-gate-is-critical", "forget gate", NO_FORGET_GATE),
    _critical("output-activation-is-critical", "output activation", NO_OUTPUT_ACTIVATION),
    _harmless("coupled-gates-are-enough", "Coupling the forget gate to the input gate", COUPLED),
    _harmless("peepholes-are-dispensable", "Taking out the peepholes", NO_PEEPHOLES),
    archbench.Claim(
        name="chrono-start-is-faster",
        statement="An LSTM with the chrono start solves the adding problem of 50 steps in fewer steps than from a "
        "forget bias of 1.",
        source="arXiv:1804.11188, sec. 3",
        study="gates",
        effect="log2 of the steps to solve from a bias of 1 over those from the chrono start, at length 50",
        note=SPEED_NOTE,
        statistic=partial(speed, LENGTH, CHRONO, VANILLA),
        rule="above",
        threshold=0.0,
        noise=STEPS_NOISE,
        seeds=MANY,
        revision=2,
        published="faster at 200 steps, and alone in solving 750 (arXiv:1804.11188, Fig. 4)",
        refuted_by="as many steps or more",
    ),
)
