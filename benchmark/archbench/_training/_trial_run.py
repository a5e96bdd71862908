"""`TrialRun`: one trial under way, from its job to what can be recorded of it, in this process."""

from __future__ import annotations

import datetime
import functools
import itertools
import math
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn

from archbench._declarations import Architecture, Task, TaskInfo, convert_options, resolve
from archbench._planning import Job
from archbench._protocols import Probes
from archbench._records import Pairing, Progress, Record, Resources, Status, Training
from archbench._training._augmentation import Augmented
from archbench._training._causality import asks_for_next, refuse_foresight
from archbench._training._checkpoint import Checkpoint, State
from archbench._training._cuda_graph import recorder_of
from archbench._training._declared import check_declared
from archbench._training._extending import Extension
from archbench._training._joining import make_trainer_for
from archbench._training._loading import load_additions, load_architecture, load_task, refuse_edits
from archbench._training._measure import count_flops, count_parameters, describe_environment, resident_peak
from archbench._training._module import TrialModule
from archbench._training._order import BatchOrder, TimedOrder
from archbench._training._pairing import HASHED_BATCHES, hash_first_batches, hash_splits
from archbench._training._precision import arithmetic
from archbench._training._probes import Prober
from archbench._training._record_fields import (
    add_costs,
    add_data_facts,
    describe_predictions,
    describe_training,
    make_curves,
    make_point,
    make_progress,
    make_scores,
)
from archbench._training._schedule import TrainingClock
from archbench._training._sharded import make_module
from archbench._training._shared_splits import load_shared
from archbench._training._split_checks import check_splits
from archbench._training._splits import EvaluationBatches, Split, pad_in_front
from archbench._training._streaming import memory_of
from archbench._training._streams import seed_globals, stream_seed
from archbench._training._trainer import set_up_device, telling_at_the_end

Report = Callable[[Progress], None]


class TrialRun:
    """One trial under way. It keeps all that was reached, so that every ending can be recorded.

    Attributes:
        module: the network and its training; None until `prepare` has built them.
        info: shapes and kinds of the data.
        examples: size of the training split.
        steps: the budget in steps; None where it is a time.
        splits: the splits on the device, by name.
        order: the indices of the examples of each step.
        prober: the probes of the trial; None for none, and until the network is there.
        pairing: hashes of the data; None until they are loaded.
        parameters, flops: size of the network; None until it is measured.
        checkpoint: keeps the state of the training; None where nothing is kept.
        extension: the states of shorter trainings; None where none is gone on from.
        resumed_at: the steps from which the training went on.
        facts: facts about the task, with those that only its data tell once they are loaded.
        seeds_together: seeds that are trained as one batched network, this one included.
    """

    def __init__(self, job: Job, shared: Path | None = None, report: Report = lambda progress: None) -> None:
        self.job, self.trial, self.shared, self.report = job, job.trial, shared, report
        self.clock = job.handed_over or time.monotonic()
        self.started = datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
        self.memory_before = resident_peak()
        self.pairing: Pairing | None = None
        self.facts = job.task_facts
        self.parameters: int | None = None
        self.flops: int | None = None
        self.module: TrialModule | None = None
        self.prober: Prober | None = None
        self.checkpoint: Checkpoint | None = None
        self.extension: Extension | None = None
        self.resumed_at: list[int] = []
        self.seeds_together = 1

    def prepare(self) -> None:
        """Load plugins and data, and build the network."""
        trial = self.trial
        device = set_up_device(self.job.device, trial.protocol.precision)
        task, architecture = load_task(self.job), load_architecture(self.job)
        splits = self._load_splits(task, device)
        network = self._build(architecture, self.info)
        refuse_edits(self.job)
        if not architecture.takes_lengths:  # after the hashes, which must not depend on the network
            splits = {name: pad_in_front(split, self.info) for name, split in splits.items()}
        self.splits = {name: split.to(device) for name, split in splits.items()}
        network = network.to("cpu" if self.job.device.sharded else device)  # whole, it may not fit on one GPU
        self.flops = count_flops(network, *_beside(network, self.splits["train"].arguments(slice(1))))
        self.module = make_module(
            self.job,
            network,
            task,
            self.info,
            recipe=trial.settings,
            steps=self.steps,
            seconds=trial.seconds,
            splits=self.splits,
            train=self._augmented(task),
            clock_start=self.clock,
            stop_at_target=trial.protocol.stop_at_target,
            validation=EvaluationBatches(self.splits["validation"], "validation", self.info),
            published=load_additions(self.job, architecture),
        )
        if not self.job.device.sharded:
            self.module.to(device)  # a loss may have tensors, and probes call it before Lightning moves it
        if self.job.rank is None:  # ranks wait for each other in every step
            self.module.recorder = recorder_of(device)
        self.order = self._batch_order() if self.steps else self._timed_order(self.module.clock)
        self._refuse_foresight()
        if trial.protocol.probes is not None and not trial.tuning:
            self.prober = self._make_prober(trial.protocol.probes, self.module)

    def _make_prober(self, probes: Probes, module: TrialModule) -> Prober:
        test = EvaluationBatches(self.splits["test"], "test", self.info)
        return Prober(
            probes,
            network=module.network,
            loss=module.objective,
            split=self.splits["train"],
            info=self.info,
            ends=list(itertools.accumulate(self.order.sizes)) if isinstance(self.order, BatchOrder) else [],
            seed=stream_seed(self.trial, "probes"),
            score=lambda network: module.score_network(network, test),
            evaluated=module.evaluated,
        )

    def _load_splits(self, task: Task, device: torch.device) -> dict[str, Split]:
        """Return the splits in host memory, and keep the hashes that prove which data they are."""
        trial = self.trial
        options = convert_options(task, trial.task.options)
        self.info = task.describe(options)
        seed, memory = stream_seed(trial, "splits"), memory_of(device)

        def make() -> dict[str, Split]:
            return check_splits(resolve(task.load)(options, seed), task, self.info, memory)

        splits = (self.shared and load_shared(self.shared, self.job, seed, make)) or make()
        self.examples = len(splits["train"])
        self.steps = trial.steps(self.info.kind, self.examples)
        order = self._batch_order()
        self.pairing = Pairing(splits=hash_splits(splits), batches=hash_first_batches(splits["train"], order))
        self.facts = add_data_facts(self.job, splits, task, self.info)
        check_declared(task, self.info, splits["train"].targets)
        return splits

    def _batch_order(self) -> BatchOrder:
        trial, seed = self.trial, stream_seed(self.trial, "order")
        # For a budget in seconds these are only the batches to hash: the stream begins alike however long it is.
        steps, chunks = (self.steps, trial.protocol.validations) if self.steps else (HASHED_BATCHES, 1)
        return BatchOrder(self.examples, trial.batch_size, steps=steps, chunks=chunks, seed=seed)

    def _timed_order(self, clock: TrainingClock) -> TimedOrder:
        trial, seed = self.trial, stream_seed(self.trial, "order")
        return TimedOrder(self.examples, trial.batch_size, chunks=trial.protocol.validations, clock=clock, seed=seed)

    def _augmented(self, task: Task) -> Augmented | None:
        if task.augment is None or not self.trial.protocol.augment:
            return None
        return Augmented(self.splits["train"], resolve(task.augment), stream_seed(self.trial, "augmentation"))

    def _build(self, architecture: Architecture, info: TaskInfo) -> nn.Module:
        seed_globals(stream_seed(self.trial, "weights"))
        options = convert_options(architecture, self.trial.architecture.options)
        network = resolve(architecture.build)(*architecture.arguments(info, options))
        if not isinstance(network, nn.Module):
            raise TypeError(f"build returned {type(network).__name__}, not a torch.nn.Module")
        self.parameters = count_parameters(network)
        if self.parameters == 0:
            raise ValueError("the network has no trainable parameters")
        return network

    def _refuse_foresight(self) -> None:
        """Raise if the network sees the answers that it is asked for.

        Called before training, so that no training is wasted, and after it, because a gate that is closed at first
        may have opened.
        """
        assert self.module is not None
        split, first = self.splits["train"], slice(min(4, self.examples))
        arguments, targets = split.arguments(first), split.targets[first]
        if asks_for_next(arguments[0], targets, self.info):
            network = self.module.network
            refuse_foresight(network, _beside(network, arguments), self.info)

    def train(self) -> None:
        """Train, then score the test split once; a tuning trial never reads it."""
        with arithmetic(self.trial.protocol.precision, torch.device(self.job.device.kind)):
            self._fit()
            self.test()

    def _fit(self) -> None:
        assert self.module is not None
        seed_globals(stream_seed(self.trial, "noise"))
        trainer = make_trainer_for(self.job)
        self.module.after_validation = self._after_validation
        order = self._take_up(self.module)
        with telling_at_the_end(self.tell), warnings.catch_warnings():
            # Lightning advises DataLoader workers for data that already lies on the device.
            warnings.filterwarnings("ignore", module=r"lightning\.")
            trainer.fit(self.module, order)
        if trainer.interrupted:
            raise SystemExit("interrupted")

    def test(self) -> None:
        """Score the test split with a trained network; the last of the trial."""
        assert self.module is not None
        self.module.to(self.splits["train"].targets.device)  # Lightning leaves it on the CPU
        self._refuse_foresight()
        if not self.trial.tuning:  # a candidate is chosen by its validation scores
            self.module.score(EvaluationBatches(self.splits["test"], "test", self.info))
        if self.prober is not None:
            self.prober.finish(self.module.steps[-1])

    def _take_up(self, module: TrialModule) -> BatchOrder | TimedOrder:
        """Return the chunks to train: after the state of this trial, else of a shorter one, else all of them."""
        state = None if self.checkpoint is None else self.checkpoint.take_up(self.prober)
        if state is None and self.prober is not None:
            self.prober.before()
        if state is None and self.extension is not None and isinstance(self.order, BatchOrder):
            state = self.extension.take_up(self.order)
        if state is None:
            return self.order
        self.resumed_at = [*state.progress.resumed_at, state.step]
        if self.checkpoint is not None:
            self.checkpoint.resumed_at = self.resumed_at
        module.before_training = functools.partial(self._restore, state)
        return self.order.after(state.chunks, state.step)

    def _restore(self, state: State, module: TrialModule) -> None:
        """Put a state back, and report its points: what an earlier process reported is gone with it."""
        state.restore(module)
        progress = msgspec.structs.replace(self._progress(module), needed=None)
        for at in range(state.chunks):
            self.report(msgspec.structs.replace(progress, point=make_point(module, at)))

    def _after_validation(self, step: int) -> None:
        self.tell()
        if self.prober is not None:
            self.prober.after(step)
        module = self.module
        assert module is not None
        at_the_end = step == self.steps or module.trainer.should_stop
        if self.checkpoint is not None and not at_the_end:  # nothing would go on from the end
            self.checkpoint.save_when_due(module, self.prober)
        if self.extension is not None and step == self.steps:
            self.extension.keep(module)

    def tell(self) -> None:
        """Report how far the training has got, once it has begun."""
        module = self.module
        if module is not None and module.done:
            self.report(self._progress(module))

    def _progress(self, module: TrialModule) -> Progress:
        return make_progress(
            module, self.trial, examples=self.examples, planned_steps=self.steps, resumed_at=self.resumed_at
        )

    def verdict(self) -> tuple[Status, str, str]:
        """Return status, message and detail of a finished training: `ok` only if every score is finite."""
        assert self.module is not None
        values = [*self.module.scores.values(), *self.module.validations]
        if all(math.isfinite(value) for value in values):
            return "ok", "", ""
        return "diverged", "a validation or test score is not finite", ""

    def record(self, status: Status, message: str, detail: str) -> Record:
        """Return the record of what was reached.

        Args:
            status: how the trial ended.
            message: one line for people; empty for `ok`.
            detail: the traceback, if there is one.
        """
        module, trial = self.module, self.trial
        finished = module if status == "ok" else None
        begun = module if module is not None and module.done else None
        trained = module if module is not None and module.steps else None
        size = Resources(parameters=self.parameters, flops=self.flops)
        return self.job.record(
            status,
            message,
            detail=detail,
            started=self.started,
            scores=make_scores(finished) if finished is not None and not trial.tuning else None,
            curves=make_curves(begun) if begun is not None else None,
            training=self._training(begun) if begun is not None else None,
            resources=self._with_costs(size, trained) if trained is not None else size,
            pairing=self.pairing,
            environment=describe_environment(
                self.job.device,
                seeds_together=self.seeds_together,
                cuda_graph="" if module is None else module.cuda_graph,
            ),
            task_facts=self.facts,
            **(describe_predictions(finished) if finished is not None and not trial.tuning else {}),
            readings=self.prober.readings if self.prober is not None else [],
        )

    def _training(self, module: TrialModule) -> Training:
        return describe_training(
            module, self.trial, examples=self.examples, planned_steps=self.steps, resumed_at=self.resumed_at
        )

    def _with_costs(self, size: Resources, module: TrialModule) -> Resources:
        return add_costs(
            size,
            module,
            batch_size=self.trial.batch_size,
            device=self.job.device,
            clock=self.clock,
            seeds_together=self.seeds_together,
            memory_before=self.memory_before,
        )


def _beside(network: nn.Module, arguments: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return arguments on the device on which a network is."""
    place = next(network.parameters()).device
    return tuple(argument.to(place) for argument in arguments)
