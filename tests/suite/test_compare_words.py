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
