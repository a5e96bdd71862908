"""Comparisons of training: chunks of steps, updates, evaluation, shared splits, seeds; each with a plain form."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import msgspec
import torch
from torch import Tensor, nn

from archbench import Record
from archbench._planning import Device, Job
from archbench._protocols import Recipe
from archbench._training import run_trial
from archbench._training._evaluation import evaluating
from archbench._training._optimizers import make_optimizer
from archbench._training._order import BatchOrder
from archbench._training._schedule import learning_rates
from archbench._training._splits import EvaluationBatches
from archbench._training._stack import TOLERANCE
from archbench._training._together import JointTraining
from archbench._training._trial_run import TrialRun
from archbench._training._updates import Updates
from support import house_recipe
from support.equivalence.comparisons import Compared, Comparison
from support.speed.steps import BATCH, WORK, by_chunks, indexed, prepared, train_by_hand
from support.speed.trials import plan

STEPS = {"mlp": 120, "lstm": 30, "resnet-20": 12}
CHUNKS = 4


def weights_after(architecture: str, task: str) -> Compared:
    """Compare the weights after training in chunks with those after a plain loop over the same batches."""
    steps, runs = STEPS[architecture], [prepared(plan(architecture, task)[0]) for _ in range(2)]
    orders = [BatchOrder(len(run.splits["train"]), BATCH, steps=steps, chunks=CHUNKS, seed=0) for run in runs]
    by_chunks(runs[0], orders[0], steps)
    train_by_hand(runs[1], indexed(runs[1].splits["train"], orders[1]), learning_rates(runs[1].trial.settings, steps))
    yield from zip(*(run.module.network.state_dict().values() for run in runs), strict=True)


def updated() -> Compared:
    """Compare weights after 50 clipped updates by fewer calls with those by torch's functions, gradients at random."""
    for changes in ({}, {"optimizer": "adam", "weight_decay": 0.1, "betas": (0.8, 0.95)}, {"clip_norm": 0.001}):
        recipe, networks = house_recipe(**changes), [_small(), _small()]
        updates = Updates(make_optimizer(networks[0], recipe), recipe.clip_norm)
        reference, draw = make_optimizer(networks[1], recipe), torch.Generator().manual_seed(0)
        for _ in range(50):
            for pair in zip(*(network.parameters() for network in networks), strict=True):
                gradient = torch.randn(pair[0].shape, generator=draw)
                for parameter in pair:
                    parameter.grad = gradient.clone()
            updates.clip()
            updates.apply()
            nn.utils.clip_grad_norm_(networks[1].parameters(), recipe.clip_norm)
            reference.step()
        yield from zip(*(network.parameters() for network in networks), strict=True)


def _small() -> nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def evaluated() -> Compared:
    """Compare a validation score, taken in large batches, with a count over single examples."""
    run = prepared(plan("mlp", "digits")[0])
    order = BatchOrder(len(run.splits["train"]), BATCH, steps=120, chunks=1, seed=0)
    train_by_hand(run, indexed(run.splits["train"], order), learning_rates(run.trial.settings, 120))
    module, split, module.steps = run.module, run.splits["validation"], [120]
    with evaluating(module.network):
        module._validate(EvaluationBatches(split, "validation", run.info))
    network = module.network.eval()
    with torch.no_grad():
        right = [int(network(x[None]).argmax()) == y for x, y in zip(split.inputs, split.targets.tolist(), strict=True)]
    yield torch.tensor(module.validations), torch.tensor([sum(right) / len(right)])


def shared(architecture: str, task: str) -> Compared:
    """Compare the numbers of a record whose splits another trial made with those of a trial that makes its own."""
    job = plan(architecture, task, "smoke")[0].job(Device(kind="cpu", threads=1))
    with tempfile.TemporaryDirectory() as folder:
        run_trial(job, Path(folder))  # makes the splits
        records = [run_trial(job, Path(folder)), run_trial(job)]
    yield from zip(*map(_numbers, records), strict=True)


def _numbers(record: Record) -> Iterator[Tensor]:
    assert record.status == "ok", record.detail
    scores = [record.scores.test, record.scores.test_last, record.scores.validation]
    yield torch.tensor(scores, dtype=torch.double)
    for curve in (record.curves.train_loss, record.curves.validation):
        yield torch.tensor(curve, dtype=torch.double)


def together(architecture: str, task: str) -> Compared:
    """Compare the losses and validation scores of seeds as one batched network with those of their own trainings.

    They descend the gradient: Adam would turn the rounding of a gradient that is almost 0 into a whole step.
    """
    jobs = [trial.job(Device(kind="cpu", threads=1)) for trial in plan(architecture, task, "smoke", seeds=3)]
    recipe = house_recipe(optimizer="sgd", momentum=0.9)
    runs, alone = ([TrialRun(_with_recipe(job, recipe)) for job in jobs] for _ in range(2))
    for run in (*runs, *alone):
        run.prepare()
    JointTraining(runs).carry_out()
    for run, other in zip(runs, alone, strict=True):
        other.train()
        yield torch.cat(run.module.losses), torch.cat(other.module.losses)
        yield torch.tensor(run.module.validations), torch.tensor(other.module.validations)


def _with_recipe(job: Job, recipe: Recipe) -> Job:
    protocol = msgspec.structs.replace(job.trial.protocol, recipe=recipe)
    return msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol))


def comparisons() -> Iterator[Comparison]:
    """Yield the comparisons of training; all but those of the evaluation and of seeds together are of equal bits."""
    for architecture, task in WORK:
        yield Comparison(
            "steps in chunks, short clipping and AdamW", "a plain loop with torch's functions",
            "tests/training/test_equivalence.py::test_faster_form_agrees_with_its_control",
            f"weights after {STEPS[architecture]} steps, {architecture} on {task}",
            partial(weights_after, architecture, task),
        )  # fmt: skip
    yield Comparison(
        "Adam and clipping with fewer calls", "`clip_grad_norm_` and `Optimizer.step`",
        "tests/training/test_updates.py::test_same_bits_as_torch", "weights after 50 steps, three recipes", updated,
    )  # fmt: skip
    yield Comparison(
        "evaluation in a plain loop over large batches", "a count, one example after the other",
        "tests/training/test_numbers_by_hand.py::test_each_validation_counts_every_example_of_its_own_weights",
        "accuracy over the validation split, mlp on digits", evaluated, 1e-6,
    )  # fmt: skip
    for architecture, task in (("mlp", "digits"), ("rnn", "adding")):
        yield Comparison(
            "splits that trials share", "a trial that makes its own",
            "tests/training/test_shared_splits.py::test_trials_load_once_and_keep_their_results",
            f"scores and curves of a smoke trial, {architecture} on {task}", partial(shared, architecture, task),
        )  # fmt: skip
    for architecture, task in (("mlp", "digits"), ("rnn", "adding"), ("lstm", "adding"), ("gru", "adding")):
        yield Comparison(
            "seeds of a cell as one batched network", "a training of each seed",
            "tests/training/test_together.py::test_built_ins_agree_in_single_precision",
            f"losses and scores of three seeds, 20 steps of SGD, {architecture} on {task}",
            partial(together, architecture, task), TOLERANCE,
        )  # fmt: skip
