"""Loggers of Lightning that follow trials."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest

import archbench
from archbench import Observer, Results, SelectionError
from support import Cli, ReadRecords


def train(out: Path, **options: Any) -> Results:
    """Return the results of one short trial."""
    return archbench.run(
        "mlp", tasks="digits", protocol="smoke", seeds=1, workers=1, out=out, observer=Observer(), **options
    )


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The trial without a logger."""
    return train(tmp_path_factory.mktemp("plain"))


def test_csv(tmp_path: Path, plain: Results) -> None:
    """The file has the curve of the record and its score, and the record is that of a trial without a logger."""
    (record,) = train(tmp_path, logger="csv").records
    (place,) = (tmp_path / "live_logs").iterdir()
    rows = list(csv.DictReader((place / "metrics.csv").read_text().splitlines()))
    curve = [(int(row["step"]), float(row["validation"])) for row in rows if row["validation"]]

    assert place.name == f"mlp-digits-seed0-{record.id[:8]}"
    assert curve == list(zip(record.curves.step, record.curves.validation, strict=True))
    assert [float(row["test"]) for row in rows if row["test"]] == [record.scores.test]
    assert "architecture: mlp" in (place / "hparams.yaml").read_text()
    (before,) = plain.records
    assert (record.scores, record.pairing) == (before.scores, before.pairing)
    assert not (plain.out / "live_logs").exists()


def test_tensorboard(tmp_path: Path) -> None:
    """TensorBoard's own reader finds the curve of the record."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    (record,) = train(tmp_path, logger="tensorboard").records
    (place,) = (tmp_path / "live_logs").iterdir()
    events = EventAccumulator(str(place)).Reload()

    assert [event.step for event in events.Scalars("validation")] == record.curves.step
    assert [event.value for event in events.Scalars("validation")] == pytest.approx(record.curves.validation)
    assert events.Scalars("test")[0].value == pytest.approx(record.scores.test)


@pytest.mark.slow
def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's own client finds the run that was finished, in files below the output folder."""
    from mlflow.tracking import MlflowClient

    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")  # for the client; the trial sees to it by itself
    (record,) = train(tmp_path, logger="mlflow").records
    client = MlflowClient(tracking_uri=f"file:{tmp_path / 'live_logs'}")
    (experiment,) = client.search_experiments(filter_string="name = 'archbench'")
    (run,) = client.search_runs([experiment.experiment_id])

    assert run.info.status == "FINISHED"
    assert run.data.params["task"] == "digits"
    assert run.data.metrics["test"] == pytest.approx(record.scores.test)


@pytest.mark.slow
def test_wandb(tmp_path: Path, cli: Cli, records: ReadRecords) -> None:
    """Without a server, in its offline mode, W&B leaves a run below the output folder."""
    words = [
        "run",
        "mlp",
        "--task",
        "digits",
        "--protocol",
        "smoke",
        "--seeds",
        "1",
        "--logger",
        "wandb",
        "--out",
        "out",
    ]
    done = cli(*words, cwd=tmp_path, env={**os.environ, "WANDB_MODE": "offline"})
    (record,) = records(tmp_path / "out")

    assert (done.returncode, record["detail"]) == (0, "")
    assert list((tmp_path / "out" / "live_logs").rglob(f"*{record['id']}*.wandb"))


def test_a_logger_that_fails_costs_nothing(tmp_path: Path, plain: Results) -> None:
    """Where the logger cannot write, the trial ends as without it."""
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "live_logs").write_text("a file where a folder should be")
    (record,) = train(tmp_path, logger="csv").records

    assert (record.status, record.scores) == ("ok", plain.records[0].scores)
    assert record.detail.startswith("the logger stopped: FileExistsError")


def test_what_is_missing_or_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli_here: Cli) -> None:
    """Before anything trains, an unknown logger and a missing library are errors that say what to do."""
    monkeypatch.setattr("archbench._suite._loggers.find_spec", lambda name: None)
    with pytest.raises(SelectionError, match=r"needs the library wandb, .* pip install 'archbench\[wandb\]'"):
        train(tmp_path, logger="wandb")
    with pytest.raises(SelectionError, match="`logger` is 'comet'; give one of tensorboard, csv, mlflow, wandb"):
        train(tmp_path, logger="comet")
    done = cli_here("run", "mlp", "--task", "digits", "--logger", "comet", "--out", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert "'comet' is not one of" in done.stderr
