"""One trial on several devices that each keep their part of the weights: the numbers of one device, or a refusal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from archbench._execution import Pool, open_pool
from support.ranks import DOUBLE, HEAD, SHORT, TAIL, Train, assert_same, training_in

SLOW = pytest.mark.slow

PARTS = """
    from archbench._training._sharded import ShardedModule

    def count(module):
        (optimizer,) = module.trainer.optimizers
        moments = [s[name] for s in optimizer.state.values() for name in ("exp_avg", "exp_avg_sq")]
        found = {
            "weights": sum(p.to_local().numel() for p in module.network.parameters()),
            "gradients": sum(p.grad.to_local().numel() for p in module.network.parameters()),
            "moments": sum(moment.to_local().numel() for moment in moments),
        }
        with open(os.path.join(FOLDER, f"parts-{RANK}.json"), "w") as file:
            json.dump(found, file)

    ShardedModule.on_train_end = count
    hidden = [layer for _ in range(3) for layer in (nn.Linear(64, 64), nn.ReLU())]
    return nn.Sequential(nn.Flatten(), *hidden, nn.Linear(64, task.outputs))
"""
OWN_WAY = """
    class Net(nn.Module):
        '''Has two layers of equal size, of which the numbers of the examples choose one.'''
        def __init__(self):
            super().__init__()
            self.ways = WAYS
            self.last = nn.Linear(64, task.outputs)
        def forward(self, x):
            way = list(self.ways.children())[int(1000 * x.sum()) % 2]
            return self.last(torch.relu(way(x.flatten(1))))
    return Net()
"""
BLOCKS = "nn.ModuleList([nn.Linear(64, 64), nn.Linear(64, 64)])"
NO_BLOCKS = "nn.ModuleDict({'a': nn.Linear(64, 64), 'b': nn.Linear(64, 64)})"
SCALE = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.scale, self.last = nn.Parameter(torch.tensor(1.0)), nn.Linear(64, task.outputs)
        def forward(self, x):
            return self.scale * self.last(x.flatten(1))
    return Net()
"""


@pytest.fixture(scope="module")
def pool() -> Pool:
    """One worker."""
    return open_pool(device="cpu", workers=1)


@pytest.fixture
def train(pool: Pool, tmp_path: Path) -> Train:
    """`train("mlp", "digits", 2, sharded=True)` trains on two devices, and returns the record and the kept weights."""
    return training_in(tmp_path, pool)


CASES = [
    pytest.param("mlp", "digits", 2),
    pytest.param("mlp", "digits", 3, marks=SLOW),  # which divide few of the weights evenly
    pytest.param("mlp", "digits", 4, marks=SLOW),
    pytest.param("lstm", "adding", 2),
    pytest.param("lstm", "adding", 4, marks=SLOW),
    pytest.param("lstm", "copy-memory", 3, marks=SLOW),
    pytest.param("resnet-20", "digits", 2, marks=SLOW),
    pytest.param("resnet-20", "digits", 4, marks=SLOW),
]


@pytest.mark.parametrize(("architecture", "task", "devices"), CASES)
def test_sharded_weights_give_the_numbers_of_one_device(
    architecture: str, task: str, devices: int, train: Train
) -> None:
    """Scores, curves, the selected weights and the data are those of one device, and the record says how it was."""
    changes = SHORT if architecture == "resnet-20" else {}
    several = train(architecture, task, devices, sharded=True, keep="selected", **changes)

    assert_same(train(architecture, task, 1, keep="selected", **changes), several)
    assert several[0].environment is not None
    assert several[0].environment.place == f"{devices} x cpu, weights sharded"
    confusion, examples = several[0].confusion, several[0].task_facts.test_examples
    assert confusion is None or sum(map(sum, confusion)) == examples


@pytest.mark.slow
@SLOW
def test_a_deep_net_in_double_precision(train: Train, tmp_path: Path) -> None:
    """Twenty steps of Adam on a residual net of 20 layers differ by rounding only, which is small here."""
    (tmp_path / "mine.py").write_text(HEAD + DOUBLE + TAIL)
    one, several = train("mine", "digits", 1), train("mine", "digits", 2, sharded=True)

    assert_same(one, several)
    assert max(float((several[1][name] - values).abs().max()) for name, values in one[1].items()) < 1e-8


def test_each_rank_keeps_half(train: Train, tmp_path: Path) -> None:
    """Of two ranks each keeps half of the weights, of the gradients, and of both moments of Adam."""
    build = PARTS.replace("FOLDER", repr(str(tmp_path)))
    (tmp_path / "mine.py").write_text(HEAD.replace("import math", "import json, math") + build + TAIL)
    record, _ = train("mine", "digits", 2, sharded=True)
    parts = [json.loads((tmp_path / f"parts-{rank}.json").read_text()) for rank in (0, 1)]
    whole = 3 * (64 * 64 + 64) + 64 * 10 + 10  # all sizes are even

    assert record.status == "ok", record.message + record.detail
    assert record.resources.parameters == whole
    assert parts == [{"weights": whole // 2, "gradients": whole // 2, "moments": whole}] * 2


@pytest.mark.parametrize("ways", [BLOCKS, pytest.param(NO_BLOCKS, marks=SLOW)])
def test_ranks_that_use_other_weights_end_the_trial(ways: str, train: Train, tmp_path: Path) -> None:
    """A network whose examples choose their layers would mix up the weights of ranks, and is refused in a sentence."""
    (tmp_path / "mine.py").write_text(HEAD + OWN_WAY.replace("WAYS", ways) + TAIL)
    record, _ = train("mine", "digits", 2, sharded=True)

    assert record.status == "failed"
    assert "RuntimeError: the ranks did not use the same weights in the same order" in record.message
    assert "leave out --strategy fsdp" in record.message


def test_a_network_that_cannot_be_sharded(train: Train, tmp_path: Path) -> None:
    """A weight without an axis to cut ends the trial with its name and a way out."""
    (tmp_path / "mine.py").write_text(HEAD + SCALE + TAIL)
    record, weights = train("mine", "digits", 2, sharded=True)

    assert (record.status, weights) == ("failed", {})
    assert record.message.startswith("ValueError: the weights cannot be sharded: ")
    assert "scale" in record.message
    assert "leave out --strategy fsdp" in record.message


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs a CUDA device for each of two ranks")
@pytest.mark.parametrize("architecture", ["mlp", "resnet-20"])
def test_two_gpus(architecture: str, train: Train) -> None:
    """Two GPUs (NCCL), each with its part of the weights, end with the scores, curves and weights of one."""
    one = train(architecture, "digits", 1, kind="cuda", **SHORT)
    two = train(architecture, "digits", 2, kind="cuda", sharded=True, **SHORT)

    assert_same(one, two)


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs a CUDA device for each of two ranks")
def test_two_gpus_hold_what_one_cannot(train: Train) -> None:
    """The most memory that a GPU takes for a wide net is well below that of a GPU that has all of the weights."""
    wide = "mlp[width=8192,depth=8]"  # 0.4 billion weights, the state of Adam beside them
    whole = train(wide, "digits", 2, kind="cuda")[0].resources.peak_memory_bytes
    sharded = train(wide, "digits", 2, kind="cuda", sharded=True)[0].resources.peak_memory_bytes

    assert whole is not None
    assert sharded is not None
    assert sharded < 0.8 * whole
