"""Seconds of a training step: ours, and those of loops that people write by hand, on the same network and data."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, repeat
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from archbench._planning import Device, PlannedTrial
from archbench._training._backends import wait_for
from archbench._training._module import TrialModule
from archbench._training._order import BatchOrder
from archbench._training._schedule import learning_rates
from archbench._training._splits import ResidentSplit
from archbench._training._trainer import make_trainer
from archbench._training._trial_run import TrialRun
from support.speed.rows import Row, in_pairs, ratio

CHUNKS = 6
BATCH = 32
WORK = {("mlp", "digits"): 480, ("lstm", "adding"): 90, ("resnet-20", "digits"): 60}
"""Steps of a measurement for each network and task; a sixth of them warms up and is not counted."""

Batch = tuple[tuple[Tensor, ...], Tensor]


CPU = Device(kind="cpu", threads=1)


def prepared(planned: PlannedTrial, device: Device = CPU) -> TrialRun:
    """Return a trial with its data and network at hand, by default on one thread of a CPU."""
    run = TrialRun(planned.job(device))
    run.prepare()
    return run


class TimedOrder:
    """A batch order that notes the time at which each chunk is asked for."""

    def __init__(self, order: BatchOrder) -> None:
        self.order, self.times = order, []

    def __len__(self) -> int:
        return len(self.order)

    def __iter__(self) -> Iterator[Tensor]:
        for chunk in self.order:
            self.times.append(time.perf_counter())
            yield chunk


def by_chunks(run: TrialRun, order: Any, steps: int) -> None:
    """Train the network of a trial as the suite does, without validations."""
    module = TrialModule(
        run.module.network,
        run.module.task,
        run.info,
        recipe=run.trial.settings,
        steps=steps,
        splits=run.splits,
        clock_start=0.0,
    )
    module.recorder = run.module.recorder
    make_trainer(run.job.device).fit(module, order)


def ours(run: TrialRun, steps: int) -> float:
    """Return the seconds per step of the suite's training, with all that Lightning does between the chunks."""
    order = TimedOrder(BatchOrder(len(run.splits["train"]), BATCH, steps=steps, chunks=CHUNKS, seed=0))
    by_chunks(run, order, steps)
    # Lightning asks for each chunk ahead of time, so CHUNKS - 2 whole chunks lie between the second and the last call.
    return (order.times[-1] - order.times[1]) / (steps // CHUNKS * (CHUNKS - 2))


def loss_of(run: TrialRun) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the loss of a task as people write it."""
    if run.module.task.loss == "mean_squared_error":
        return nn.functional.mse_loss
    return lambda logits, targets: nn.functional.cross_entropy(logits.flatten(0, -2), targets.flatten())


def train_by_hand(run: TrialRun, batches: Iterable[Batch], rates: Sequence[float], *, warm_up: int = 0) -> float:
    """Train in a plain PyTorch loop, and return its seconds without those of the first steps."""
    at, criterion = run.splits["train"].targets.device, loss_of(run)
    network = run.module.network.to(at).train()  # Lightning leaves it on the CPU
    parameters = list(network.parameters())
    optimizer = torch.optim.AdamW(parameters, lr=rates[0], weight_decay=run.trial.settings.weight_decay, fused=True)
    start = time.perf_counter()
    for step, ((arguments, targets), rate) in enumerate(zip(batches, rates, strict=False)):
        if step == warm_up:
            wait_for(at)
            start = time.perf_counter()
        loss = criterion(network(*arguments), targets)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(parameters, run.trial.settings.clip_norm)
        optimizer.param_groups[0]["lr"] = rate
        optimizer.step()
    wait_for(at)
    return time.perf_counter() - start


def indexed(split: ResidentSplit, chunks: Iterable[Tensor]) -> Iterator[Batch]:
    """Yield the batches of some chunks, taken from the tensors of a split by their indices."""
    for chunk in chunks:
        for index in chunk.to(split.targets.device):
            yield split.arguments(index), split.targets[index]


def bare(run: TrialRun, steps: int) -> float:
    """Return the seconds per step of a plain loop that takes its batches from tensors."""
    split, warm_up = run.splits["train"], steps // CHUNKS
    batches = indexed(split, BatchOrder(len(split), BATCH, steps=steps, chunks=1, seed=0))
    rates = learning_rates(run.trial.settings, steps)
    return train_by_hand(run, batches, rates, warm_up=warm_up) / (steps - warm_up)


def loader_of(run: TrialRun) -> DataLoader[tuple[Tensor, ...]]:
    """Return the training data behind a DataLoader in this process, shuffled."""
    split = run.splits["train"]
    return DataLoader(TensorDataset(*split.arguments(slice(None)), split.targets), BATCH, shuffle=True)


def with_loader(run: TrialRun, steps: int) -> float:
    """Return the seconds per step of a plain loop that takes its batches from a DataLoader."""
    warm_up = steps // CHUNKS
    batches = ((tuple(inputs), targets) for *inputs, targets in chain.from_iterable(repeat(loader_of(run))))
    rates = learning_rates(run.trial.settings, steps)
    return train_by_hand(run, batches, rates, warm_up=warm_up) / (steps - warm_up)


class Usual(pl.LightningModule):
    """A module as Lightning's guide writes it: automatic optimisation, and a schedule that falls with each step.

    Attributes:
        times: when each step began.
    """

    def __init__(self, run: TrialRun, steps: int) -> None:
        super().__init__()
        self.network, self.criterion = run.module.network, loss_of(run)
        self.rates, self.decay = learning_rates(run.trial.settings, steps), run.trial.settings.weight_decay
        self.times: list[float] = []

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        """Return the loss of a batch."""
        self.times.append(time.perf_counter())
        *inputs, targets = batch
        return self.criterion(self.network(*inputs), targets)

    def configure_optimizers(self) -> Any:
        """Return AdamW and its schedule."""
        optimizer = torch.optim.AdamW(self.parameters(), lr=1.0, weight_decay=self.decay, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: self.rates[min(n, len(self.rates) - 1)])
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def by_lightning(run: TrialRun, steps: int) -> float:
    """Return the seconds per step of Lightning's own loop with a DataLoader; no logger, bar or checkpoint."""
    module, warm_up = Usual(run, steps), steps // CHUNKS
    trainer = pl.Trainer(
        accelerator="gpu" if run.job.device.kind == "cuda" else "cpu", devices=1, max_steps=steps,
        gradient_clip_val=run.trial.settings.clip_norm, logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    trainer.fit(module, loader_of(run))
    return (module.times[-1] - module.times[warm_up]) / (steps - 1 - warm_up)


RIVALS: dict[str, Callable[[TrialRun, int], float]] = {
    "a bare tensor loop": bare,
    "a bare loop with DataLoader": with_loader,
    "default Lightning": by_lightning,
}


def against(run: TrialRun, steps: int, rival: str, count: int) -> Row:
    """Return the row of a step of ours over that of a rival."""
    pairs = in_pairs(lambda: ours(run, steps), lambda: RIVALS[rival](run, steps), count)
    target = {"at_most": 1.0} if rival == "a bare tensor loop" else {}
    trial = run.trial
    work = f"{trial.architecture.label} on {trial.task.label}"
    return ratio(f"a step of {work} over that of {rival}", pairs, work=work, rival=rival, **target)
