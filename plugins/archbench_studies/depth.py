"""The study of depth: does a deeper net train as well, with a straight path and without?"""

from __future__ import annotations

import archbench

RULES = archbench.Protocol(
    name="depth",
    summary="Deep nets on digits, probed",
    steps=archbench.equal_steps(300),
    batch_size=32,
    validations=5,
    seeds=5,
    tuning=archbench.Tuning(rates=(0.001, 0.01)),
    probes=archbench.Probes(measure=("gradient", "rank")),
    for_studies=True,
)


def analyse(data: archbench.StudyData) -> archbench.Findings:
    """Return the training loss at every depth."""
    losses = data.where("plain").by("depth")
    return archbench.Findings(text=f"Plain nets were trained at {len(losses)} depths.", numbers={"depths": len(losses)})


STUDY = archbench.Study(
    name="depth",
    question="Does a deeper net train as well, with a straight path and without?",
    source="arXiv:1512.03385, arXiv:1507.06228",
    sizes={"quick": (archbench.Part(architectures=("plain[depth=20,56]",), tasks=("digits",), protocol=RULES),)},
    analyse=analyse,
)

CLAIMS: tuple[archbench.Claim, ...] = ()
