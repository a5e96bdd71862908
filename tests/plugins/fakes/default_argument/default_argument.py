"""A plugin with a default value that pluggy 1.6 would always use."""

import archbench


@archbench.hookimpl
def archbench_trial_finished(trial, record=None):
    """Do nothing; never called."""
