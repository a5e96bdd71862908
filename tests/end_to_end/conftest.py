"""A run of all architectures, for the tests of whole runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from support import Cli

SMOKE_TASKS = ("--task", "digits", "--task", "sequential-digits", "--task", "adding")
"""A task of each kind of input, with metrics in both directions; all tasks would take the tests too long."""


@pytest.fixture(scope="session")
def smoke_tasks() -> tuple[str, ...]:
    """The tasks of `smoke_run`, as options of the command."""
    return SMOKE_TASKS


@pytest.fixture(scope="session")
def smoke_run(cli: Cli, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of `benchmark run all --protocol smoke` on `SMOKE_TASKS`, run once; copy before changing it."""
    folder = tmp_path_factory.mktemp("smoke")
    done = cli("run", "all", *SMOKE_TASKS, "--protocol", "smoke", "--json", cwd=folder)

    assert done.returncode == 0, done.stderr
    return folder / "leaderboard"
