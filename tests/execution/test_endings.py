"""Trials that end early: what they reached, and what they printed, is kept and can be shown."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from archbench._execution import Pool, execute, open_pool
from archbench._planning import make_plan
from archbench._plugins import load_plugins
from archbench._protocols import equal_steps, find_protocol
from archbench._records import Record, Store, misfit
from archbench._selection import select

PLUGIN = """
import math, os, signal, sys, time
import archbench

def build(task, options):
    import torch

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            linear = torch.nn.Linear(math.prod(task.input_shape), task.outputs)
            self.net = torch.nn.Sequential(torch.nn.Flatten(), linear)
            self.steps = 0

        def forward(self, x):
            self.steps += self.training
            if self.training:
                self.act(self.steps)
            return self.net(x)

        def act(self, step):
            ACT

    return Net()

@archbench.hookimpl
def archbench_architectures():
    yield archbench.Architecture(name="mine", build=build, inputs=("image",))
"""

Run = Callable[..., tuple[Record, Path]]


@pytest.fixture(scope="module")
def pool() -> Pool:
    """One worker."""
    return open_pool(device="cpu", workers=1)


@pytest.fixture
def run(pool: Pool, tmp_path: Path) -> Run:
    """`run("time.sleep(1)")` trains a network that does so in every step; returns the record and its log."""

    def train(act: str, *, steps: int = 20, validations: int = 2, timeout: float = 60) -> tuple[Record, Path]:
        (tmp_path / "mine.py").write_text(PLUGIN.replace("ACT", act))
        plugins = load_plugins(files=[tmp_path / "mine.py"])
        protocol = msgspec.structs.replace(
            find_protocol("smoke"), name="mine", steps=equal_steps(steps), validations=validations
        )
        planned = make_plan(
            select(["mine"], plugins.architectures, "architecture"),
            select(["digits"], plugins.tasks, "task"),
            protocol=protocol,
            seeds=1,
        ).trials
        store = Store(tmp_path / "out")
        (record,) = execute(planned, store, pool, timeout=timeout)
        assert misfit(record) == ""
        return record, store.log(record.id)

    return train


@pytest.mark.slow
def test_a_timeout_between_validations(run: Run) -> None:
    """A trial at its limit says at which step it was and what it would have needed, and keeps its curves so far."""
    record, _ = run("time.sleep(0.1)", steps=200, validations=40, timeout=5)
    found = re.fullmatch(
        r"not finished after 5 s: step (\d+) of 200; about (\d+) s needed, raise the limit with --timeout",
        record.message,
    )

    assert record.status == "timeout"
    assert found is not None, record.message
    assert record.training is not None
    assert record.curves is not None
    assert record.training.steps == int(found[1])
    assert 20 <= int(found[2]) <= 60  # 200 steps of at least 0.1 s
    assert 5 <= record.curves.step[-1] <= record.training.steps < 60
    assert record.curves.step == list(range(5, record.curves.step[-1] + 1, 5))
    assert record.scores is None
    assert "SIGTERM" not in record.detail


@pytest.mark.slow
def test_a_timeout_before_the_first_validation(run: Run) -> None:
    """A trial that does not end by itself when it is asked to still tells its step."""
    record, _ = run("time.sleep(0.1)", steps=200, validations=1, timeout=5)

    assert record.status == "timeout"
    assert re.match(r"not finished after 5 s: step \d+ of 200; about \d+ s needed", record.message)
    assert record.training is not None
    assert 5 < record.training.steps < 80
    assert record.curves is None


@pytest.mark.slow
def test_a_timeout_before_the_first_step(run: Run) -> None:
    """A trial that has not begun to train says so."""
    record, _ = run("time.sleep(60)", timeout=3)

    assert record.message == "not finished after 3 s, before any step was reported; raise the limit with --timeout"
    assert (record.status, record.training, record.curves) == ("timeout", None, None)


def test_a_killed_trial_keeps_its_curves(run: Run) -> None:
    """A process that the kernel ends leaves the curves up to its last validation."""
    record, _ = run("step == 15 and os.kill(os.getpid(), signal.SIGKILL)")

    assert record.status == "crashed"
    assert record.message.endswith("(the kernel may have run out of memory) after step 10 of 20")
    assert record.training is not None
    assert record.curves is not None
    assert (record.curves.step, record.training.steps) == ([10], 10)


def test_a_trial_that_went_on_and_is_killed_keeps_its_curves(run: Run) -> None:
    """Killed in its 15th step, then again in the 15th after step 10, it has all points, and says where it went on."""
    act = "import archbench._training._checkpoint as kept; kept.EVERY = 0.0; step == 15 and os.kill(os.getpid(), 9)"
    first, _ = run(act, steps=30, validations=6)
    second, _ = run(act, steps=30, validations=6)

    assert [record.curves and record.curves.step for record in (first, second)] == [[5, 10], [5, 10, 15, 20]]
    assert [record.training and record.training.resumed_at for record in (first, second)] == [[], [10]]
    assert second.message.endswith("after step 20 of 30")


def test_a_signal_without_a_name(run: Run) -> None:
    """A real-time signal ends its own trial only, and the message has its number."""
    record, _ = run("step == 15 and os.kill(os.getpid(), 40)")

    assert (record.status, record.message) == ("crashed", "the process was ended by signal 40 after step 10 of 20")


@pytest.mark.parametrize(("error", "status"), [("ValueError('no')", "failed"), ("MemoryError('no')", "oom")])
def test_an_exception_keeps_its_curves(error: str, status: str, run: Run) -> None:
    """A trial that raises knows its step exactly, and keeps the curves up to its last validation."""
    record, _ = run(f"if step == 15: raise {error}")

    assert record.status == status
    assert record.training is not None
    assert record.curves is not None
    assert (record.curves.step, record.training.steps) == ([10], 14)


def test_an_error_that_utf8_cannot_hold(run: Run) -> None:
    """The name of a file that is no UTF-8 stands in the record with its bytes written out."""
    record, _ = run("raise OSError('no ' + os.fsdecode(bytes([255])))")

    assert (record.status, record.message) == ("failed", r"OSError: no \udcff")
    assert record.detail.endswith("OSError: no \\udcff\n")


def test_the_log_has_the_traceback(run: Run) -> None:
    """The log has what the trial printed, and below it the traceback of the record."""
    record, log = run("print('step', step); print('careful', file=sys.stderr); raise ValueError('no luck')")

    text = log.read_text()
    assert "step 1\n" in text
    assert text.index("careful") < text.index("Traceback")
    assert text.endswith(record.detail)
    assert record.detail.endswith("ValueError: no luck\n")


def test_an_empty_log_goes(run: Run) -> None:
    """A process that ends without a word leaves no log."""
    record, log = run("os._exit(3)")

    assert (record.status, record.detail) == ("crashed", "")
    assert not log.exists()


def test_a_long_log_is_cut_in_the_middle(run: Run) -> None:
    """Of 3 MB the log keeps the first and the last half megabyte, and says how much is missing."""
    line = "print('y' * 99)"
    record, log = run(f"print('first'); [{line} for _ in range(30_000)]; print('last', flush=True); os._exit(3)")

    text = log.read_text()
    assert record.status == "crashed"
    assert text.startswith("first\n")
    assert text.endswith("last\n")
    assert 1 << 20 <= len(text) < (1 << 20) + 100
    assert text.count("\n... the middle of this log is cut out here ...\n") == 1


@pytest.mark.parametrize("act", ["raise ValueError({text!r})", "print({text!r}, flush=True); os._exit(3)"])
def test_control_characters_are_not_kept(act: str, run: Run) -> None:
    """Colours, titles of windows and moves of the cursor reach neither the message nor the detail of a record."""
    record, _ = run(act.format(text="\x1b]0;owned\x07one\x1b[31;1m two\x1b[2J\x08\u202ethree"))

    words = record.message + record.detail
    assert "one two\\x08\\u202ethree" in words
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", words)
