"""The study of gates on hand-made records."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archbench import Record, StudyData
from archbench_studies import gates
from archbench_studies._lags import CHANCE, CHRONO, VANILLA, Net
from archbench_studies._rules import TIME
from support import MakeRecord
from support.study_records import study_record

Trained = Callable[..., Record]


@pytest.fixture
def trained(make_record: MakeRecord) -> Trained:
    """`trained(form, seed, error=..., steps=...)` is the record of a form on the adding problem of 50 steps."""

    def make(net: Net, seed: int = 0, *, error: float = 1.0, steps: int | None = None) -> Record:
        return study_record(
            make_record,
            net.architecture,
            {**VANILLA.options, **net.options},
            task="adding",
            task_options={"length": 50, "test_length": 0},
            protocol=TIME,
            effort=2.5,
            seed=seed,
            score=error * CHANCE,
            steps_to_target=steps,
        )

    return make


def test_every_form_has_its_own_records(trained: Trained) -> None:
    """No two forms read the same record, and the chrono start is none of them."""
    records = [trained(form, seed) for seed, form in enumerate(gates.FORMS)]
    data = StudyData([*records, trained(CHRONO, 99)])

    assert [[seed] for seed in range(9)] == [[r.trial.seed for r in form.at(data, 50).records] for form in gates.FORMS]


@pytest.mark.parametrize(
    ("claim", "form", "expected"),
    [
        ("forget-gate-is-critical", gates.NO_FORGET_GATE, {0: 1, 1: 0}),
        ("output-activation-is-critical", gates.NO_OUTPUT_ACTIVATION, {0: 1, 1: 0}),
        ("coupled-gates-are-enough", gates.COUPLED, {0: 0, 1: 1}),
        ("peepholes-are-dispensable", gates.NO_PEEPHOLES, {0: 0, 1: 1}),
    ],
)
def test_effects_count_the_seeds_that_a_form_solves(
    trained: Trained, claim: str, form: Net, expected: dict[int, float]
) -> None:
    """A form fails or solves the task by seed; a seed that even the vanilla net does not solve tells nothing."""
    data = StudyData(
        [
            *(trained(VANILLA, seed, steps=steps) for seed, steps in enumerate((500, 600, None))),
            *(trained(form, seed, steps=steps) for seed, steps in enumerate((None, 1000, 700))),
        ]
    )
    (statistic,) = [item.statistic for item in gates.CLAIMS if item.name == claim]
    assert callable(statistic)

    assert statistic(data) == expected


def test_the_chrono_start_is_compared_in_steps(trained: Trained) -> None:
    """Its effect is log2 of the vanilla net's steps over its own."""
    data = StudyData([trained(VANILLA, steps=800), trained(CHRONO, steps=200)])
    (statistic,) = [item.statistic for item in gates.CLAIMS if item.name == "chrono-start-is-faster"]
    assert callable(statistic)

    assert statistic(data) == {0: 2.0}


def test_findings_name_the_forms_that_fail(trained: Trained) -> None:
    """The text says which forms fail with most of their seeds, and which is fastest."""
    records: list[Any] = [
        *(trained(VANILLA, seed, error=0.05, steps=600) for seed in range(3)),
        *(trained(gates.COUPLED, seed, error=0.05, steps=400) for seed in range(3)),
        *(trained(gates.NO_OUTPUT_ACTIVATION, seed, error=0.9) for seed in range(2)),
        trained(gates.NO_OUTPUT_ACTIVATION, 2, error=0.05, steps=700),
    ]
    findings = gates.analyse(StudyData(records))

    assert "the vanilla LSTM solves 3 of 3 seeds, in 600 steps at the median" in findings.text
    assert "Most seeds fail with no output activation." in findings.text
    assert "The fastest form is coupled gates (400 steps), the slowest no output activation (1,200" in findings.text
    assert ("no output activation", "1/3", "1,200", "0.90") in findings.rows


def test_findings_without_records_say_so() -> None:
    """An analysis of nothing neither fails nor claims anything."""
    assert gates.analyse(StudyData([])).text == "The vanilla net has not been trained."
