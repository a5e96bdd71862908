"""The log of a running trial for other tools, through the loggers of Lightning."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from archbench._planning import Job, LoggerName
from archbench._records import Progress, Record, Trial

if TYPE_CHECKING:
    from lightning.pytorch.loggers import Logger

PROJECT = "archbench"
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


class LiveLog:
    """The log of one trial. What goes wrong with it is told in the record and costs nothing else.

    Args:
        job: says which logger, or none.
        folder: for the files of loggers that write files.
    """

    def __init__(self, job: Job, folder: Path) -> None:
        self._logger: Logger | None = None
        self._failure = ""
        if job.logger is not None:
            self._logger = self._try(lambda: open_logger(job.logger, job.trial, folder))
            self._try(lambda: self._logger and self._logger.log_hyperparams(describe(job.trial)))

    def progress(self, progress: Progress) -> None:
        """Log the newest point of the curves, if there is a new one."""
        point = progress.point
        if self._logger is not None and point is not None:
            values = {"train_loss": point.train_loss, "validation": point.validation, "seconds": point.seconds}
            self._log(values, point.step)

    def note(self, record: Record) -> Record:
        """Return the record, with the reason in its detail if the log ended too early."""
        if not self._failure:
            return record
        return msgspec.structs.replace(record, detail="\n".join(filter(None, (record.detail, self._failure))))

    def end(self, record: Record) -> None:
        """Log the scores, and close the log."""
        logger = self._logger
        if logger is None:
            return
        if record.scores is not None:
            self._log({"test": record.scores.test}, record.scores.selected_step)
        self._try(logger.save)
        self._try(lambda: logger.finalize("success" if record.status == "ok" else "failed"))

    def _log(self, values: dict[str, float], step: int) -> None:
        self._try(lambda: self._logger and self._logger.log_metrics(values, step))

    def _try(self, act: Callable[[], Any]) -> Any:
        """Call a logger; the first failure ends the log."""
        try:
            return act()
        except Exception as error:  # a server that is not reached, a full disk: none of it is the network's fault
            self._logger = None
            self._failure = f"the logger stopped: {type(error).__name__}: {error}"
            return None


def open_logger(name: LoggerName | None, trial: Trial, folder: Path) -> Logger:
    """Return a logger of Lightning for one trial.

    Args:
        name: which one. Addresses and keys of servers come from the variables of their libraries.
        trial: gives the run its name.
        folder: for files; each trial gets names of its own.
    """
    from lightning.pytorch import loggers

    run = _UNSAFE.sub("-", f"{trial.architecture.label}-{trial.task.label}-seed{trial.seed}-{trial.id[:8]}")
    if name == "tensorboard":
        return loggers.TensorBoardLogger(folder, name=None, version=run, default_hp_metric=False)
    if name == "csv":
        return loggers.CSVLogger(folder, name=None, version=run, flush_logs_every_n_steps=1)
    if name == "mlflow":
        os.environ.setdefault("MLFLOW_ALLOW_FILE_STORE", "true")  # without a server, and without a database
        return loggers.MLFlowLogger(PROJECT, run_name=run, save_dir=str(folder))
    return loggers.WandbLogger(name=run, project=PROJECT, save_dir=folder, id=trial.id)


def describe(trial: Trial) -> dict[str, Any]:
    """Return what a logger shows beside the curves: what was trained, on what, and how."""
    return {
        "architecture": trial.architecture.label,
        "task": trial.task.label,
        "protocol": trial.protocol.name,
        "seed": trial.seed,
        "trial": trial.id,
        **{f"option.{key}": str(value) for key, value in trial.architecture.options.items()},
    }
