"""The study of auxiliary classifiers: does a loss in the middle help the layers before it?"""

from __future__ import annotations

import math
import statistics
from functools import partial

import archbench
from archbench_studies._lags import middle
from archbench_studies._reductions import difference, log_ratio, of_readings

WEIGHTS = (0.0, 0.3, 1.0)
PAPER = 0.3
TASK = "digits"
HEAD = "4d"
"""The module whose classifier is left where there is only one: the upper one, as in arXiv:1512.00567."""


def _rules(seeds: int, *, name: str = "auxiliary", steps: int = 300) -> archbench.Protocol:
    return archbench.Protocol(
        name=name,
        summary="GoogLeNet with and without auxiliary classifiers, probed",
        steps=archbench.equal_steps(steps),
        batch_size=32,
        validations=15,  # the speed of learning is read from them
        seeds=seeds,
        tuning=archbench.Tuning(rates=(0.001, 0.01)),
        probes=archbench.Probes(measure=("gradient",)),
        for_studies=True,
    )


RULES, RULES_FEW = _rules(seeds=10), _rules(seeds=3)
RULES_FULL = _rules(seeds=10, name="auxiliary-full", steps=5_000)


def _part(settings: tuple[str, ...], tasks: tuple[str, ...], protocol: archbench.Protocol) -> archbench.Part:
    selectors = tuple(f"googlenet[{setting}]" for setting in settings)
    return archbench.Part(architectures=selectors, tasks=tasks, protocol=protocol)


def weighted(data: archbench.StudyData, weight: float, *, head: str = "") -> archbench.StudyData:
    """Return the records of the nets whose auxiliary losses have this weight.

    Args:
        data: of the study.
        weight: 0 for no auxiliary classifiers.
        head: the module that the only classifier reads; empty for the paper's two.
    """
    mine = data.where("googlenet", aux_weight=weight)
    if head:
        return mine.where(only_head=head)
    return archbench.StudyData(r for r in mine.records if "only_head" not in r.trial.architecture.options)


def early_scores(data: archbench.StudyData) -> dict[int, float]:
    """Return the mean validation score over the first half of the training, for each seed: how fast it learns."""

    def measure(record: archbench.Record) -> float | None:
        scores = record.curves.validation if record.curves else []
        return statistics.fmean(scores[: math.ceil(len(scores) / 2)]) if scores else None

    return data.per_seed(measure)


def first_gradients(data: archbench.StudyData) -> dict[int, float]:
    """Return the norm of the gradient for the first layer before training, for each seed."""
    return of_readings(data.readings("gradient", first=True), lambda reading: reading.values[0] or None)


def gain_in_score(weight: float, data: archbench.StudyData) -> dict[int, float]:
    """Return the test score with auxiliary losses less that without, seed by seed."""
    return difference(weighted(data, weight).scores, weighted(data, 0.0).scores)


def loss_of_one_head(weight: float, data: archbench.StudyData) -> dict[int, float]:
    """Return the test score with one auxiliary classifier less that with both, seed by seed."""
    return difference(weighted(data, weight, head=HEAD).scores, weighted(data, weight).scores)


def gain_in_speed(weight: float, data: archbench.StudyData) -> dict[int, float]:
    """Return the early validation score with auxiliary losses less that without, seed by seed."""
    return difference(early_scores(weighted(data, weight)), early_scores(weighted(data, 0.0)))


def gain_in_gradient(weight: float, data: archbench.StudyData) -> dict[int, float]:
    """Return the log10 of the first layer's gradient with auxiliary losses over that without, seed by seed."""
    return log_ratio(first_gradients(weighted(data, weight)), first_gradients(weighted(data, 0.0)))


def analyse(data: archbench.StudyData) -> archbench.Findings:
    """Return accuracy, speed of learning and the gradient of the first layer by the weight of the auxiliary losses."""
    measures = {
        "score": lambda mine: mine.scores,
        "early-score": early_scores,
        "first-gradient": first_gradients,
    }
    nets = {f"weight {weight:g}": weighted(data, weight) for weight in WEIGHTS}
    nets["one head"] = weighted(data, PAPER, head=HEAD)
    found = {label: {name: measure(mine) for name, measure in measures.items()} for label, mine in nets.items()}
    numbers = {
        f"{name}, {label}": middle(of_seeds)
        for label, named in found.items()
        for name, of_seeds in named.items()
        if of_seeds
    }
    return archbench.Findings(
        text=_text(data),
        numbers=numbers,
        charts=(_chart(nets),),
        columns=(
            "auxiliary losses",
            "seeds",
            "test accuracy",
            "accuracy in the first half",
            "gradient of the first layer",
        ),
        rows=tuple(_row(label, len(mine), numbers) for label, mine in nets.items() if len(mine)),
    )


def _row(label: str, seeds: int, numbers: dict[str, float]) -> tuple[str, ...]:
    values = (numbers.get(f"{name}, {label}") for name in ("score", "early-score", "first-gradient"))
    return label, str(seeds), *("" if value is None else f"{value:.3g}" for value in values)


def _text(data: archbench.StudyData) -> str:
    scores, speeds, gradients = (measure(PAPER, data) for measure in (gain_in_score, gain_in_speed, gain_in_gradient))
    if not scores:
        return "GoogLeNet has not been trained with and without auxiliary losses."
    spread = max(scores.values()) - min(scores.values())
    text = (
        f"With the paper's weight of {PAPER:g} the test accuracy of GoogLeNet changes by {100 * middle(scores):+.1f} "
        f"points at the median of {len(scores)} seeds, which differ among themselves by {100 * spread:.1f} points; the "
        f"mean accuracy over the first half of training by {100 * middle(speeds):+.1f} points."
    )
    if one := loss_of_one_head(PAPER, data):
        text += f" With one head instead of two it changes by {100 * middle(one):+.1f} points."
    if gradients:
        text += f" Before training the gradient of the first layer is {10 ** middle(gradients):.2g} times as large."
    return text


def _chart(nets: dict[str, archbench.StudyData]) -> archbench.Chart:
    lines = []
    for label, mine in nets.items():
        curves = [record.curves for record in mine.records if record.curves and record.status == "ok"]
        steps = curves[0].step if curves else []
        y = tuple(statistics.median(curve.validation[at] for curve in curves) for at in range(len(steps)))
        lines.append(archbench.Line(label=label, x=tuple(map(float, steps)), y=y))
    return archbench.Chart(
        title="Learning with auxiliary losses and without",
        x="optimiser steps",
        y="validation accuracy",
        lines=tuple(lines),
        description="The median validation accuracy of GoogLeNet against the steps, by the weight of its heads.",
    )


STUDY = archbench.Study(
    name="auxiliary",
    question="Does a loss in the middle of the net help the layers before it?",
    source="arXiv:1409.4842, sec. 5; arXiv:1512.00567, sec. 4",
    sizes={
        "quick": (
            _part(("aux_weight=0,0.3", f"only_head={HEAD}"), (TASK,), RULES),
            _part(("aux_weight=1",), (TASK,), RULES_FEW),
        ),
        "full": (_part(("aux_weight=0,0.3,1", f"only_head={HEAD}"), (TASK,), RULES_FULL),),
    },
    analyse=analyse,
)

# Two seeds of one net differ by one or two points of accuracy on digits, where a test image is a quarter of a point and
# two points are the margin: five seeds cannot tell such a difference from none, and ten hardly can.
CLAIMS = (
    archbench.Claim(
        name="auxiliary-losses-change-little",
        statement="Auxiliary losses of weight 0.3 change the test accuracy of GoogLeNet on digits by less than "
        "two points.",
        source="arXiv:1409.4842, sec. 5; arXiv:1512.00567, sec. 4",
        study="auxiliary",
        effect="test accuracy with weight 0.3 less that without auxiliary losses",
        statistic=partial(gain_in_score, PAPER),
        rule="within",
        threshold=0.02,
        noise=0.015,
        seeds=10,
        revision=2,
        published="around 0.5 points, and one of the two heads is enough, as remembered",
        refuted_by="a difference of two points or more",
    ),
    archbench.Claim(
        name="one-auxiliary-head-is-enough",
        statement="Taking out the lower one of its two auxiliary classifiers changes the test accuracy of GoogLeNet on "
        "digits by less than two points.",
        source="arXiv:1512.00567, sec. 4",
        study="auxiliary",
        effect="test accuracy with one auxiliary classifier less that with two",
        statistic=partial(loss_of_one_head, PAPER),
        rule="within",
        threshold=0.02,
        noise=0.015,
        seeds=10,
        revision=2,
        published="no adverse effect on the final quality, as remembered",
        refuted_by="a difference of two points or more",
    ),
    archbench.Claim(
        name="auxiliary-losses-do-not-speed-up",
        statement="Auxiliary losses of weight 0.3 do not make GoogLeNet learn faster on digits at first: its mean "
        "accuracy over the first half of training rises by less than ten points.",
        source="arXiv:1512.00567, sec. 4",
        study="auxiliary",
        effect="mean validation accuracy over the first half of training with weight 0.3 less that without",
        statistic=partial(gain_in_speed, PAPER),
        rule="below",
        threshold=0.1,  # a tenth of the way from nothing to everything
        noise=0.08,  # early accuracies differ more between seeds than late ones
        seeds=10,
        revision=2,
        published="no effect until near the end of training, as remembered",
        refuted_by="an accuracy that is higher by ten points or more",
    ),
    archbench.Claim(
        name="auxiliary-losses-add-gradient",
        statement="Before training, auxiliary losses of weight 0.3 raise the gradient that reaches the first layer of "
        "GoogLeNet by 60 % or more.",
        source="arXiv:1409.4842, sec. 5: they increase the gradient signal that gets propagated back",
        study="auxiliary",
        effect="log10 of the gradient of the first layer with weight 0.3 over that without auxiliary losses",
        statistic=partial(gain_in_gradient, PAPER),
        rule="above",
        threshold=0.2,  # log10 of 1.6: what two heads add if their gradients are as large as the main one
        noise=0.05,
        seeds=10,
        refuted_by="a gradient that is less than 1.6 times as large",
    ),
)
