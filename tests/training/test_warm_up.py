"""Work that the server of trials does ahead leaves it safe to fork, and changes nothing in a trial."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from archbench._execution._launchers import NO_THREADS
from archbench._planning import Device
from archbench._training import _trainer
from archbench._training._trainer import keep_spare, make_trainer


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted in /proc")
def test_server_stays_safe_to_fork() -> None:
    """After the work ahead there is one thread, no connection to a GPU, and the environment of before."""
    code = (
        "import os, torch, archbench_plugins.shared.loops, archbench._training._warm_up\n"
        "print(len(os.listdir('/proc/self/task')), torch.cuda.is_initialized(), os.environ['CUDA_VISIBLE_DEVICES'])"
    )
    environment = {"PYTHONPATH": ":".join(sys.path), "CUDA_VISIBLE_DEVICES": "0", **NO_THREADS}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)

    assert done.stdout.split() == ["1", "False", "0"]


def test_spare_trainer_is_used_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Trainer that was made ahead serves one trial; the next gets a new one."""
    monkeypatch.setattr(_trainer, "_spare", [])
    keep_spare()
    (spare,) = _trainer._spare

    assert make_trainer(Device(kind="cpu")) is spare
    assert make_trainer(Device(kind="cpu")) is not spare
