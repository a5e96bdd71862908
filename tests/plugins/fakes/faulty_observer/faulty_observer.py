"""A plugin whose observers and sections raise."""

import archbench


@archbench.hookimpl
def archbench_trial_started(trial):
    """Raise."""
    raise KeyError("no such experiment")


@archbench.hookimpl
def archbench_trial_finished(trial, record):
    """Try to end the process."""
    raise SystemExit(3)


@archbench.hookimpl
def archbench_leaderboard_sections(records):
    """Break after the first section."""
    yield archbench.Section(title="First")
    raise ZeroDivisionError("mean of nothing")
