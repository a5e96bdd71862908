"""`run_together`: several seeds of a cell as one batched network, in this process; a record for each.

Every seed has its own data, order, augmentation and start. All networks take a step at once; between two chunks of
steps each gets its weights and is validated by itself, as in a trial of its own, and at the end each is tested.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.utilities.exceptions import SIGTERMException
from torch import Tensor

from archbench._planning import Job
from archbench._records import Record
from archbench._training._keeping import keep_network
from archbench._training._module import DivergedError, TrialModule
from archbench._training._optimizers import make_optimizer
from archbench._training._order import BatchOrder
from archbench._training._record_fields import one_line
from archbench._training._recorded import RecordedSteps, Taken
from archbench._training._runner import record_of
from archbench._training._splits import ResidentSplit
from archbench._training._stack import NotTogetherError, Stack, compare, make_step, stack_batches
from archbench._training._stack_gain import measure_gain
from archbench._training._streaming import Batch
from archbench._training._trainer import make_trainer, telling_at_the_end
from archbench._training._trial_run import Report, TrialRun

LOSSES = ("cross_entropy", "mean_squared_error")
"""Losses that are known seed by seed."""
LEAST_GAIN = 1.1
"""How many times as fast seeds must be together, so that the noise of the probe cannot make them slower."""


def run_together(
    jobs: Sequence[Job],
    shared: Path | None = None,
    report: Report = lambda progress: None,
    *,
    networks: Path | None = None,
    on_faster: Callable[[float], None] = lambda factor: None,
) -> list[Record]:
    """Train the seeds of a cell together, and return the records of those that ended `ok` or `diverged`.

    The others have to be trained one by one, and end as ever; after SIGTERM all have.

    Args:
        jobs: differ in the seed of their trial.
        shared, report, networks: as for `run_trial`.
        on_faster: is told how many times as many steps per second they take together, before they train.

    Raises:
        NotTogetherError: they have to be trained one by one; nothing was trained.
    """
    runs = [TrialRun(job, shared, report) for job in jobs]
    with _as_refusal():
        for run in runs:
            run.seeds_together = len(runs)
            run.prepare()
        training = JointTraining(runs)
        on_faster(training.probe())
        try:
            training.carry_out()
        except SIGTERMException:
            return []
    records = []
    for run, error in zip(runs, training.errors, strict=True):
        record = record_of(run, partial(_raise, error), run.test)
        if record.status in ("ok", "diverged"):
            records.append(record if networks is None else keep_network(run.job, record, _module(run), networks))
    return records


@contextlib.contextmanager
def _as_refusal() -> Iterator[None]:
    """Turn whatever goes wrong into a refusal: alone, a trial that is to blame ends with its own record."""
    try:
        yield
    except NotTogetherError:
        raise
    except (Exception, SystemExit) as error:
        raise NotTogetherError(f"together they failed: {one_line(error)}") from error


def _raise(error: Exception | None) -> None:
    if error is not None:
        raise error


def _module(run: TrialRun) -> TrialModule:
    assert run.module is not None
    return run.module


class JointTraining(pl.LightningModule):
    """The training of several trials that are prepared. As in `TrialModule`, Lightning hands over a chunk of steps.

    Args:
        runs: the trials.

    Attributes:
        errors: how the training of each seed ended early; None where it did not.

    Raises:
        NotTogetherError: they differ in more than their numbers, or their protocol needs trials of their own.
    """

    def __init__(self, runs: Sequence[TrialRun]) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.runs = runs
        self.modules_of_seeds = [_module(run) for run in runs]
        self.errors: list[Exception | None] = [None] * len(runs)
        self.recorded: RecordedSteps | None = None
        if reason := _refuse(runs):
            raise NotTogetherError(reason)

    @property
    def first(self) -> TrialModule:
        """The module of the first seed."""
        return self.modules_of_seeds[0]

    def probe(self) -> float:
        """Return how many times as many steps per second the seeds take together as one by one.

        Raises:
            NotTogetherError: they would be slower, or torch cannot batch their networks.
        """
        networks = [module.network for module in self.modules_of_seeds]
        chunk = next(iter(_JointOrder([run.order for run in self.runs])))  # (S, steps, batch)
        index = chunk[:, 0].to(self.first.splits["train"].targets.device)
        arguments, targets = self._fetch(index)
        loss, control = str(self.first.task.loss), self.first.loss
        compare(networks, arguments, targets, loss=loss, control=control)
        factor = measure_gain(self.first, Stack(networks, loss), index, self._fetch)
        if factor < LEAST_GAIN:
            raise NotTogetherError(f"together they take {factor:.2g} times as many steps per second")
        return factor

    def carry_out(self) -> None:
        """Train all seeds; whoever diverges goes on unseen."""
        run = self.runs[0]
        trainer = make_trainer(run.job.device)
        self.stack = Stack([module.network for module in self.modules_of_seeds], str(self.first.task.loss))
        for module in self.modules_of_seeds:
            module.trainer = trainer
        with telling_at_the_end(self._tell), warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"lightning\.")  # as in a trial of its own
            trainer.fit(self, _JointOrder([run.order for run in self.runs]))
        if trainer.interrupted:
            raise SystemExit("interrupted")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Return the optimiser of the recipe over the stacked weights: all its rules work number by number."""
        return make_optimizer(self.stack.network, self.first.recipe)

    def training_step(self, chunk: Tensor, chunk_index: int) -> None:
        """Take the steps of one chunk, (S, steps, batch) indices."""
        optimizer: Any = self.optimizers(use_pl_optimizer=False)
        modules = self.modules_of_seeds
        done = modules[0].steps[-1] if modules[0].steps else 0
        losses: list[Tensor] = []
        for module in modules:
            module.running = losses
        start = self.first._now()
        for offset, (loss, _) in enumerate(self._take_steps(optimizer, chunk, done)):
            losses.append(loss)
            if not done + offset:
                self._note_first_step()
        seconds = (self.first._now() - start) / len(modules)
        self.stack.write_to([module.network for module in modules])
        self._end_chunk(torch.stack(losses, 1).cpu(), seconds, done + len(losses))

    def _take_steps(self, optimizer: torch.optim.Optimizer, chunk: Tensor, done: int) -> Iterator[Taken]:
        """Take the steps of a chunk, (S, steps, batch) indices, and yield the losses of each, (S,)."""
        if self.first.recorder is not None and self.recorded is None:
            obstacles = [module.obstacle(optimizer) for module in self.modules_of_seeds]
            self.recorded = None if any(obstacles) else self._make_recorded(optimizer)
            self._note_graph(next(filter(None, obstacles), ""))
        rates = self.first.rates[done : done + chunk.shape[1]]
        if self.recorded is not None:
            yield from self.recorded.run(chunk.transpose(0, 1), rates)
            self._note_graph(self.recorded.verdict)
            return
        step = make_step(self.stack, optimizer, self.first.recipe.clip_norm)
        streams = [module.train_split.batches(rows) for module, rows in zip(self.modules_of_seeds, chunk, strict=True)]
        for batches, rate in zip(zip(*streams, strict=True), rates, strict=True):
            yield step(*stack_batches(batches), rate), None

    def _make_recorded(self, optimizer: torch.optim.Optimizer) -> RecordedSteps:
        step = make_step(self.stack, optimizer, self.first.recipe.clip_norm)
        recorder = self.first.recorder
        assert recorder is not None
        return RecordedSteps(
            lambda *batch_and_rate: (step(*batch_and_rate), None),
            self._fetch,
            recorder,
            network=self.stack.network,
            optimizer=optimizer,
        )

    def _fetch(self, index: Tensor) -> Batch:
        """Return a batch of each seed, given their indices, (S, batch)."""
        rows = zip(self.modules_of_seeds, index.unbind(), strict=True)
        arguments, targets = stack_batches([next(module.splits["train"].batches([row])) for module, row in rows])
        return tuple(arguments), targets

    def on_train_end(self) -> None:
        """Give back the memory of a recording."""
        self.recorded = None

    def _note_graph(self, verdict: str) -> None:
        for module in self.modules_of_seeds:
            module.cuda_graph = verdict

    def _note_first_step(self) -> None:
        for module in self.modules_of_seeds:
            module.first_step_seconds = module._now() - module.clock_start

    def _end_chunk(self, losses: Tensor, seconds: float, done: int) -> None:
        """Note the losses of a chunk, (S, steps), for each seed, and which seeds diverged in it."""
        for number, module in enumerate(self.modules_of_seeds):
            module.running = []
            if self.errors[number] is not None:
                continue
            before = module.steps[-1] if module.steps else 0
            module.seconds.append(seconds)
            module.steps.append(done)
            module.losses.append(losses[number])
            module.penalties.end_chunk(len(losses[number]))
            try:
                module._stop_if_diverged(before)
            except DivergedError as error:
                self.errors[number] = error

    def on_train_batch_end(self, outputs: Any, chunk: Tensor, chunk_index: int) -> None:
        """Validate the seeds that have not diverged, each as in a trial of its own."""
        alive = [number for number, error in enumerate(self.errors) if error is None]
        for number in alive:
            self.modules_of_seeds[number].on_train_batch_end(outputs, chunk, chunk_index)
            self.runs[number].tell()
        if not alive:
            self.trainer.should_stop = True

    def _tell(self) -> None:
        for run in self.runs:
            run.tell()


def _refuse(runs: Sequence[TrialRun]) -> str:
    """Return why these trials cannot share their steps, whatever their networks are; empty if they can."""
    first = runs[0]
    protocol = first.trial.protocol
    if protocol.seconds is not None:
        return "the budget of their protocol is a time"
    if protocol.stop_at_target:
        return "their protocol ends a trial at a target"
    if protocol.precision != "32":
        return "their protocol has another precision than float32"
    if protocol.probes is not None and not first.trial.tuning:
        return "their protocol measures with probes"
    if _module(first).task.loss not in LOSSES or _module(first).task.missing_targets:
        return f"the loss of the task is none of {' and '.join(LOSSES)} over all targets"
    if _module(first).published is not None:
        return "their recipe brings an optimiser, a schedule or an average of its own"
    if any(not isinstance(run.splits["train"], ResidentSplit) for run in runs):
        return "their inputs are streamed"
    shapes = {
        (run.steps, run.examples, *(tensor.shape[1:] for tensor in run.splits["train"].tensors()))  # type: ignore[union-attr]
        for run in runs
    }
    return "their splits differ in size" if len(shapes) > 1 else ""


class _JointOrder:
    """The order of each seed side by side: index tensors (S, steps in the chunk, batch)."""

    def __init__(self, orders: Sequence[Any]) -> None:
        self.orders: list[BatchOrder] = list(orders)

    def __len__(self) -> int:
        return len(self.orders[0])

    def __iter__(self) -> Iterator[Tensor]:
        return (torch.stack(chunks) for chunks in zip(*self.orders, strict=True))
