"""One trial on several devices: the numbers of one device, and one end for all ranks."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from archbench._execution import Pool, open_pool
from support.ranks import DOUBLE, HEAD, SHORT, TAIL, Train, assert_same, training_in

ODD = """
    class Net(nn.Module):
        '''Has every kind of batch statistics, a layer that is never used, and one that sometimes is.'''
        def __init__(self):
            super().__init__()
            self.first = nn.Linear(math.prod(task.input_shape), 16)
            self.average = nn.BatchNorm1d(16, momentum=None, affine=False)
            self.no_memory = nn.BatchNorm1d(16, track_running_stats=False)
            self.unused, self.rare = nn.Linear(16, 16), nn.Linear(16, 16)
            self.last = nn.Linear(16, task.outputs)
            self.double()  # Adam makes large steps of rounding errors where a gradient is 0
        def forward(self, x):
            x = torch.relu(self.average(self.first(x.double().flatten(1))))
            if self.training:
                x = self.no_memory(x)
                if torch.rand(()) < 0.5:
                    x = x + self.rare(x)
            return self.last(x)
    return Net()
"""
ENDS = """
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.net, self.steps = nn.Linear(math.prod(task.input_shape), task.outputs), 0
        def forward(self, x):
            self.steps += self.training
            if self.steps == 3 and RANK in RANKS:
                ACT
            return self.net(x.flatten(1))
    with open(PIDS, "a") as file:
        print(os.getpid(), subprocess.Popen(["sleep", "600"]).pid, file=file)
    return Net()
"""


@pytest.fixture(scope="module")
def pool() -> Pool:
    """One worker."""
    return open_pool(device="cpu", workers=1)


@pytest.fixture
def train(pool: Pool, tmp_path: Path) -> Train:
    """`train("mlp", "digits", 2)` trains on two devices, and returns the record and the last weights."""
    return training_in(tmp_path, pool)


CASES = [
    pytest.param("mlp", "digits", 2),
    pytest.param("mlp", "digits", 4),
    pytest.param("lstm", "adding", 2, marks=pytest.mark.slow),
    pytest.param("lstm", "adding", 4, marks=pytest.mark.slow),
    pytest.param("lstm", "copy-memory", 3, marks=pytest.mark.slow),  # most of its targets do not count
    pytest.param("resnet-20", "digits", 2),
    pytest.param("resnet-20", "digits", 4, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("architecture", "task", "devices"), CASES)
def test_several_devices_give_the_numbers_of_one(architecture: str, task: str, devices: int, train: Train) -> None:
    """Two, three and four ranks end with the scores, curves and weights of one, on batches that they cannot divide."""
    changes = SHORT if architecture == "resnet-20" else {}
    several = train(architecture, task, devices, **changes)

    assert_same(train(architecture, task, 1, **changes), several)
    assert several[0].environment is not None
    assert several[0].environment.devices == devices


def test_every_test_example_counts_once(train: Train) -> None:
    """The confusion matrix has as many examples as the test split, which the ranks cannot divide evenly."""
    record, _ = train("mlp", "digits", 4)

    assert record.confusion is not None
    assert record.task_facts.test_examples is not None
    assert record.task_facts.test_examples % 4 != 0
    assert sum(map(sum, record.confusion)) == record.task_facts.test_examples
    assert record.scores is not None
    right = sum(row[place] for place, row in enumerate(record.confusion))
    assert record.scores.test == pytest.approx(right / record.task_facts.test_examples, abs=1e-7)


def test_odd_networks(train: Train, tmp_path: Path) -> None:
    """Batch statistics of every kind, and parameters that are used in no step or in some, are those of one device."""
    (tmp_path / "mine.py").write_text(HEAD + ODD + TAIL)
    one, several = train("mine", "digits", 1), train("mine", "digits", 2)

    assert_same(one, several)
    assert one[1]["average.num_batches_tracked"] == several[1]["average.num_batches_tracked"] == 20


@pytest.mark.slow
@pytest.mark.parametrize("devices", [2, 4])
def test_a_deep_net_in_double_precision(devices: int, train: Train, tmp_path: Path) -> None:
    """Twenty steps of Adam on a residual net of 20 layers differ by rounding only, which is small here."""
    (tmp_path / "mine.py").write_text(HEAD + DOUBLE + TAIL)
    one, several = train("mine", "digits", 1), train("mine", "digits", devices)

    assert_same(one, several)
    assert max(float((several[1][name] - values).abs().max()) for name, values in one[1].items()) < 1e-8


def test_a_budget_in_seconds(train: Train) -> None:
    """Ranks that train for a time take the same number of steps."""
    record, _ = train("mlp", "digits", 2, steps=None, seconds=0.5)

    assert record.status == "ok", record.message + record.detail
    assert record.training is not None
    assert record.training.steps >= 2


def test_the_slowest_rank_is_not_waited_for(train: Train, tmp_path: Path) -> None:
    """A rank that hangs takes the trial to its time limit, and no further."""
    write_ending("time.sleep(600)", tmp_path)
    began = time.monotonic()
    record, _ = train("mine", "digits", 2, timeout=4)

    assert record.status == "timeout", record.message
    assert time.monotonic() - began < 9
    assert_all_gone(tmp_path, 2)


@pytest.mark.parametrize(
    ("act", "status", "message"),
    [
        ("os.kill(os.getpid(), signal.SIGKILL)", "crashed", "rank 1 of 2: the process was ended by SIGKILL"),
        ("os._exit(0)", "crashed", "rank 1 of 2: the process ended with exit code 0 and left no record"),
        ("raise MemoryError('too small')", "oom", "rank 1 of 2: MemoryError: too small"),
    ],
)
def test_a_rank_that_ends(act: str, status: str, message: str, train: Train, tmp_path: Path) -> None:
    """If one rank ends, the trial ends soon with its reason and its number, and no process is left."""
    write_ending(act, tmp_path)
    began = time.monotonic()
    record, _ = train("mine", "digits", 2)

    assert (record.status, record.message[: len(message)]) == (status, message)
    assert time.monotonic() - began < 10
    assert record.scores is None
    assert_all_gone(tmp_path, 2)


def test_ranks_listen_to_this_machine_only(train: Train, tmp_path: Path) -> None:
    """No rank has a socket that another machine could reach."""
    found = tmp_path / "found"
    act = f"""
                places = [f"/proc/self/fd/{{number}}" for number in os.listdir("/proc/self/fd")]
                own = [os.readlink(place) for place in places if os.path.lexists(place)]
                for table in ("tcp", "tcp6"):
                    for line in open(f"/proc/self/net/{{table}}").readlines()[1:]:
                        _, local, _, state, *rest = line.split()
                        if state == "0A" and f"socket:[{{rest[5]}}]" in own:
                            print(local.partition(":")[0], file=open({str(found)!r}, "a"))
"""
    write_ending(act.strip(), tmp_path, ranks=(0, 1))
    record, _ = train("mine", "digits", 2)

    assert record.status == "ok", record.message + record.detail
    assert set(found.read_text().split()) <= {"0100007F", "00000000000000000000000001000000"}


@pytest.mark.slow
def test_ranks_end_with_the_run(tmp_path: Path) -> None:
    """If the run itself is killed, no rank and nothing that one started is left."""
    write_ending("time.sleep(600)", tmp_path, ranks=(0, 1))
    command = ["run", "mine", "--plugin", "mine.py", "--task", "digits", "--protocol", "smoke", "--device", "cpu"]
    code = [sys.executable, "-m", "archbench", *command, "--devices-per-trial", "2"]
    with subprocess.Popen(code, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        noted, deadline = tmp_path / "processes", time.monotonic() + 120
        while not noted.exists() or len(noted.read_text().splitlines()) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.1)
        run.kill()

    assert_all_gone(tmp_path, 2)


def test_ranks_that_fail_alike(train: Train, tmp_path: Path) -> None:
    """An error that all ranks meet is told once, as that of one device is."""
    write_ending("raise ValueError('no such thing')", tmp_path, ranks=(0, 1))
    record, _ = train("mine", "digits", 2)

    assert (record.status, record.message) == ("failed", "ValueError: no such thing")


@pytest.mark.gpu
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs a CUDA device for each of two ranks")
@pytest.mark.parametrize("architecture", ["mlp", "resnet-20"])
def test_two_gpus(architecture: str, train: Train) -> None:
    """Two GPUs (NCCL) end with the scores, curves and weights of one."""
    one, two = (train(architecture, "digits", devices, kind="cuda", **SHORT) for devices in (1, 2))

    assert_same(one, two)


def write_ending(act: str, folder: Path, ranks: tuple[int, ...] = (1,)) -> None:
    """Write a plugin whose network does something in the third step of some ranks, and notes its processes."""
    build = ENDS.replace("ACT", act).replace("RANKS", repr(ranks)).replace("PIDS", repr(str(folder / "processes")))
    (folder / "mine.py").write_text(HEAD + build + TAIL)


def assert_all_gone(folder: Path, ranks: int) -> None:
    """Assert that the processes of all ranks, and those that they started, have ended within two seconds."""
    processes = [int(word) for word in (folder / "processes").read_text().split()]
    assert len(processes) == 2 * ranks
    deadline = time.monotonic() + 2
    while left := [process for process in processes if _runs(process)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.05)


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False
