"""Seconds of training steps on a GPU: ours, and those of loops that people write by hand."""

from __future__ import annotations

import math
import time

import torch

from archbench._planning import Device
from archbench._training._together import JointTraining
from support.speed.rows import Row, in_pairs, ratio, values
from support.speed.steps import CHUNKS, RIVALS, bare, ours, prepared
from support.speed.trials import plan

GPU = Device(kind="cuda", threads=1)
WORK = {("mlp", "digits"): 600, ("lstm", "adding"): 360, ("resnet-20", "digits"): 180, ("lenet-5", "digits"): 480}
"""Steps of a measurement for each network and task; a sixth of them warms up and is not counted."""
SEEDS = 20
TOGETHER = {("mlp", "digits"): 20.0, ("lenet-5", "digits"): 8.0, ("lstm", "adding"): 6.0}
"""How many times as fast as bare loops one after the other the seeds of a network are to train as one network."""


def against(work: tuple[str, str], rival: str, count: int) -> Row:
    """Return the row of a step of ours on a GPU over that of a rival."""
    run, steps = prepared(plan(*work)[0], GPU), WORK[work]
    pairs = in_pairs(lambda: ours(run, steps), lambda: RIVALS[rival](run, steps), count)
    name = f"{work[0]} on {work[1]}"
    target = {"at_most": 1.0} if rival == "a bare tensor loop" else {}
    return ratio(f"a step of {name} over that of {rival}", pairs, work=name, rival=rival, **target)


def gain(work: tuple[str, str], count: int) -> Row:
    """Return the row of the seconds of a step of all seeds in bare loops one after the other over those together."""
    architecture, task = work
    steps = WORK[work]
    trials = plan(architecture, task, seeds=SEEDS, steps=steps, validations=CHUNKS)
    alone = prepared(trials[0], GPU)

    def together() -> float:
        """Return the seconds of one step of all seeds, without those of the first chunk."""
        runs = [prepared(trial, GPU) for trial in trials]
        JointTraining(runs).carry_out()
        assert runs[0].module is not None
        seconds = [sum(run.module.seconds[number] for run in runs) for number in range(1, CHUNKS)]
        return sum(seconds) / (steps - steps // CHUNKS)

    pairs = in_pairs(lambda: SEEDS * bare(alone, steps), together, count)
    name = f"{SEEDS} seeds of {architecture} on {task} in bare loops one after the other over together"
    return ratio(name, pairs, at_least=TOGETHER[work])


def recording(work: tuple[str, str], count: int) -> Row:
    """Return the row of the seconds that a training spends in its first chunk beyond the pace of the others."""
    found = []
    for _ in range(count):
        run = prepared(plan(*work, steps=WORK[work], validations=CHUNKS)[0], GPU)
        run.train()
        assert run.module is not None
        first, *others = run.module.seconds
        found.append(first - sorted(others)[len(others) // 2])
    return values(f"warm-up and recording of {work[0]} on {work[1]}", found, "s")


def compiled(work: tuple[str, str], count: int) -> Row:
    """Return the row of a step that torch.compile has fused over one that it has not, both from a CUDA graph.

    `compiling` has the seconds that torch takes for it, and `pays_after` the steps that save as much.
    """
    alone, fused = (prepared(plan(*work)[0], GPU) for _ in range(2))
    steps = WORK[work]
    assert fused.module is not None
    fused.module.network = torch.compile(fused.module.network)  # type: ignore[assignment]
    start = time.perf_counter()
    ours(fused, steps)
    first, start = time.perf_counter() - start, time.perf_counter()
    ours(fused, steps)
    compiling = first - (time.perf_counter() - start)
    pairs = in_pairs(lambda: ours(fused, steps), lambda: ours(alone, steps), count)
    row = ratio(f"{work[0]} on {work[1]}", pairs, compiling=compiling)
    saved = row["theirs"] - row["ours"]
    return row | {"pays_after": math.ceil(compiling / saved) if saved > 0 else None}
