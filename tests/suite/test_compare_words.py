"""What `benchmark compare` tells of seeds that agree: no interval without width, and no promise that cannot be kept."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from scipy import stats

import archbench
from archbench import Observer
from archbench._planning import Device
from archbench._records import Pairing, Scores
from archbench._suite import Results
from archbench._suite._comparison import generous
from archbench._suite._run import Run
from archbench.cli._compare_output import show_comparison

Install = Callable[..., None]


@pytest.fixture
def scored(monkeypatch: pytest.MonkeyPatch) -> Install:
    """`scored(rows)` makes runs give records with these scores, by architecture; None is a trial that diverged."""

    def install(rows: dict[str, list[float | None]], *, paired: bool = True) -> None:
        def make(planned: Any) -> Any:
            trial, job = planned.trial, planned.job(Device(kind="cpu"))
            value = rows[trial.architecture.name][trial.seed]
            if value is None:
                return job.record("diverged", "the loss is not finite")
            return job.record(
                "ok",
                scores=Scores(test=value, test_last=value, validation=value, selected_step=10, train_loss=0.1),
                pairing=Pairing(splits=f"{trial.seed}", batches="" if paired else trial.architecture.name),
            )

        monkeypatch.setattr(
            Run, "carry_out", lambda run: Results(out=run.settings.out, records=tuple(map(make, run.plan.trials)))
        )

    return install


def compare(*architectures: str, **options: Any) -> Any:
    """The comparison of architectures under the smoke protocol, without a word."""
    chosen = {"tasks": "digits", "protocol": "smoke", "observer": Observer(), "out": "unused", **options}
    return archbench.compare(list(architectures), **chosen)


def test_the_forecast_knows_that_equal_seeds_are_not_exact(scored: Install) -> None:
    """Where all seeds of both score the same, one step of the score counts as their deviation, here the difference.

    So at least as many seeds are needed as bring half the width of scipy's t interval below one deviation, looked at
    once; and the command that is named does decide.
    """
    scored({"mlp": [0.9] * 40, "lstm": [0.95] * 40})
    once = next(n for n in range(3, 40) if stats.t(df=n - 1).ppf(0.975) / math.sqrt(n) < 1)
    (pair,) = compare("mlp", "lstm", seeds=3).answer.pairs

    assert once == 7
    assert pair.seeds_needed is not None
    assert pair.seeds_needed >= once
    assert compare("mlp", "lstm", decide=True, max_seeds=generous(pair.seeds_needed)).answer.decided


def test_the_forecast_without_pairing_takes_the_noise_of_both(scored: Install) -> None:
    """Entrants that move together by chance, on data of their own, are no easier to tell apart for that."""
    wave = [0.0, 0.04, 0.02]
    rows: dict[str, list[float | None]] = {"mlp": [0.8 + x for x in wave], "lstm": [0.81 + x for x in wave]}
    deviation = math.sqrt(2) * 0.02
    once = next(n for n in range(3, 99) if stats.t(df=n - 1).ppf(0.975) * deviation / math.sqrt(n) < 0.01)

    scored(rows, paired=False)
    (pair,) = compare("mlp", "lstm", seeds=3, margin=0.0).answer.pairs

    assert pair.seeds_needed is not None
    assert pair.seeds_needed >= once


def printed(found: Any, capsys: pytest.CaptureFixture[str]) -> str:
    """Return the table of a comparison and what is said below it."""
    show_comparison(found, "benchmark compare gru lstm", json=False)
    return capsys.readouterr().out


@pytest.fixture
def linear(on_error: Callable[[float | None], dict[str, Any]]) -> dict[str, Any]:
    """Options that compare on a task whose metric is an error without a margin."""
    return on_error(None)


def test_small_and_large_scores_are_readable(
    scored: Install, linear: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """Errors that four decimals show as 0, or with nine digits before them, are written as powers; the others not.

    The mean errors are 1.1e-5 and 3.05e-5, 1.1e9 and 3.05e9, 0.11 and 0.305.
    """
    for unit, expected in (
        (1e-4, "1.1e-05 / 3.05e-05      +1.95e-05"),
        (1e10, "1.1e+09 / 3.05e+09      +1.95e+09"),
        (1.0, "0.1100 / 0.3050            +0.1950"),
    ):
        scored({"gru": [x * unit for x in (0.10, 0.11, 0.12)], "lstm": [x * unit for x in (0.30, 0.31, 0.305)]})

        text = printed(compare("gru", "lstm", seeds=3, **linear), capsys)
        assert " ".join(expected.split()) in " ".join(text.split())


@pytest.mark.parametrize("how", [{"seeds": 3}, {"decide": True, "max_seeds": 4}])
def test_equal_errors_of_zero_have_no_interval(
    scored: Install, linear: dict[str, Any], capsys: pytest.CaptureFixture[str], how: dict[str, Any]
) -> None:
    """Where no seed shows a spread and no margin says what is small, there is no interval, and no promise about one."""
    scored({"gru": [0.0] * 4, "lstm": [0.0] * 4})
    found = compare("gru", "lstm", **how, **linear)
    (pair,) = found.answer.pairs
    text = printed(found, capsys)

    assert (pair.low, pair.high, pair.answer) == (None, None, "undecided")
    assert "Not compared: all scores are equal, and nothing says how finely they are measured." in text
    assert "0.0000 / 0.0000" in text
    assert "-0.0000" not in text
    assert "95% probability" not in text
    assert "wrong in at most" not in text


def test_an_answer_that_later_seeds_would_not_give(
    scored: Install, linear: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """`gru` is better with three seeds; later ones, added for `rnn`, turn the mean round, which the text explains."""
    wave = [0.3, -0.2, 0.1, -0.4, 0.2, 0.0, -0.3, 0.4, 0.1, -0.1]
    scored({
        "gru": [0.10, 0.10, 0.1001] + [0.30] * 7,
        "lstm": [0.20, 0.20, 0.2001] + [0.15] * 7,
        "rnn": [0.15 + x for x in wave],
    })  # fmt: skip
    found = compare("gru", "lstm", "rnn", decide=True, **linear)
    pair = found.answer.pairs[0]

    assert (pair.answer, pair.decided_at, found.answer.seeds) == ("better", 3, 10)
    assert pair.difference == pytest.approx(0.3 * 0.10 - 0.7 * 0.15, abs=1e-4)
    assert "gru and lstm: the answer at 3 seeds counts, though all 10 seeds alone would not give it" in printed(
        found, capsys
    )


def test_a_score_that_cannot_be_used_is_named(
    scored: Install, linear: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    """A trial that ended well with a score beyond all measure is missing for that reason, not because it is ok."""
    scored({"gru": [0.1, 1e200, 0.2], "lstm": [0.3, 0.4, 0.5]})
    found = compare("gru", "lstm", seeds=3, **linear)

    assert "gru is not compared: failed at seed 1, since the test score of 1e+200 is too large" in printed(
        found, capsys
    )


def test_over_tasks_every_reason_names_its_task(scored: Install, linear: dict[str, Any]) -> None:
    """An entrant that lacks the same seed on two tasks is told both, and where."""
    scored({"gru": [0.1, None, 0.2], "lstm": [0.3, 0.4, 0.5]})
    found = compare("gru", "lstm", seeds=3, **{**linear, "tasks": ["error", "parity"]})

    assert found.overall.missing == {"gru": "diverged at seed 1 on error, diverged at seed 1 on parity"}
