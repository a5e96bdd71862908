"""A plugin without a fault."""

import archbench

calls = []


@archbench.hookimpl
def archbench_architectures():
    """Register one network."""
    return [archbench.Architecture(name="healthy-net", build="healthy_model:build", inputs=("image",), revision=3)]


@archbench.hookimpl
def archbench_tasks():
    """Register one task."""
    info = archbench.TaskInfo(kind="image", input_shape=(1, 8, 8), outputs=2)
    yield archbench.Task(
        name="healthy-task",
        info=info,
        load="healthy_data:load",
        loss="cross_entropy",
        metric="accuracy",
        chance=0.5,
        oracle=1.0,
    )


@archbench.hookimpl
def archbench_trial_started(trial):
    """Remember the trial."""
    calls.append(("started", trial))


@archbench.hookimpl
def archbench_trial_finished(record):
    """Remember the record; the argument `trial` is left out."""
    calls.append(("finished", record))


@archbench.hookimpl
def archbench_leaderboard_sections(records):
    """Count the records."""
    yield archbench.Section(title="Count", text=str(len(records)))
