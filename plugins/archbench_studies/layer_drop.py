"""The study of dropped layers: what does training a random part of a residual net save, and what does it give?"""

from __future__ import annotations

import archbench
from archbench_studies._lags import middle
from archbench_studies._nets import RESNET, STOCHASTIC
from archbench_studies._parts import part
from archbench_studies._reductions import Seeds, difference, log_ratio, of_readings
from archbench_studies._rules import DEPTH, DEPTH_FULL, LESION

DEPTH_OF_NETS = 56


def constant(data: archbench.StudyData) -> archbench.StudyData:
    """Return the records of the residual net that is trained whole."""
    return RESNET.find(data, DEPTH_OF_NETS)


def dropped(data: archbench.StudyData) -> archbench.StudyData:
    """Return the records of the net of which a random part is trained at a time."""
    return STOCHASTIC.find(data, DEPTH_OF_NETS)


def step_seconds(data: archbench.StudyData) -> dict[int, float]:
    """Return the median seconds of a training step of each seed."""
    return data.per_seed(lambda record: record.resources.step_seconds)


def first_gradients(data: archbench.StudyData) -> dict[int, float]:
    """Return the norm of the gradient for the first layer after training, for each seed where it is not 0."""
    return of_readings(data.readings("gradient"), lambda reading: reading.values[0] or None)


def saved_time(data: archbench.StudyData) -> dict[int, float]:
    """Return the seconds of a step with dropped layers over those without, seed by seed."""
    short, whole = step_seconds(dropped(data)), step_seconds(constant(data))
    return {seed: short[seed] / whole[seed] for seed in sorted(short.keys() & whole.keys())}


def more_gradient(data: archbench.StudyData) -> dict[int, float]:
    """Return the log10 of the first layer's gradient with dropped layers over that without, seed by seed."""
    return log_ratio(first_gradients(dropped(data)), first_gradients(constant(data)))


def gain(data: archbench.StudyData) -> dict[int, float]:
    """Return the test accuracy with dropped layers less that without, seed by seed."""
    return difference(dropped(data).scores, constant(data).scores)


def analyse(data: archbench.StudyData) -> archbench.Findings:
    """Return time, gradient of the first layer and test accuracy with dropped layers, beside those without."""
    effects = {"time": saved_time(data), "gradient": more_gradient(data), "gain": gain(data)}
    numbers = {name: middle(of_seeds) for name, of_seeds in effects.items() if of_seeds}
    for name, mine in (("constant", constant(data)), ("dropped", dropped(data))):
        for what, of_seeds in (("score", mine.scores), ("seconds", step_seconds(mine))):
            if of_seeds:
                numbers[f"{name}-{what}"] = middle(of_seeds)
    return archbench.Findings(
        text=_text(effects),
        numbers=numbers,
        charts=(_chart(effects["gain"]),),
        columns=("net", "test accuracy", "milliseconds a step"),
        rows=tuple(
            _row(label, name, numbers) for label, name in (("whole", "constant"), ("layers dropped", "dropped"))
        ),
    )


def _row(label: str, name: str, numbers: dict[str, float]) -> tuple[str, ...]:
    score, seconds = numbers.get(f"{name}-score"), numbers.get(f"{name}-seconds")
    return label, "" if score is None else f"{score:.3f}", "" if seconds is None else f"{1000 * seconds:.1f}"


def _text(effects: dict[str, dict[int, float]]) -> str:
    if not effects["gain"]:
        return "No seed has been trained both with dropped layers and without."
    parts = [f"changes the test accuracy by {100 * middle(effects['gain']):+.1f} points"]
    if effects["time"]:
        parts.append(f"takes {middle(effects['time']):.2f} times as long a step")
    if effects["gradient"]:
        parts.append(
            f"leaves the first layer {10 ** middle(effects['gradient']):.2g} times the gradient after training"
        )
    return (
        f"Dropping layers at random in training a residual net of {DEPTH_OF_NETS} layers {'; it '.join(parts)} "
        f"(medians of {len(effects['gain'])} seeds)."
    )


def _chart(gains: Seeds) -> archbench.Chart:
    line = archbench.Line(
        label="each seed", x=tuple(float(seed) for seed in gains), y=tuple(100 * gained for gained in gains.values())
    )
    return archbench.Chart(
        title="Test accuracy gained by dropping layers",
        x="seed",
        y="points of test accuracy",
        lines=(line,),
        description="The test accuracy with dropped layers less that without, for every seed.",
    )


STUDY = archbench.Study(
    name="layer-drop",
    question="What does training a random part of a residual net save, and what does it give?",
    source="arXiv:1603.09382",
    sizes={
        # Both are trained alike; LESION measures more after the training, for the study of lesions.
        "quick": (part(DEPTH, STOCHASTIC.selector(DEPTH_OF_NETS)), part(LESION, RESNET.selector(DEPTH_OF_NETS))),
        "full": (part(DEPTH_FULL, *(family.selector(DEPTH_OF_NETS, 110) for family in (STOCHASTIC, RESNET))),),
    },
    analyse=analyse,
)

CLAIMS = (
    archbench.Claim(
        name="dropped-layers-save-time",
        statement="Training with stochastic depth takes at least a tenth less time a step than training the whole net.",
        source="arXiv:1603.09382, sec. 4, Table 2",
        study="layer-drop",
        effect="seconds of a training step with dropped layers over those without, of trials that share a machine, "
        "depth 56",
        statistic=saved_time,
        rule="below",
        threshold=0.9,
        # The sides are trials that run at different times, each beside other trials: on a shared machine such seconds
        # differ by a third and more, and five seeds leave the claim open. Alone on a machine they would decide it.
        noise=0.3,
        seeds=5,
        revision=2,
        published="CIFAR-10: 15 h 07 min of training for 20 h 42 min, 27 % less, at a survival of 0.5",
        refuted_by="less than a tenth saved",
    ),
    archbench.Claim(
        name="dropped-layers-keep-gradient",
        statement="With stochastic depth more gradient reaches the first layer at the end of training.",
        source="arXiv:1603.09382, sec. 5, Fig. 7",
        study="layer-drop",
        effect="log10 of the first layer's gradient after training with dropped layers over that without, depth 56",
        statistic=more_gradient,
        rule="above",
        threshold=0.0,
        noise=0.5,  # gradients of 64 examples after training differ between seeds by a factor of three
        seeds=5,
        revision=2,
        published="larger throughout, most after the learning rate has fallen",
        refuted_by="a smaller gradient",
    ),
    archbench.Claim(
        name="dropped-layers-generalise",
        statement="A residual net of 56 layers trained with stochastic depth has a higher test accuracy on digits.",
        source="arXiv:1603.09382, Table 1",
        study="layer-drop",
        effect="test accuracy with dropped layers less that without, depth 56",
        statistic=gain,
        rule="above",
        threshold=0.0,
        noise=0.01,  # four test images: what one seed and another of a net differ by
        seeds=5,
        revision=2,
        published="94.75 % against 93.59 % on CIFAR-10 at depth 110; no gain on ImageNet with 152 layers",
        refuted_by="a lower accuracy",
    ),
)
