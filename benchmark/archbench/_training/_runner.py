"""`run_trial`: from a job to a record, in this process. It launches nothing and writes nothing."""

from __future__ import annotations

import datetime
import logging
import math
import os
import statistics
import time
import traceback
import warnings
from collections.abc import Sequence
from typing import Any, TypeVar

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.environments.lightning import LightningEnvironment
from torch import nn

from archbench._declarations import Architecture, Task, TaskInfo, convert_options, resolve
from archbench._errors import PluginError
from archbench._planning import Device, Job
from archbench._plugins import Registered, load_source
from archbench._records import Component, Curves, Pairing, Record, Resources, Scores, Status, Training
from archbench._selection import make_task
from archbench._training._augmentation import Augmented
from archbench._training._causality import asks_for_next, refuse_foresight
from archbench._training._measure import count_flops, count_parameters, describe_environment, peak_memory, resident_peak
from archbench._training._module import DivergedError, TrialModule
from archbench._training._order import BatchOrder, TimedOrder
from archbench._training._pairing import HASHED_BATCHES, hash_first_batches, hash_splits
from archbench._training._schedule import TrainingClock
from archbench._training._split_checks import check_splits
from archbench._training._splits import EvaluationBatches, pad_in_front
from archbench._training._streaming import memory_of
from archbench._training._streams import seed_globals, stream_seed

Item = TypeVar("Item", Architecture, Task)


def run_trial(job: Job) -> Record:
    """Train once and say what came of it.

    Every ending that leaves this process alive becomes a record: `ok`, `diverged`, `oom` or `failed`. Call it
    once per process: it sets the threads and the global random state.

    Args:
        job: the trial, its plugins and its device.
    """
    run = _Run(job)
    try:
        run.prepare()
        run.train()
        status, message, detail = run.verdict()
    except DivergedError as error:
        status, message, detail = "diverged", str(error), ""
    except (torch.OutOfMemoryError, MemoryError) as error:
        status, message, detail = "oom", _one_line(error), traceback.format_exc()
    except (Exception, SystemExit) as error:
        oom = "DefaultCPUAllocator" in str(error)  # torch's allocator of host memory raises a plain RuntimeError
        status, message, detail = "oom" if oom else "failed", _one_line(error), traceback.format_exc()
    return run.record(status, message, detail)


class _Run:
    """The state of one trial, so that a record can be written whatever was reached."""

    def __init__(self, job: Job) -> None:
        self.job, self.trial = job, job.trial
        self.clock = job.handed_over or time.monotonic()
        self.started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.memory_before = resident_peak()
        self.pairing: Pairing | None = None
        self.parameters: int | None = None
        self.flops: int | None = None
        self.module: TrialModule | None = None

    def prepare(self) -> None:
        """Load the plugins and the data, build the network."""
        job, trial = self.job, self.trial
        if job.device.kind == "cuda":
            os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # else matrix products are not repeatable
        torch.set_num_threads(job.device.threads)
        if job.device.kind == "cuda":
            torch.cuda.set_device(job.device.index)
            # By default convolutions would round to 10 bits and linear layers not: other arithmetic by architecture.
            torch.backends.cudnn.allow_tf32 = False
            torch.backends.cuda.matmul.allow_tf32 = False
        self.device = (
            torch.device(job.device.kind, job.device.index) if job.device.kind == "cuda" else torch.device("cpu")
        )
        task = _task(job)
        architecture = _only(
            load_source(job.architecture_source, job.architecture_origin).architectures, trial.architecture
        )
        task_options = convert_options(task, trial.task.options)
        info = self.info = task.describe(task_options)
        declared = resolve(task.load)(task_options, stream_seed(trial, "splits"))
        splits = check_splits(declared, task, info, memory_of(self.device))
        self.examples = len(splits["train"])
        self.steps = trial.steps(info.kind, self.examples)
        known = self.steps or HASHED_BATCHES  # the stream of batches is the same however long it is
        order = self._batch_order(known, trial.protocol.validations if self.steps else 1)
        self.pairing = Pairing(splits=hash_splits(splits), batches=hash_first_batches(splits["train"], order))
        network = self._build(architecture, info)
        if not architecture.takes_lengths:  # after the hashes: they are of the data, whoever gets them
            splits = {name: pad_in_front(split, info) for name, split in splits.items()}
        self.splits = {name: split.to(self.device) for name, split in splits.items()}
        self.flops = count_flops(network.to(self.device), *self.splits["train"].arguments(slice(1)))
        self.module = TrialModule(
            network,
            task,
            info,
            recipe=trial.settings,
            steps=self.steps,
            seconds=trial.seconds,
            splits=self.splits,
            train=self._augmented(task),
            clock_start=self.clock,
            stop_at_target=trial.protocol.stop_at_target,
        )
        self.order = order if self.steps else self._timed_order(self.module.clock)
        self._refuse_foresight()

    def _refuse_foresight(self) -> None:
        """Before training, so that nothing is wasted, and after it, since what is closed at first may have opened."""
        assert self.module is not None
        split, first = self.splits["train"], slice(min(4, self.examples))
        arguments, targets = split.arguments(first), split.targets[first]
        if asks_for_next(arguments[0], targets, self.info):
            refuse_foresight(self.module.network, arguments, self.info)

    def _batch_order(self, steps: int, chunks: int) -> BatchOrder:
        trial = self.trial
        seed = stream_seed(trial, "order")
        return BatchOrder(self.examples, trial.batch_size, steps=steps, chunks=chunks, seed=seed)

    def _timed_order(self, clock: TrainingClock) -> TimedOrder:
        trial = self.trial
        seed, chunks = stream_seed(trial, "order"), trial.protocol.validations
        return TimedOrder(self.examples, trial.batch_size, chunks=chunks, clock=clock, seed=seed)

    def _augmented(self, task: Task) -> Augmented | None:
        if task.augment is None or not self.trial.protocol.augment:
            return None
        return Augmented(self.splits["train"], resolve(task.augment), stream_seed(self.trial, "augmentation"))

    def _build(self, architecture: Architecture, info: TaskInfo) -> nn.Module:
        seed_globals(stream_seed(self.trial, "weights"))
        network = resolve(architecture.build)(info, convert_options(architecture, self.trial.architecture.options))
        if not isinstance(network, nn.Module):
            raise TypeError(f"build returned {type(network).__name__}, not a torch.nn.Module")
        self.parameters = count_parameters(network)
        if self.parameters == 0:
            raise ValueError("the network has no trainable parameters")
        return network

    def train(self) -> None:
        """Fit, then read the test split once, and in a tuning trial not at all."""
        assert self.module is not None
        seed_globals(stream_seed(self.trial, "noise"))
        trainer = make_trainer(self.job.device)
        validation = EvaluationBatches(self.splits["validation"], "validation", self.info)
        with warnings.catch_warnings():
            # Lightning advises DataLoader workers for data that already lies on the device.
            warnings.filterwarnings("ignore", module=r"lightning\.")
            trainer.fit(self.module, self.order, validation)
            if trainer.interrupted:
                raise SystemExit("interrupted")
            self._refuse_foresight()
            if self.trial.tuning:  # to choose, validation must do
                return
            trainer.test(self.module, EvaluationBatches(self.splits["test"], "test", self.info), verbose=False)

    def verdict(self) -> tuple[Status, str, str]:
        """`ok` only if every score is finite."""
        assert self.module is not None
        values = [*self.module.scores.values(), *self.module.validations]
        if all(math.isfinite(value) for value in values):
            return "ok", "", ""
        return "diverged", "a validation or test score is not finite", ""

    def record(self, status: Status, message: str, detail: str) -> Record:
        """What was reached, as a record."""
        ok = status == "ok"
        return self.job.record(
            status,
            message,
            detail=detail,
            started=self.started,
            scores=self._scores() if ok and not self.trial.tuning else None,
            curves=self._curves() if ok else None,
            training=self._training() if self.module is not None and self.module.steps else None,
            resources=self._resources(),
            pairing=self.pairing,
            environment=describe_environment(self.job.device),
        )

    def _scores(self) -> Scores:
        assert self.module is not None
        losses = torch.cat(self.module.losses)
        step, _ = self.module.selected
        best = max if self.module.task.higher_is_better else min
        return Scores(
            test=self.module.scores["selected"],
            test_last=self.module.scores["last"],
            validation=best(self.module.validations),
            selected_step=step,
            train_loss=float(losses[-max(1, len(losses) // 10) :].mean()),
        )

    def _curves(self) -> Curves:
        module = self.module
        assert module is not None
        total = [sum(module.seconds[: i + 1]) for i in range(len(module.seconds))]
        return Curves(
            step=module.steps,
            train_loss=[float(chunk.mean()) for chunk in module.losses],
            validation=module.validations,
            seconds=[round(value, 4) for value in total],
        )

    def _training(self) -> Training:
        module = self.module
        assert module is not None
        at = module.reached
        stopped = at is not None and module.stop_at_target
        return Training(
            track=self.trial.protocol.track,
            recipe=self.trial.settings,
            batch_size=self.trial.batch_size,
            examples=self.examples,
            planned_steps=self.steps,
            steps=module.steps[-1],
            stopped="target" if stopped else "budget",
            target=module.task.target,
            steps_to_target=None if at is None else module.steps[at],
            seconds_to_target=None if at is None else sum(module.seconds[: at + 1]),
        )

    def _resources(self) -> Resources:
        module, device = self.module, self.job.device
        if module is None or not module.steps:
            return Resources(parameters=self.parameters, flops=self.flops)
        sizes = [end - start for start, end in zip([0, *module.steps], module.steps, strict=False)]
        step = statistics.median(seconds / size for seconds, size in zip(module.seconds, sizes, strict=True))
        return Resources(
            parameters=self.parameters,
            flops=self.flops,
            step_seconds=step,
            samples_per_second=self.trial.batch_size / step,
            train_seconds=sum(module.seconds),
            total_seconds=time.monotonic() - self.clock,
            first_step_seconds=module.first_step_seconds,
            peak_memory_bytes=peak_memory(device, self.memory_before),
        )


def make_trainer(device: Device) -> pl.Trainer:
    """A Trainer that only trains: no logger, checkpoint, bar or summary, and no guess about the cluster."""
    logging.getLogger("lightning.pytorch").setLevel(logging.WARNING)  # no banner in the log of every trial
    cuda = device.kind == "cuda"
    return pl.Trainer(
        accelerator="gpu" if cuda else "cpu",
        devices=[device.index] if cuda else 1,
        # Without this, Lightning under a batch scheduler would install handlers that requeue the whole suite.
        plugins=[LightningEnvironment()],
        deterministic="warn" if cuda else False,
        max_epochs=1,
        val_check_interval=1,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def _task(job: Job) -> Task:
    plugins = load_source(job.task_source, job.task_origin)
    if job.own_data is None:
        return _only(plugins.tasks, job.trial.task)
    for candidate in plugins.readers:
        if candidate.item.scheme == job.own_data.scheme:
            _check_unchanged(candidate, job.trial.task)
            return make_task(candidate.item, job.own_data)
    raise PluginError(f"{job.trial.task.provider} no longer reads {job.own_data.scheme!r}")


def _only(registered: Sequence[Registered[Item]], wanted: Component) -> Item:
    for candidate in registered:
        if candidate.item.name == wanted.name:
            _check_unchanged(candidate, wanted)
            return candidate.item
    raise PluginError(f"{wanted.provider} no longer provides {wanted.name!r}")


def _check_unchanged(candidate: Registered[Any], wanted: Component) -> None:
    if candidate.fingerprint != wanted.fingerprint:
        raise PluginError(f"{wanted.provider} was changed after this run began; start the run again")


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}"[:500] if text else type(error).__name__
