"""The sweep over file calls: its trials are forked from its run, and every call of one that fails is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from archbench import Observer
from archbench._chaos import every_call
from archbench._chaos.every_call import ENDED, REFUSED, Driven, Forker, SmallRun
from archbench._execution import Executor, Pool, Wanted
from archbench._planning import Plan, make_plan
from archbench._plugins import Plugins, load_plugins
from archbench._selection import select
from archbench._suite import RunSettings


class ForkedError(Exception):
    """Trials were to be forked."""


@pytest.fixture(scope="module")
def plugins() -> Plugins:
    """All that are installed."""
    return load_plugins()


@pytest.fixture
def plan(plugins: Plugins) -> Plan:
    """One trial."""
    architectures = select(["mlp"], plugins.architectures, "architecture")
    return make_plan(architectures, select(["digits"], plugins.tasks, "task"), protocol=every_call.RULES, seeds=1)


def test_trials_are_forked_from_the_run(
    plan: Plan, plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A small run opens an executor with its own forker; the pool of other runs would load torch for each of them."""

    def open_(pool: Pool, wanted: Wanted) -> Executor:
        assert isinstance(pool.launcher, Forker)
        raise ForkedError

    monkeypatch.setattr(every_call, "LocalExecutor", open_)
    run = SmallRun(plan, RunSettings(out=tmp_path / "out"), plugins=plugins, observer=Observer())

    with pytest.raises(ForkedError):
        run.carry_out()


def test_each_call_that_can_fail_is_swept_once(
    plan: Plan, plugins: Plugins, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of five calls all fail in turn; on a full disk those that take space do, here the second and the fourth."""
    struck = []

    def drive(plan: Plan, plugins: Plugins, out: Path, at: int, *, full: bool) -> Driven:
        out.mkdir(parents=True, exist_ok=True)
        failing = [call for call in ([2, 4] if full else range(1, 6)) if at and call >= at]
        struck.extend((full, call) for call in failing[:1])
        return Driven(REFUSED if failing else ENDED, 5, failing[0] if failing else 0)

    monkeypatch.setattr(every_call, "drive", drive)
    monkeypatch.setattr(every_call, "_begin", lambda out, whole: {})
    monkeypatch.setattr(every_call, "orphans", lambda mark, spared: [])
    told = [detail for detail, _ in every_call.sweep(plan, plugins, tmp_path, "mark")]

    assert struck == [*((False, call) for call in range(1, 6)), (True, 2), (True, 4)]
    assert [detail.split(",")[0] for detail in told] == [f"call {call}" for call in (1, 2, 3, 4, 5, 2, 4)]
