"""Verdicts on claims whose statistic reads seconds."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

import archbench
from archbench import Record, StudyData
from archbench._claims import judge, measure
from archbench._plugins import PluginSource, Registered
from archbench._protocols import equal_steps
from archbench._records import Origin, Resources
from archbench._studies import StudyRecords, StudyResult
from support import MakeRecord

RULES = archbench.Protocol(name="s", steps=equal_steps(2), batch_size=4, for_studies=True)
PART = archbench.Part(architectures=("toy",), tasks=("pictures", "films"), protocol=RULES)
SEEDS = range(3)


def registered(item: Any) -> Registered[Any]:
    """A declaration as the loader registers it."""
    origin = Origin(distribution="toys", version="1.0", entry_point="toy")
    return Registered(item, origin, PluginSource(distribution="toys", entry_point="toy", value="toy"))


def pace(data: StudyData) -> dict[int, float]:
    """The seconds of a step on one task over those on the other, seed by seed."""
    films, pictures = (
        data.where(task=task).per_seed(lambda record: record.resources.step_seconds) for task in ("films", "pictures")
    )
    return {seed: films[seed] / pictures[seed] for seed in films}


def from_curves(data: StudyData) -> dict[int, float]:
    """The training seconds up to the last validation."""
    return data.per_seed(lambda record: record.curves.seconds[-1])


def gain(data: StudyData) -> dict[int, float]:
    """The test scores, which no machine changes."""
    return data.scores


@pytest.fixture
def records(make_record: MakeRecord, device: str) -> list[Record]:
    """Trials of two tasks, the second of them on a device."""
    found = []
    for seed, (task, where) in ((seed, pair) for seed in SEEDS for pair in (("pictures", "cpu"), ("films", device))):
        trial = msgspec.structs.replace(make_record().trial, seed=seed, protocol=RULES)
        trial = msgspec.structs.replace(trial, task=msgspec.structs.replace(trial.task, name=task))
        environment = msgspec.structs.replace(make_record().environment, device=where)
        times = Resources(step_seconds=1.0 if task == "films" else 2.0, parameters=9)
        more = {"environment": environment, "resources": times, "manifests": {"toys/fast@1": "now"}}
        found.append(make_record(id=trial.id, trial=trial, **more))
    return found


@pytest.mark.parametrize(
    ("statistic", "device", "refused"),
    [
        (pace, "a GPU", True),
        (from_curves, "a GPU", True),
        (pace, "cpu", False),
        (gain, "a GPU", False),
    ],
)
def test_seconds_of_different_machines_decide_nothing(records: list[Record], statistic: Any, refused: bool) -> None:
    """A claim on seconds is undecided if the trials of a seed ran on several devices; one on scores is not."""
    study = registered(archbench.Study(name="st", question="?", sizes={"quick": (PART,)}, analyse="toys:analyse"))
    claim = registered(
        archbench.Claim(
            name="fast", statement="It is fast.", source="me", study="st", effect="seconds", statistic=statistic,
            rule="above", threshold=0.1, noise=0.001,
        )
    )  # fmt: skip
    measured = measure(claim.item, StudyResult(study=study, size="quick", records=StudyRecords(counted=tuple(records))))
    judged = judge(claim, study, measured, family=1, manifest="now")
    reason = "it compares seconds of different processors or GPUs in seeds 0, 1, 2"

    assert judged.says == "supported"
    assert judged.verdict == ("undecided" if refused else "supported")
    assert judged.reason == (reason if refused else "")
    assert judged.command == ("benchmark run st --out fresh" if refused else "")
