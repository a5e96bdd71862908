"""A trial on several devices that was killed goes on, and ends in the numbers of one that was not."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from archbench._execution import Pool, execute, open_pool
from archbench._planning import Device, PlannedTrial, make_plan
from archbench._plugins import load_plugins
from archbench._protocols import equal_steps, find_protocol
from archbench._records import Record, Store
from archbench._records._network import weights_file
from archbench._selection import select
from support import house_recipe
from support.going_on import EVERY_STREAM, NOISY_TASK, numbers

KILLS_ITSELF = '''
import os, signal
from pathlib import Path

import archbench

RANK = os.environ.get("RANK", "0")

def reach(moment):
    """Be killed, if that is wanted of this rank at this moment, once."""
    place = Path(FOLDER) / f"{RANK} {moment}"
    if place.exists():
        place.unlink()
        os.kill(os.getpid(), signal.SIGKILL)

def told(owner, method):
    whole = getattr(owner, method)

    def tell(*arguments):
        reach(f"before {method}")
        result = whole(*arguments)
        reach(f"after {method}")
        return result

    setattr(owner, method, tell)

def build(task, options):
    from archbench._training import _checkpoint, _ranked, _ranked_checkpoint

    _checkpoint.EVERY = 0.0
    told(_ranked_checkpoint.RankedCheckpoint, "save")
    told(_ranked_checkpoint.RankedCheckpoint, "write")
    told(_ranked.RankedModule, "score")
    (Path(FOLDER) / f"rank-{RANK}.pid").write_text(str(os.getpid()))
    progress = open(Path(FOLDER) / f"rank-{RANK}.progress", "w", buffering=1)
    net = network(task, options)
    done = {True: 0, False: 0}

    def count(module, arguments):
        done[module.training] += 1
        print(file=progress)
        reach(f"{'step' if module.training else 'evaluation'} {done[module.training]}")

    net.register_forward_pre_hook(count)
    return net

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="mine", build=build, inputs=("image",))
'''
SLOW = pytest.mark.slow
Trained = tuple[Record, dict[str, torch.Tensor]]
Train = Callable[..., Trained]


@pytest.fixture(scope="module")
def pool() -> Pool:
    """One worker."""
    return open_pool(device="cpu", workers=1)


@pytest.fixture
def train(pool: Pool, tmp_path: Path) -> Train:
    """Return `train("name")`, which trains on two devices into a folder of this name, from its state if it has one."""
    build = EVERY_STREAM.replace("def build(", "def network(").replace("x.flatten(1)", "x.flatten(1)[:, :64]")
    (tmp_path / "mine.py").write_text(build + KILLS_ITSELF.replace("FOLDER", repr(str(tmp_path))) + NOISY_TASK)
    rules: dict[str, Any] = {"name": "mine", "batch_size": 15, "validations": 6}  # stretches of 7 and of 8 examples

    def planned(task: str, **changes: Any) -> PlannedTrial:
        plugins = load_plugins(files=[tmp_path / "mine.py"])
        (trial,) = make_plan(
            select(["mine"], plugins.architectures, "architecture"),
            select([task], plugins.tasks, "task"),
            protocol=msgspec.structs.replace(find_protocol("smoke"), **{**rules, **changes}),
            seeds=1,
        ).trials
        return trial

    def on_two(name: str, task: str = "digits", *, kind: str = "cpu", sharded: bool = False, **changes: Any) -> Trained:
        store = Store(tmp_path / name)
        two = Pool(pool.launcher, [Device(kind=kind, threads=1, count=2, sharded=sharded)])
        (record,) = execute([planned(task, **changes)], store, two, timeout=120, keep=lambda planned: "last")
        weights = weights_file(store.networks, record.id)
        assert record.status != "ok" or not store.checkpoint(record.id).exists()
        return record, load_file(weights) if weights.exists() else {}

    return on_two


def assert_equal(went_on: Trained, whole: Trained) -> None:
    """Assert that all numbers and all weights are equal to the last bit."""
    assert numbers(went_on[0]) == numbers(whole[0])
    assert went_on[1].keys() == whole[1].keys() != set()
    assert all(torch.equal(went_on[1][name], value) for name, value in whole[1].items())


def test_a_rank_is_killed(train: Train, tmp_path: Path) -> None:
    """A network that draws from every generator goes on bit for bit, and its record says from which step."""
    (tmp_path / "1 step 12").touch()
    killed, _ = train("killed")
    went_on = train("killed")

    assert (killed.status, killed.message[:12]) == ("crashed", "rank 1 of 2:")
    assert went_on[0].training is not None
    assert went_on[0].training.resumed_at == [10]
    assert_equal(went_on, train("whole"))


MOMENTS = [
    ("0 step 1",),  # before there is a state
    ("0 step 8",),
    ("0 step 5", "1 step 5"),
    ("1 evaluation 3",),
    ("0 before save",),
    ("1 before save",),
    ("0 before write",),
    ("0 after write",),
    ("1 after save", "0 after save"),
    ("1 before score",),
]
"""Ranks and moments; those of one line strike together."""


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ranks_are_killed_at_every_moment(train: Train, tmp_path: Path) -> None:
    """Killed in steps, in evaluation, and around writing its state, a trial ends in the record of a whole one."""
    for moment in MOMENTS:
        for name in moment:
            (tmp_path / name).touch()
        killed, _ = train("killed", validations=20)
        assert killed.status == "crashed", moment
        assert not [name for name in moment if (tmp_path / name).exists()]
    went_on = train("killed", validations=20)

    assert went_on[0].training is not None
    assert len(went_on[0].training.resumed_at) >= 5  # those of them after which a state was written
    assert_equal(went_on, train("whole", validations=20))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ranks_are_killed_at_random_moments(train: Train, tmp_path: Path) -> None:
    """A trial of which some rank is killed six times, whatever it does just then, ends in the record of a whole one."""
    chance, rules = random.Random(0), {"steps": equal_steps(60), "validations": 60}
    for _ in range(6):
        arguments = (tmp_path, chance.randrange(2), chance.randrange(4, 9), 0.02 * chance.random())
        strike = threading.Thread(target=kill_later, args=arguments)
        strike.start()
        record, _ = train("killed", **rules)
        strike.join()
        assert record.status == "crashed", record.message
    went_on = train("killed", **rules)

    assert went_on[0].training is not None
    assert len(went_on[0].training.resumed_at) >= 3
    assert_equal(went_on, train("whole", **rules))


def kill_later(folder: Path, rank: int, passes: int, seconds: float) -> None:
    """Kill a rank of the next trial some time after its network was called so many times."""
    noted, progress = folder / f"rank-{rank}.pid", folder / f"rank-{rank}.progress"
    for path in (noted, progress):
        path.unlink(missing_ok=True)
    while not progress.exists() or progress.stat().st_size < passes:
        time.sleep(0.002)
    time.sleep(seconds)
    os.kill(int(noted.read_text()), signal.SIGKILL)


@pytest.mark.slow
def test_ranks_agree_on_a_state(train: Train, tmp_path: Path) -> None:
    """If the part of one rank cannot be read, all ranks begin anew."""
    (tmp_path / "1 step 12").touch()
    killed, _ = train("killed")
    path = Store(tmp_path / "killed").checkpoint(killed.id)
    with safe_open(path, framework="pt") as file:
        progress, tensors = file.metadata(), {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    save_file({**tensors, "rank.1.progress": torch.zeros(9, dtype=torch.uint8)}, path, metadata=progress)
    record, _ = train("killed")

    assert record.status == "ok", record.message
    assert record.training is not None
    assert record.training.resumed_at == []
    assert "rank.1.stream.torch" in tensors  # stretches of 7 and of 8 examples use up other numbers
    assert not [name for name in tensors if name.startswith("rank.1.network.")]


@pytest.mark.slow
def test_augmentation_goes_on(train: Train, tmp_path: Path) -> None:
    """The stream of augmentation is taken up where it was, on every rank."""
    (tmp_path / "1 step 12").touch()
    train("killed", "noisy", augment=True)
    whole = train("whole", "noisy", augment=True)

    assert_equal(train("killed", "noisy", augment=True), whole)
    assert numbers(whole[0])["curves"] != numbers(train("plain", "noisy", augment=False)[0])["curves"]


@pytest.mark.parametrize(
    "optimizer",
    ["adamw", pytest.param("nesterov", marks=pytest.mark.slow), pytest.param("rmsprop", marks=pytest.mark.slow)],
)
def test_sharded_weights_go_on(optimizer: str, train: Train, tmp_path: Path) -> None:
    """Where each rank keeps its part of the weights, all go on bit for bit after one was killed."""
    recipe = house_recipe(optimizer=optimizer, momentum=0.9 if optimizer == "nesterov" else 0.0)
    (tmp_path / "1 step 12").touch()
    killed, _ = train("killed", sharded=True, recipe=recipe)
    path = Store(tmp_path / "killed").checkpoint(killed.id)
    with safe_open(path, framework="pt") as file:
        parts = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118 - not a mapping
    went_on = train("killed", sharded=True, recipe=recipe)

    assert (killed.status, killed.message[:12]) == ("crashed", "rank 1 of 2:")
    assert parts["network.one.weight"] == parts["rank.1.network.one.weight"] == [32, 64]
    assert went_on[0].training is not None
    assert went_on[0].training.resumed_at == [10]
    assert_equal(went_on, train("whole", sharded=True, recipe=recipe))


@pytest.mark.slow
def test_weights_are_not_taken_up_in_another_form(train: Train, tmp_path: Path) -> None:
    """A state of sharded weights is of no use to ranks that keep all of them, which begin anew."""
    (tmp_path / "1 step 12").touch()
    train("killed", sharded=True)
    record, _ = train("killed")

    assert record.status == "ok", record.message
    assert record.training is not None
    assert record.training.resumed_at == []


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs a CUDA device for each of two ranks")
def test_two_gpus_go_on(train: Train, tmp_path: Path) -> None:
    """Ranks that talk through NCCL agree on a state, and go on to the scores and weights of a whole training."""
    (tmp_path / "1 step 12").touch()
    killed, _ = train("killed", kind="cuda")
    (went_on, weights), (whole, others) = train("killed", kind="cuda"), train("whole", kind="cuda")

    assert (killed.status, went_on.status) == ("crashed", "ok"), went_on.message
    assert went_on.training is not None
    assert went_on.training.resumed_at == [10]
    assert went_on.scores is not None
    assert whole.scores is not None
    assert went_on.scores.test == pytest.approx(whole.scores.test, abs=1e-5)
    for name, values in others.items():
        torch.testing.assert_close(weights[name], values, rtol=1e-5, atol=1e-6)
