"""The committed reference: today's declarations give its trial ids, and its records give its leaderboard."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import archbench
from archbench._planning import make_plan
from archbench._plugins import Plugins, load_plugins
from archbench._protocols import find_protocol
from archbench._records import Store
from archbench._selection import select
from archbench._studies import plan_study
from archbench._suite._leaderboard import write_leaderboard

REFERENCE = Path(__file__).parents[2] / "leaderboard" / "reference"


@pytest.fixture(scope="module")
def built_in() -> Plugins:
    """The built-in plugins."""
    return load_plugins(only=[])


def test_every_trial_id_is_reproduced_from_its_declaration(built_in: Plugins) -> None:
    """Selecting the labels in each record gives the id under which the record is stored."""
    records = [r for r in archbench.read(REFERENCE).records if not r.trial.protocol.for_studies]
    trials = [record.trial for record in records]
    plan = make_plan(
        select(sorted({trial.architecture.label for trial in trials}), built_in.architectures, "architecture"),
        select(sorted({trial.task.label for trial in trials}), built_in.tasks, "task"),
        protocol=find_protocol("quick"),
        seeds=3,
    )
    today = {
        (planned.trial.architecture.label, planned.trial.task.label, planned.trial.seed): planned.id
        for planned in plan.trials
    }

    assert sorted(record.id for record in records) == sorted(today.values())
    assert {(trial.architecture.label, trial.task.label, trial.seed): trial.id for trial in trials} == today


def test_the_studies_are_those_that_are_declared(built_in: Plugins) -> None:
    """The committed trials of studies, tuning included, are those that the built-in studies plan at quick size."""
    records = {record.id: record for record in Store(REFERENCE).load()[0].values() if record.trial.protocol.for_studies}
    states = [
        state for study in built_in.studies for state in plan_study(study.item, "quick", built_in).assess(records)
    ]
    planned = [trial for state in states for trial in state.trials]
    tuning = [trial for state in states for candidate in state.candidates for trial in candidate.trials]

    assert {trial.id for trial in [*planned, *tuning]} == set(records)
    assert {record.status for record in records.values()} == {"ok"}


def test_the_board_is_rebuilt_byte_for_byte(built_in: Plugins, tmp_path: Path) -> None:
    """The committed records give the files of the committed leaderboard."""
    shutil.copytree(REFERENCE / "records", tmp_path / "records")
    store = Store(tmp_path)
    records, _ = store.load()
    written = write_leaderboard(store, list(records.values()), built_in)

    assert written.problems == []
    assert (REFERENCE / "preview.png").is_file()
    for name in set(written.files) - {"preview.png"}:  # its pixels are those of one release of Pillow
        assert (tmp_path / name).read_bytes() == (REFERENCE / name).read_bytes(), name
