"""Wall time of benchopt running a torch solver on the work of `benchmark run`, where benchopt is installed."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from support.speed.rows import Row, in_pairs, ratio
from support.speed.trials import benchmark_run, fresh

SEEDS = 6
FILES = {
    "objective.py": """
from benchopt import BaseObjective

class Objective(BaseObjective):
    name = "accuracy"
    def set_data(self, splits):
        self.splits = splits
    def get_objective(self):
        return {"splits": self.splits}
    def evaluate_result(self, accuracy):
        return {"value": 1 - accuracy}
    def get_one_result(self):
        return {"accuracy": 0.0}
""",
    "datasets/digits.py": """
from benchopt import BaseDataset
from archbench_tasks.digits import load_images

class Dataset(BaseDataset):
    name = "digits"
    def get_data(self):
        return {"splits": load_images(None, 0)}
""",
    "solvers/mlp.py": """
import torch
from benchopt import BaseSolver
from torch.utils.data import DataLoader, TensorDataset
from archbench import TaskInfo
from archbench_plugins.mlp import MLPOptions
from archbench_plugins.mlp.network import build

class Solver(BaseSolver):
    name = "mlp"
    sampling_strategy = "run_once"
    def set_objective(self, splits):
        parts = (splits.train, splits.validation, splits.test)
        tensors = [TensorDataset(*map(torch.from_numpy, (part.inputs, part.targets))) for part in parts]
        self.train, self.validation, self.test = (DataLoader(t, 32, shuffle=t is tensors[0]) for t in tensors)
    def run(self, _):
        torch.set_num_threads(1)
        self.network = build(TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=10), MLPOptions())
        optimizer = torch.optim.AdamW(self.network.parameters(), lr=0.01)
        step = 0
        while step < 500:
            for inputs, targets in self.train:
                loss = torch.nn.functional.cross_entropy(self.network(inputs), targets)
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
                optimizer.step()
                step += 1
                if step % 50 == 0:
                    self.score(self.validation)
                if step == 500:
                    break
        self.accuracy = self.score(self.test)
    @torch.no_grad()
    def score(self, loader):
        right = sum(int((self.network(x).argmax(1) == y).sum()) for x, y in loader)
        return right / len(loader.dataset)
    def get_result(self):
        return {"accuracy": self.accuracy}
""",
}
"""A benchmark as benchopt's minimal example has it: a folder with an objective, a data set and a solver."""


def release() -> str | None:
    """Return the release of benchopt, or None where it is not installed."""
    try:
        return version("benchopt")
    except PackageNotFoundError:
        return None


def against(folder: Path, count: int) -> list[Row]:
    """Return the row of benchopt over `benchmark run`; none where benchopt is not installed."""
    if release() is None:
        return []
    for name, text in FILES.items():
        (folder / "digits" / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / "digits" / name).write_text(text)
    folders = fresh(folder)
    pairs = in_pairs(lambda: _benchopt(folder / "digits"), lambda: benchmark_run(next(folders), SEEDS), count)
    return [ratio(f"benchopt, {SEEDS} repetitions of a torch solver", pairs)]


def _benchopt(folder: Path) -> float:
    workers = str(len(os.sched_getaffinity(0)))
    options = ["--max-runs", "1", "--n-repetitions", str(SEEDS), "--n-jobs", workers, "--no-cache", "--no-plot"]
    start = time.perf_counter()
    subprocess.run([sys.executable, "-m", "benchopt", "run", str(folder), *options], check=True, capture_output=True)
    return time.perf_counter() - start
