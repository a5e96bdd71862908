"""The study of lag on hand-made records: errors, censored steps, the longest lag, the gradient, and its claims."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from archbench import Reading, Record, StudyData
from archbench._plugins import load_plugins
from archbench._statistics import say_share, share_interval
from archbench_studies import gates, lag
from archbench_studies._lags import (
    CHANCE,
    GRU,
    IRNN,
    LSTM,
    LSTM_1997,
    LSTM_LOW,
    RNN,
    Net,
    errors,
    kept_over,
    longest_solved,
    solves,
    steps_to_solve,
)
from archbench_studies._rules import TIME
from support import MakeRecord
from support.study_records import study_record

Trained = Callable[..., Record]
EFFORT = 2.5
BUDGET = 1_200


@pytest.fixture
def trained(make_record: MakeRecord) -> Trained:
    """`trained(net, length, seed, error=..., steps=...)` is the record of a net on the adding problem."""

    def make(
        net: Net, length: int, seed: int = 0, *, error: float = 1.0, steps: int | None = None, **more: Any
    ) -> Record:
        return study_record(
            make_record,
            net.architecture,
            net.options,
            task="adding",
            task_options={"length": length, "test_length": more.pop("tested", 0)},
            protocol=TIME,
            effort=EFFORT,
            seed=seed,
            score=error * CHANCE,
            steps_to_target=steps,
            **more,
        )

    return make


def readings(start: float, end: float, steps: int = 50) -> list[Reading]:
    """Return gradients that gain so many decades with every step back in time, before training and after it."""

    def reading(step: int, slope: float) -> Reading:
        values: list[float | None] = [0.3 * 10 ** (slope * (steps - 1 - t)) for t in range(steps)]
        return Reading(probe="time-gradient", step=step, names=[str(t) for t in range(steps)], values=values)

    return [reading(0, start), reading(900, end)]


def effect(name: str, data: StudyData) -> dict[int, float]:
    """Return the effect of a claim for each seed."""
    (claim,) = [claim for claim in lag.CLAIMS if claim.name == name]
    assert callable(claim.statistic)
    return dict(claim.statistic(data))


def test_errors_are_shares_of_the_constants(trained: Trained) -> None:
    """The error of the constant is 1, and so are a higher one and that of a seed that diverged."""
    records = [trained(RNN, 50, 0, error=0.25), trained(RNN, 50, 1, error=9.0), trained(RNN, 50, 2, status="diverged")]

    assert {0: pytest.approx(0.25), 1: 1.0, 2: 1.0} == errors(StudyData(records))


def test_seeds_that_failed_are_left_out(trained: Trained) -> None:
    """A seed that ran out of time or memory says nothing about its net."""
    data = StudyData([trained(RNN, 50, 0, status="timeout"), trained(RNN, 50, 1, status="oom")])

    assert {} == errors(data) == steps_to_solve(data)


def test_unsolved_seeds_have_the_steps_of_the_budget(trained: Trained) -> None:
    """Steps to solve are those of the target; a seed that missed it, or diverged, has the whole budget."""
    records = [trained(LSTM, 50, 0, steps=450), trained(LSTM, 50, 1), trained(LSTM, 50, 2, status="diverged")]

    assert steps_to_solve(StudyData(records)) == {0: 450, 1: BUDGET, 2: BUDGET}


@pytest.mark.parametrize(
    ("solving", "expected"),
    [((4, 4, 4), 50), ((4, 3, 2), 25), ((4, 1, 4), 10), ((2, 4, 4), 0), ((0, 0, 0), 0)],
)
def test_longest_lag_is_solved_like_all_shorter_ones(trained: Trained, solving: tuple[int, ...], expected: int) -> None:
    """The longest lag solved is the last before the first that no majority of seeds solves; 0 if that is the first."""
    records = [
        trained(LSTM, length, seed, steps=300 if seed < count else None)
        for length, count in zip((10, 25, 50), solving, strict=True)
        for seed in range(4)
    ]

    assert expected == longest_solved(LSTM, StudyData(records), (10, 25, 50))


def test_no_lag_is_known_without_records(trained: Trained) -> None:
    """A net without records has no longest lag, not 0; one without the shortest length has that of the rest."""
    data = StudyData([trained(LSTM, 50, steps=300)])

    assert longest_solved(RNN, data, (10, 50)) is None
    assert longest_solved(LSTM, data, (10, 50)) == 50


def test_sequences_tested_longer_are_another_task(trained: Trained) -> None:
    """Nets that are tested on longer sequences do not mix with those that are not."""
    data = StudyData([trained(LSTM, 25, error=0.1), trained(LSTM, 25, error=0.7, tested=50)])

    assert {0: pytest.approx(0.1)} == errors(LSTM.at(data, 25))
    assert {0: pytest.approx(0.7)} == errors(LSTM.at(data, 25, 50))


def test_nets_are_told_apart_by_their_options(trained: Trained) -> None:
    """LSTMs with other forget biases are other nets."""
    data = StudyData([trained(LSTM, 50, error=0.1), trained(LSTM_LOW, 50, error=0.9)])

    assert {0: pytest.approx(0.1)} == errors(LSTM.at(data, 50))


@pytest.mark.parametrize(("start", "end"), [(-0.02, 0.0), (-0.02, -0.3), (0.01, 0.004)])
def test_gradient_over_time_is_that_of_its_decay(trained: Trained, start: float, end: float) -> None:
    """A gradient that falls by a constant factor a step is found again, before training and after it."""
    data = StudyData([trained(RNN, 100, readings=readings(start, end))])

    assert kept_over(50, data, first=True) == {0: pytest.approx(50 * start)}
    assert kept_over(50, data) == {0: pytest.approx(50 * end)}


def test_solving_is_reaching_the_target(trained: Trained) -> None:
    """A seed solves its task if it reached the target; one that diverged did not, and one that failed says nothing."""
    records = [trained(LSTM, 50, 0, steps=450), trained(LSTM, 50, 1), trained(LSTM, 50, 2, status="diverged")]

    assert solves(StudyData([*records, trained(LSTM, 50, 3, status="oom")])) == {0: 1.0, 1: 0.0, 2: 0.0}


def test_claims_on_shares_count_seeds(trained: Trained) -> None:
    """An effect is 1 for a seed of which the statement is true and 0 for another, of the seeds that can tell."""
    reached = [(RNN, "0010"), (LSTM, "0111"), (GRU, "1111"), (IRNN, "0101"), (LSTM_1997, "1100")]
    data = StudyData(
        trained(net, 50, seed, steps=500 if digit == "1" else None)
        for net, digits in reached
        for seed, digit in enumerate(digits)
    )

    assert effect("rnn-fails-at-lag-50", data) == {0: 0, 1: 0, 2: 1, 3: 0}
    assert effect("lstm-bridges-lag-50", data) == {0: 0, 1: 1, 2: 0, 3: 1}
    assert effect("gru-bridges-lag-50", data) == {0: 1, 1: 1, 2: 0, 3: 1}
    assert effect("lstm-1997-bridges-lag-50", data) == {0: 1, 1: 1, 2: 0, 3: 0}
    assert effect("identity-rnn-bridges-lag-50", data) == {1: 1, 2: 0, 3: 1}
    assert effect("lstm-bridges-lag-100", data) == {}


def test_claims_on_shares_ask_for_seeds_that_can_decide_them() -> None:
    """As many seeds as a claim asks for decide it if they all agree, and one fewer would not."""
    family = sum(claim.origin.distribution == "archbench" for claim in load_plugins(only=[]).claims)
    for claim in (*lag.CLAIMS, *gates.CLAIMS):
        if claim.measure == "share":
            for effects in ([1] * claim.seeds, [0] * claim.seeds):
                enough, few = (share_interval(seen, family=family) for seen in (effects, effects[1:]))

                assert say_share(enough, rule=claim.rule, threshold=claim.threshold) != "undecided"
                assert say_share(few, rule=claim.rule, threshold=claim.threshold) == "undecided"


def test_effects_of_the_claims(trained: Trained) -> None:
    """Each claim's effect is the difference that the records were made with, paired by seed."""
    data = StudyData(
        [
            trained(RNN, 50, 0, readings=readings(-0.01, -0.2)),
            trained(LSTM, 50, 0, steps=400, readings=readings(-0.02, 0.002)),
            trained(LSTM, 50, 1, steps=400),
            trained(LSTM_LOW, 50, 1, steps=None),
        ]
    )

    assert effect("forget-bias-one-is-faster", data) == {1: pytest.approx(1.584963)}  # log2 of 3
    assert effect("gradient-of-a-trained-rnn-dies", data) == {0: pytest.approx(-10.0)}
    assert effect("gradient-of-a-trained-lstm-lives", data) == {0: pytest.approx(0.1)}
    assert effect("lstm-learns-its-line", data) == {0: pytest.approx(1.1)}
    assert effect("rnn-loses-its-line", data) == {0: pytest.approx(-9.5)}


def test_gradients_of_lstms_that_learned_nothing_do_not_count(trained: Trained) -> None:
    """A claim about the gradient of an LSTM that has learned the task leaves out a seed that has not."""
    data = StudyData(
        [trained(LSTM, 50, seed, steps=steps, readings=readings(-0.02, 0.0)) for seed, steps in ((0, None), (1, 600))]
    )

    assert list(effect("gradient-of-a-trained-lstm-lives", data)) == [1]
    assert list(effect("lstm-learns-its-line", data)) == [1]


def test_findings_say_which_nets_solve_which_length(trained: Trained) -> None:
    """Text, numbers and table come from the records; a net without records has no row."""
    data = StudyData(
        [
            *(trained(LSTM, length, seed, error=0.05, steps=600) for length in (10, 100) for seed in range(3)),
            *(trained(RNN, 10, seed, error=0.05, steps=600) for seed in range(3)),
            *(trained(RNN, 100, seed) for seed in range(3)),
            *(trained(RNN, 50, seed, readings=readings(-0.02, -0.2)) for seed in range(3)),
        ]
    )
    findings = lag.analyse(data)

    assert "At 10 steps tanh RNN and LSTM solved it. At 50 steps no net solved it; tanh RNN did not." in findings.text
    assert "At 100 steps LSTM solved it; tanh RNN did not." in findings.text
    assert "gradient of the tanh RNN changes by a factor of 0.1 before training and of 1e-10 after it" in findings.text
    assert {name: findings.numbers[name] for name in ("rnn-longest", "lstm-longest", "rnn-steps-100")} == {
        "rnn-longest": 10,
        "lstm-longest": 100,
        "rnn-steps-100": BUDGET,
    }
    assert [row[:5] for row in findings.rows] == [
        ("tanh RNN", "3/3", "0/3", "0/3", "10"),
        ("LSTM", "3/3", "", "3/3", "100"),
    ]
    profile = next(line for line in findings.charts[1].lines if line.label == "tanh RNN, after it")
    assert pytest.approx(profile.y[20]) == 1e-4


def test_other_tasks_have_a_chart_of_their_own(make_record: MakeRecord) -> None:
    """Scores on the tasks of the full size are drawn against the option that sets their lag."""
    data = StudyData(
        [
            study_record(
                make_record,
                LSTM.architecture,
                LSTM.options,
                task="copy-memory",
                task_options={"pause": pause, "test_pause": 0},
                protocol=TIME,
                seed=seed,
                score=score + seed / 10,
            )
            for pause, score in ((5, 0.8), (30, 0.3))
            for seed in range(3)
        ]
    )
    (chart,) = [chart for chart in lag.analyse(data).charts if "copy-memory" in chart.title]
    (line,) = [line for line in chart.lines if line.label == "LSTM"]

    assert ((5.0, 30.0), (pytest.approx(0.9), pytest.approx(0.4))) == (line.x, line.y)


def test_findings_without_records_say_so() -> None:
    """An analysis of nothing neither fails nor claims anything."""
    findings = lag.analyse(StudyData([]))

    assert findings.text == "No net was trained on it."
    assert not findings.rows
    assert not findings.numbers
