"""The checks of a task: each finds its mutants, and sound tasks and built-ins pass."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from archbench import Examples, Splits
from archbench._plugins import Registered, load_plugins
from archbench.testing import check_task, keep_fingerprint
from archbench.testing.task import CHECKS
from support.label_mutants import MUTANTS

DOWNLOADED = [
    r
    for r in load_plugins(only=[]).tasks
    # Tasks with thousands of classes have no small data set; they have tests of their own.
    if r.item.files and r.item.name not in ("imagenet", "penn-treebank-words", "wikitext-2-words")
]
"""Built-in tasks whose data the fixture `small_data` makes; tests/cli/test_check.py checks all others."""
IN_OTHER_TESTS = {"T001", "T501"}

TASK = """
import archbench
{top}
def load(options, seed):
    import numpy as np
    def split(n, draw):
        labels = draw.integers(0, 2, n)
        return archbench.Examples(draw.standard_normal((n, 5, 1)).astype(np.float32), labels)
    draw = np.random.default_rng([1, seed])
    return archbench.Splits(split(200, draw), split(50, draw), split(200, np.random.default_rng({test_seed})))

@archbench.hookimpl
def archbench_tasks():
    info = archbench.TaskInfo(kind="sequence", input_shape=(5, 1), outputs=2)
    yield archbench.Task(name="filed", info=info, load=load, loss="cross_entropy", metric="accuracy", chance=0.5,
                         oracle=1.0, margin=0.01, summary="A task in a file", revision={revision})
"""
PHONES_HOME = """
import socket
try:
    socket.create_connection(("localhost", 9), timeout=0.1)
except OSError:
    pass
"""


def load(path: Path, *, top: str = "", test_seed: int = 0, revision: int = 1) -> Registered[Any]:
    """Write a one-file plugin and return its task."""
    path.write_text(TASK.format(top=top, test_seed=test_seed, revision=revision))
    return load_plugins(files=[path], only=[]).tasks[-1]


def failed(results):
    """Return the codes of the failed checks."""
    return [result.code for result in results if result.status == "failed"]


def test_mutant_is_caught_by_the_right_check(task_mutant):
    """Only the check that a mutant is made for fails, and it says why."""
    results = {result.code: result for result in check_task(task_mutant.task)}

    assert [code for code, r in results.items() if r.status == "failed"] == [task_mutant.code]
    assert task_mutant.says in results[task_mutant.code].message


class Lazy:
    """Inputs that are read on demand, as an array that gives only the rows it is asked for."""

    def __init__(self, array):
        self.array, self.shape, self.dtype = array, array.shape, array.dtype

    def __len__(self):
        return len(self.array)

    def __getitem__(self, index):
        assert len(index) <= 256, "only a sample is read"
        return self.array[index]


def lazily(task):
    """Return the task with inputs that are read on demand."""

    def load(options, seed):
        splits = task.load(options, seed)
        each = (splits.train, splits.validation, splits.test)
        return Splits(*(Examples(Lazy(split.inputs), split.targets) for split in each))

    return replace(task, load=load)


def test_inputs_that_are_read_on_demand(tmp_path):
    """Of inputs that are read on demand a sample is checked, and of their labels all."""
    sound = lazily(load(tmp_path / "sound.py").item)
    assert [str(r) for r in check_task(sound) if r.status not in ("passed", "skipped")] == []

    def many(options, seed):
        splits = sound.load(options, seed)
        inputs, targets = np.tile(splits.train.inputs.array, (2, 1, 1)), np.tile(splits.train.targets, 2)
        return replace(splits, train=Examples(Lazy(inputs), targets))

    (sizes,) = check_task(replace(sound, load=many), only=["T102"])
    assert sizes.message == "train 400 (256 of them read), validation 50, test 200"

    def one_class(options, seed):
        splits = sound.load(options, seed)
        return replace(splits, train=Examples(splits.train.inputs, splits.train.targets * 0))

    assert "T101" in failed(check_task(replace(sound, load=one_class)))


def test_every_check_has_a_mutant():
    """Each check finds at least one mutant here, or has a test of its own below."""
    caught = {mutant.code for mutant in MUTANTS}

    assert {check.code for check in CHECKS} == caught | IN_OTHER_TESTS


def test_sound_task_passes(sound_task):
    """A sound task of any sort, from classification to perplexity, passes every check."""
    assert [str(r) for r in check_task(sound_task) if r.status not in ("passed", "skipped")] == []


@pytest.mark.slow
@pytest.mark.parametrize("registered", DOWNLOADED, ids=lambda registered: registered.item.name)
def test_built_in_with_files_passes(registered):
    """A built-in task that needs a download passes every check, except for the failures that it declares."""
    results = check_task(registered)

    assert [str(r) for r in results if r.status not in ("passed", "expected", "skipped")] == []


def test_sound_file_passes(tmp_path):
    """A one-file plugin passes, and only the check that needs a kept file is skipped."""
    results = check_task(load(tmp_path / "task.py"))

    assert failed(results) == []
    assert [r.code for r in results if r.status == "skipped"] == ["T501"]


@pytest.mark.parametrize(
    ("top", "says"),
    [("import torch\ntorch.get_num_threads()", "imports torch"), (PHONES_HOME, "asks for the network")],
    ids=["torch", "network"],
)
def test_heavy_loading_is_caught(tmp_path, top, says):
    """T001 names the heavy library that loading imports, or the attempt to reach the network."""
    results = check_task(load(tmp_path / "task.py", top=top))

    assert failed(results) == ["T001"]
    assert says in results[0].message


def test_changed_data_without_a_new_revision_are_caught(tmp_path):
    """T501 finds other data under an old revision; with a new revision it passes."""
    kept = tmp_path / "fingerprints.json"
    keep_fingerprint(load(tmp_path / "task.py"), kept)

    (same,) = check_task(load(tmp_path / "task.py"), only=["T501"], fingerprints=kept)
    (changed,) = check_task(load(tmp_path / "task.py", test_seed=7), only=["T501"], fingerprints=kept)
    (raised,) = check_task(load(tmp_path / "task.py", test_seed=7, revision=2), only=["T501"], fingerprints=kept)

    assert [r.status for r in (same, changed, raised)] == ["passed", "failed", "passed"]
    assert "checksum" in changed.message


def test_codes_are_unique_and_prerequisites_exist():
    """No two checks share a code, and the checks that another one requires exist."""
    codes = [check.code for check in CHECKS]

    assert len(set(codes)) == len(codes)
    assert {code for check in CHECKS for code in check.requires} <= set(codes)
