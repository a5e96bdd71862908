"""Facts that a plan copies into records: those of the task, of its metrics, and of the architecture."""

from __future__ import annotations

from typing import Any

from archbench import TorchMetric
from archbench._planning import Device, PlannedTrial, make_plan
from archbench._protocols import find_protocol
from archbench._records import MetricFacts, Record
from archbench._selection import select
from support import Make


def planned(architecture: Any, task: Any) -> PlannedTrial:
    """Return the one trial of an architecture on a task."""
    chosen = select(["all"], [architecture], "architecture"), select(["all"], [task], "task")
    (only,) = make_plan(*chosen, protocol=find_protocol("smoke"), seeds=1).trials
    return only


def record_of(architecture: Any, task: Any) -> Record:
    """Return the record of their trial, had it failed."""
    return planned(architecture, task).job(Device(kind="cpu")).record("failed", "no")


def test_facts_of_the_task(make_architecture: Make, make_task: Make) -> None:
    """Each fact is that of the declaration, and the kind is that of its description."""
    declared = {
        "metric": "mean_squared_error", "loss": "mean_squared_error", "chance": 0.6,
        "oracle": 0.125, "summary": "words", "margin": 0.01, "source": "a paper",
    }  # fmt: skip
    task = make_task("s", kind="sequence", **declared)
    facts = record_of(make_architecture(inputs=("sequence",)), task).task_facts

    assert (facts.kind, facts.metric, facts.higher_is_better) == ("sequence", "mean_squared_error", False)
    assert (facts.chance, facts.oracle, facts.margin, facts.factor) == (0.6, 0.125, 0.01, None)
    assert (facts.summary, facts.source, facts.metrics) == ("words", "a paper", {})


def test_facts_of_further_metrics(make_architecture: Make, make_task: Make) -> None:
    """Bounds that are infinite are left out; chance is that of the task's three classes, where a formula knows it."""
    task = make_task(metrics=("balanced_accuracy", "calibration_error"))
    metrics = record_of(make_architecture(), task).task_facts.metrics

    assert metrics == {
        "balanced_accuracy": MetricFacts(higher_is_better=True, lowest=0.0, highest=1.0, chance=1 / 3, oracle=1.0),
        "calibration_error": MetricFacts(higher_is_better=False, lowest=0.0, highest=1.0, chance=None, oracle=0.0),
    }


def test_infinite_bounds_are_none(make_architecture: Make, make_task: Make) -> None:
    """The squared error has no upper bound and R2 no lower one, and what is declared of an own metric goes first."""
    own = TorchMetric(
        name="lag", metric="MeanAbsoluteError", higher_is_better=False, lowest=0.0, chance=0.7, oracle=0.1
    )
    spare = TorchMetric(name="spare", metric="MeanAbsoluteError", higher_is_better=False)
    task = make_task(
        loss="mean_squared_error", metric="lag", chance=0.7, oracle=0.1,
        metrics=(own, spare, "r2", "mean_squared_error"),
    )  # fmt: skip
    metrics = record_of(make_architecture(), task).task_facts.metrics

    assert metrics == {
        "lag": MetricFacts(higher_is_better=False, lowest=0.0, highest=None, chance=0.7, oracle=0.1),
        "spare": MetricFacts(higher_is_better=False),
        "r2": MetricFacts(higher_is_better=True, lowest=None, highest=1.0, chance=0.0, oracle=1.0),
        "mean_squared_error": MetricFacts(higher_is_better=False, lowest=0.0, highest=None, chance=None, oracle=0.0),
    }


def test_facts_of_the_architecture(make_architecture: Make, make_task: Make) -> None:
    """Summary, source, control and the failures that its author expects are copied."""
    architecture = make_architecture(summary="a net", source="a paper", control="toy[depth=1]")
    facts = record_of(architecture, make_task()).architecture_facts

    assert (facts.summary, facts.source, facts.control) == ("a net", "a paper", "toy[depth=1]")
