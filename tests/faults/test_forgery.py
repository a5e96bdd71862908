"""Networks that write scores for themselves, or change those of others: none of it is believed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from support import Cli

PLUGIN = """
import gc, os
import archbench
from pathlib import Path

def forge(record, test):
    import msgspec
    from archbench._records import Scores
    scores = Scores(test=test, test_last=test, validation=test, selected_step=1, train_loss=0.0)
    return msgspec.structs.replace(record, status="ok", scores=scores)

def job():
    from archbench._planning import Job
    return next(found for found in gc.get_objects() if isinstance(found, Job))

def leave(task, options):
    \"\"\"Write a record into the folder and into every open file, and end the process.\"\"\"
    from archbench._records import Store, encode_record
    record = forge(job().record("ok"), 1.0)
    Store(Path("leaderboard")).write(record)
    for name in os.listdir("/proc/self/fd"):
        try:
            if "deleted" in os.readlink(f"/proc/self/fd/{name}"):
                os.pwrite(int(name), encode_record(record), 0)
        except OSError:
            pass
    os._exit(0)

def meddle(task, options):
    \"\"\"Train as a linear layer, but lower the scores of others first, and add seeds to its own.\"\"\"
    import math, msgspec
    from torch import nn
    from archbench._records import Store
    store = Store(Path("leaderboard"))
    for record in store.scan()[0].values():
        store.write(msgspec.structs.replace(record, scores=msgspec.structs.replace(record.scores, test=0.0)))
    trial = msgspec.structs.replace(job().trial, seed=1)
    store.write(msgspec.structs.replace(forge(job().record("ok"), 1.0), id=trial.id, trial=trial))
    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(task.input_shape), task.outputs))

@archbench.hookimpl
def archbench_architectures():
    for build in (leave, meddle):
        yield archbench.Architecture(name=build.__name__, build=build, inputs=("image",))
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the plugin."""
    (tmp_path / "forger.py").write_text(PLUGIN)
    return tmp_path


@pytest.mark.slow
def test_a_network_that_writes_its_own_record(cli: Cli, folder: Path) -> None:
    """A record in the output folder or the result file, without the token of the trial, leaves a crashed trial."""
    arguments = ("run", "leave", "--plugin", "forger.py", "--task", "digits", "--protocol", "smoke", "--json")
    done = cli(*arguments, cwd=folder)
    (trial,) = json.loads(done.stdout)["trials"]
    page = json.loads((folder / "leaderboard" / "leaderboard.json").read_text())

    assert done.returncode == 1
    assert (trial["status"], trial["test"]) == ("crashed", None)
    assert trial["message"] == "the process ended with exit code 0 and left no record"
    assert page["counts"] == {"crashed": 1}


@pytest.mark.slow
def test_a_network_that_changes_the_records_of_others(cli_here: Cli, folder: Path) -> None:
    """Records that a trial changed or added are put right at the end, named, and make the exit code 1."""
    wanted = ("--task", "digits", "--protocol", "smoke", "--json")
    before = json.loads(cli_here("run", "mlp", *wanted, cwd=folder).stdout)["trials"]
    done = cli_here("run", "mlp", "meddle", "--plugin", "forger.py", *wanted, cwd=folder)
    after = {trial["architecture"]: trial for trial in json.loads(done.stdout)["trials"]}
    page = json.loads((folder / "leaderboard" / "leaderboard.json").read_text())
    again = json.loads(cli_here("run", "mlp", "meddle", "--plugin", "forger.py", *wanted, cwd=folder).stdout)
    rival = f"{before[0]['id']}.json was changed during the run by something else; it was moved to set-aside/"

    assert done.returncode == 1
    assert after["mlp"] == before[0]
    assert after["meddle"]["status"] == "ok"
    assert rival in [problem["message"] for problem in json.loads(done.stdout)["problems"]]
    assert f"problem: records: {rival}" in done.stderr
    assert "did not load" not in done.stderr
    assert "was added during the run by something else" in done.stderr
    assert f"records: {rival}" in page["notes"]
    assert again["exit_code"] == 0
    assert {trial["architecture"]: trial for trial in again["trials"]} == after
