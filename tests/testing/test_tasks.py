"""The kit for tasks: each check finds its mutants, and sound tasks and the built-ins pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from archbench import Examples, Splits
from archbench._plugins import Registered, load_plugins
from archbench.testing import check_task, keep_fingerprint
from archbench.testing._tasks import CHECKS
from support.task_mutants import MUTANTS

BUILT_IN = [
    r
    for r in load_plugins(only=[]).tasks
    # Thousands of classes make no small set: these have tests of their own.
    if r.origin.distribution == "archbench"
    and r.item.name not in ("imagenet", "penn-treebank-words", "wikitext-2-words")
]
IN_OTHER_TESTS = {"T001", "T501"}

TASK = """
import archbench
{top}
def load(options, seed):
    import numpy as np
    def part(n, draw):
        labels = draw.integers(0, 2, n)
        return archbench.Examples(draw.standard_normal((n, 5, 1)).astype(np.float32), labels)
    draw = np.random.default_rng([1, seed])
    return archbench.Splits(part(200, draw), part(50, draw), part(200, np.random.default_rng({test_seed})))

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="sequence", input_shape=(5, 1), outputs=2)
    yield archbench.Task(name="filed", info=info, load=load, loss="cross_entropy", metric="accuracy", chance=0.5,
                         oracle=1.0, summary="A task in a file", revision={revision})
"""
PHONES_HOME = """
import socket
try:
    socket.create_connection(("localhost", 9), timeout=0.1)
except OSError:
    pass
"""


def load(path: Path, *, top: str = "", test_seed: int = 0, revision: int = 1) -> Registered[Any]:
    """The task of a one-file plugin."""
    path.write_text(TASK.format(top=top, test_seed=test_seed, revision=revision))
    return load_plugins(files=[path], only=[]).tasks[-1]


def failed(results):
    """Codes of the failures."""
    return [result.code for result in results if result.status == "failed"]


def test_mutant_is_caught_by_the_right_check(task_mutant):
    """The check that is meant fails, says why, and is the only one that fails."""
    results = {result.code: result for result in check_task(task_mutant.task)}

    assert [code for code, r in results.items() if r.status == "failed"] == [task_mutant.code]
    assert task_mutant.says in results[task_mutant.code].message


class Lazy:
    """An array that must be asked for its rows."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        assert len(index) <= 256, "only a sample is read"
        return self.array[index]


def lazily(task):
    """The same task, its inputs read on demand."""

    def load(options, seed):
        splits = task.load(options, seed)
        parts = [getattr(splits, name) for name in ("train", "validation", "test")]
        return Splits(*(Examples(Lazy(part.inputs), part.targets) for part in parts))

    return replace(task, load=load)


def test_inputs_that_are_read_on_demand(tmp_path):
    """Of a split that is not an array a sample is checked; a sound one passes, and a fault in the labels is found."""
    sound = lazily(load(tmp_path / "sound.py").item)
    assert [str(r) for r in check_task(sound) if r.status not in ("passed", "skipped")] == []

    def one_class(options, seed):
        splits = sound.load(options, seed)
        return replace(splits, train=Examples(splits.train.inputs, splits.train.targets * 0))

    assert "T101" in failed(check_task(replace(sound, load=one_class)))


def test_every_check_has_a_mutant():
    """A check that catches nothing would not be missed."""
    caught = {mutant.code for mutant in MUTANTS}

    assert {check.code for check in CHECKS} == caught | IN_OTHER_TESTS


def test_sound_task_passes(sound_task):
    """Classification, fixed splits, regression and answers at every step pass every check."""
    assert [str(r) for r in check_task(sound_task) if r.status not in ("passed", "skipped")] == []


@pytest.mark.parametrize("registered", BUILT_IN, ids=lambda registered: registered.item.name)
def test_built_in_passes(registered):
    """A built-in passes through the same kit with nothing but its own declarations."""
    results = check_task(registered)

    assert [str(r) for r in results if r.status not in ("passed", "expected", "skipped")] == []


def test_sound_file_passes(tmp_path):
    """A one-file plugin passes, and nothing that could be checked is skipped."""
    results = check_task(load(tmp_path / "task.py"))

    assert failed(results) == []
    assert [r.code for r in results if r.status == "skipped"] == ["T501"]


@pytest.mark.parametrize(
    ("top", "says"),
    [("import torch", "imports torch"), (PHONES_HOME, "asks for the network")],
    ids=["torch", "network"],
)
def test_what_loading_may_not_do_is_caught(tmp_path, top, says):
    """T001 names the heavy library, or the attempt to connect."""
    results = check_task(load(tmp_path / "task.py", top=top))

    assert failed(results) == ["T001"]
    assert says in results[0].message


def test_changed_data_without_a_new_revision_are_caught(tmp_path):
    """T501 sees other data under an old revision; under a new one they are right."""
    kept = tmp_path / "fingerprints.json"
    keep_fingerprint(load(tmp_path / "task.py"), kept)

    (same,) = check_task(load(tmp_path / "task.py"), only=["T501"], fingerprints=kept)
    (changed,) = check_task(load(tmp_path / "task.py", test_seed=7), only=["T501"], fingerprints=kept)
    (raised,) = check_task(load(tmp_path / "task.py", test_seed=7, revision=2), only=["T501"], fingerprints=kept)

    assert [r.status for r in (same, changed, raised)] == ["passed", "failed", "passed"]
    assert "checksum" in changed.message


def test_codes_are_unique_and_prerequisites_exist():
    """A code names one check, and what a check requires is there."""
    codes = [check.code for check in CHECKS]

    assert len(set(codes)) == len(codes)
    assert {code for check in CHECKS for code in check.requires} <= set(codes)
