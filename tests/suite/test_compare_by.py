"""What `benchmark compare` compares by: ratios of errors, and steps to solve; the page says the same of the records."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import archbench
from archbench import Observer, SelectionError
from archbench._records import Pairing, Record, Scores, Training
from archbench._report import build_leaderboard
from archbench._suite import Results
from archbench._suite._run import Run
from archbench.cli._compare_output import times
from support import Cli

ERRORS = {
    "gru": [0.0011, 0.0013, 0.0012, 0.0010], "lstm": [0.0031, 0.0042, 0.0035, 0.0039], "rnn": [0.2, 0.9, 0.4, 0.3],
    "tcn": [0.0, 1e-9, 1e-8, 1e-7],
}  # fmt: skip
STEPS = {"gru": [900, 950, 850, 900], "lstm": [200, 300, 250, 250], "rnn": [None] * 4, "tcn": [100, None, 100, 100]}
"""Steps to solve: gru has the smaller error and is later; tcn misses the target with seed 1."""

Install = Callable[..., list[int]]


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Install:
    """`measured(errors, steps)` makes runs give records with these errors, and steps to solve by architecture.

    Returns the numbers of seeds of all runs.
    """

    def install(errors: dict[str, Any], steps: dict[str, Any] | None = None) -> list[int]:
        runs: list[int] = []

        def carry_out(run: Run) -> Results:
            runs.append(run.plan.cells[0].seeds)
            records = [make(planned, errors, steps) for planned in run.plan.trials]
            return Results(out=run.settings.out, records=tuple(records))

        monkeypatch.setattr(Run, "carry_out", carry_out)
        return runs

    return install


def make(planned: Any, errors: dict[str, Any], steps: dict[str, Any] | None) -> Record:
    """The record of a planned trial."""
    trial = planned.trial
    name, seed = trial.architecture.name, trial.seed
    value, job = errors[name][seed], planned.job(archbench._planning.Device(kind="cpu"))
    training = Training(
        track="house recipe", recipe=trial.settings, batch_size=16, examples=100, planned_steps=1000, steps=1000,
        stopped="budget", target=trial.task.target, steps_to_target=steps[name][seed] if steps else None,
    )  # fmt: skip
    record: Record = job.record(
        "ok",
        scores=Scores(test=value, test_last=value, validation=value, selected_step=10, train_loss=0.1),
        pairing=Pairing(splits=f"{seed}", batches=""),
        training=training,
    )
    return record


def compare(*architectures: str, **options: Any) -> Any:
    """The comparison of architectures on the adding problem, without a word."""
    chosen = {"tasks": "adding", "protocol": "quick", "observer": Observer(), "out": "unused", **options}
    return archbench.compare(list(architectures), **chosen)


def on_the_page(compared: Any) -> dict[tuple[str, str], str]:
    """What the page says of every pair, from the same records."""
    board = build_leaderboard(list(compared.results.records))
    labels = {entrant.id: entrant.label for entrant in board.entrants}
    lists = (("better_than", "better"), ("worse_than", "worse"), ("equivalent_to", "equivalent"))
    return {
        (labels[row.entrant], labels[key]): word
        for row in board.boards[0].rows
        for name, word in lists
        for key in getattr(row, name)
    }


def test_errors_are_compared_by_their_ratio(measured: Install) -> None:
    """The ratio is that of geometric means, its interval that of scipy's paired t test of the logarithms."""
    measured(ERRORS)
    found = compare("gru", "lstm", tasks="hidden-velocity", seeds=4).answer
    (pair,) = found.pairs
    logs = np.log([ERRORS["gru"], ERRORS["lstm"]])
    interval = stats.ttest_rel(*logs).confidence_interval(0.95)

    assert (pair.answer, pair.by, found.factor, found.floor) == ("better", "scores", 1.25, 1e-6)
    assert pair.ratio == pytest.approx(stats.gmean(ERRORS["gru"]) / stats.gmean(ERRORS["lstm"]))
    assert (pair.ratio_low, pair.ratio_high) == pytest.approx(tuple(np.exp([interval.low, interval.high])), rel=1e-4)
    assert pair.difference == pytest.approx(-np.log(pair.ratio))
    assert found.means["gru"] == pytest.approx(stats.gmean(ERRORS["gru"]))


def test_noise_of_the_worst_hides_nothing(measured: Install) -> None:
    """Beside an entrant with a large, noisy error, two small ones are told apart, and the page says so too."""
    measured(ERRORS)
    compared = compare("gru", "lstm", "rnn", tasks="hidden-velocity", seeds=4)
    said = {(pair.first, pair.second): pair.answer for pair in compared.answer.pairs}

    assert said == {("gru", "lstm"): "better", ("gru", "rnn"): "better", ("lstm", "rnn"): "better"}
    page = on_the_page(compared)
    assert {pair: page[pair] for pair in said} == said


def test_no_error_counts_as_the_floor(measured: Install) -> None:
    """Errors below a millionth of chance, 0 included, count as that: the ratio of 0.0 against the floor is 1."""
    measured({"gru": [0.0] * 3, "lstm": [1e-6] * 3})
    (pair,) = compare("gru", "lstm", tasks="hidden-velocity", seeds=3).answer.pairs

    assert (pair.ratio, pair.answer) == (1.0, "equivalent")


def test_margin_of_ratios_is_a_factor(measured: Install) -> None:
    """`margin` is the smallest factor where errors are compared by ratios: errors within 1.5 are equivalent, or not."""
    measured({"gru": [0.010, 0.011, 0.012, 0.010], "lstm": [0.011, 0.0125, 0.013, 0.0115]})
    within, beyond = (
        compare("gru", "lstm", tasks="hidden-velocity", seeds=4, margin=margin).answer for margin in (1.5, 1.0)
    )

    assert (within.pairs[0].answer, within.factor) == ("equivalent", 1.5)
    assert (beyond.pairs[0].answer, beyond.factor) == ("better", 1.0)


@pytest.mark.parametrize(
    ("tasks", "margin", "message"),
    [
        ("hidden-velocity", 0.01, "`margin` is 0.01, but hidden-velocity is compared by the ratio .* such as 1.25"),
        (["hidden-velocity", "parity"], 1.5, "hidden-velocity is compared by the ratio of errors and parity by the"),
    ],
)
def test_margins_that_suit_no_ratio_are_refused(measured: Install, tasks: Any, margin: float, message: str) -> None:
    """A difference is no factor, and no number is both; the error comes before anything is trained."""
    runs = measured(ERRORS)
    with pytest.raises(SelectionError, match=message):
        compare("gru", "lstm", tasks=tasks, margin=margin)

    assert runs == []


def test_solvers_are_compared_by_their_steps_as_on_the_page(measured: Install) -> None:
    """Of two that solve the task with every seed the sooner is better, whatever their errors are; the page agrees."""
    measured(ERRORS, STEPS)
    compared = compare("gru", "lstm", "rnn", "tcn", seeds=4)
    pairs = {(pair.first, pair.second): pair for pair in compared.answer.pairs}
    said = {names: pair.answer for names, pair in pairs.items() if pair.answer != "undecided"}

    assert (pairs["gru", "lstm"].answer, pairs["gru", "lstm"].by) == ("worse", "steps")
    assert pairs["gru", "lstm"].difference == -650  # 900 less 250
    assert pairs["gru", "lstm"].ratio is None
    assert pairs["gru", "tcn"].by == pairs["gru", "rnn"].by == "scores"
    page = on_the_page(compared)
    assert {names: word for names, word in page.items() if names in pairs} == said


def test_interval_of_steps_shares_the_error(measured: Install) -> None:
    """Scores and steps share the error, so the interval of the steps is scipy's of 97.5%."""
    measured(ERRORS, {**STEPS, "gru": [905, 991, 850, 960]})
    (pair,) = compare("gru", "lstm", seeds=4).answer.pairs
    expected = stats.ttest_rel(STEPS["lstm"], [905, 991, 850, 960]).confidence_interval(0.975)

    assert (pair.low, pair.high) == pytest.approx((expected.low, expected.high), rel=1e-4)


def test_solvers_with_alike_steps_and_errors_below_the_target_are_equivalent(measured: Install) -> None:
    """Errors below the target are all good enough: the fifth decimal of an error does not decide."""
    measured({"gru": [1e-5, 2e-5, 1e-5], "lstm": [4e-4, 5e-4, 4e-4]}, {"gru": [100, 200, 150], "lstm": [200, 100, 150]})
    compared = compare("gru", "lstm", seeds=3)

    assert (compared.answer.pairs[0].answer, compared.answer.pairs[0].by) == ("equivalent", "scores")
    assert on_the_page(compared)["gru", "lstm"] == "equivalent"


def test_decide_looks_at_steps(measured: Install) -> None:
    """A sequential rule stops as soon as the steps of two solvers decide."""
    runs = measured(ERRORS, STEPS)
    (pair,) = compare("gru", "lstm", decide=True).answer.pairs

    assert (pair.answer, pair.by, pair.decided_at) == ("worse", "steps", runs[-1])


def test_terminal_says_ratios_and_steps_in_words(measured: Install, cli_here: Cli, tmp_path: Path) -> None:
    """One line holds the ratio or the steps, their interval and the answer; lines below say by what."""
    measured(ERRORS, STEPS)
    arguments = ("compare", "gru", "lstm", "rnn", "--task", "adding", "--protocol", "quick", "--seeds", "4")
    lines = cli_here(*arguments, cwd=tmp_path).stdout.splitlines()

    assert lines[0] == "adding: mean_squared_error, lower is better, 4 seeds, factor 1.25"
    assert lines[1].split("  ")[0].strip() == "first"
    (steps,) = (line for line in lines if line.startswith("gru    lstm"))
    assert " 900 / 250 " in steps
    assert " 650 steps later " in steps
    assert "├" in steps  # its plot has a scale of its own, so that no end is cut off
    assert steps.rstrip().endswith("worse")
    (ratio,) = (line for line in lines if line.startswith("gru    rnn"))
    assert " 0.026 times the error " in ratio  # 0.01, the target, over the geometric mean of rnn, 0.383
    assert ratio.rstrip().endswith("better")
    assert "Errors are compared by their ratio, means are geometric; an error below 0.01 counts as 0.01." in lines
    assert "Those that solve it with every seed are compared by their steps to solve it, not by their scores." in lines


def test_json_says_by_what(measured: Install, cli_here: Cli, tmp_path: Path) -> None:
    """JSON has what a pair is compared by, and the ratio with its interval."""
    measured(ERRORS, STEPS)
    arguments = ("compare", "gru", "rnn", "--task", "adding", "--protocol", "quick", "--seeds", "4", "--json")
    (found,) = json.loads(cli_here(*arguments, cwd=tmp_path).stdout)["tasks"]
    (pair,) = found["pairs"]

    assert (found["factor"], found["floor"], pair["by"]) == (1.25, 0.01, "scores")
    assert pair["ratio_low"] < pair["ratio"] < pair["ratio_high"] < 1


@pytest.mark.parametrize(("ratio", "text"), [(0.3, "0.30"), (1.0, "1.0"), (9.96, "10"), (1234.5, "1234"), (None, "-")])
def test_ratios_have_two_digits(ratio: float | None, text: str) -> None:
    """A ratio is shown with two digits, and from ten on as a whole number."""
    assert times(ratio) == text


def test_over_tasks_scores_are_normalised_as_before(measured: Install) -> None:
    """Over several tasks, a task that is compared by ratios counts with its normalised scores and its margin."""
    measured({"gru": [0.1, 0.12, 0.11], "lstm": [0.1, 0.12, 0.11]})
    found = compare("gru", "lstm", tasks=["hidden-velocity", "multiplication"], seeds=3).overall
    normal = [(1 - np.array([0.1, 0.12, 0.11])), 1 - np.array([0.1, 0.12, 0.11]) / (7 / 144)]

    assert found.means["gru"] == pytest.approx(np.mean(normal))
    assert found.margin == pytest.approx((0.003 + 0.0016 / (7 / 144)) / 2)
    assert (found.factor, found.pairs[0].ratio) == (None, None)
