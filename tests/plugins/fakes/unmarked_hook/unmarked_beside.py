"""One marked hook, and one that was forgotten."""

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Register one network."""
    yield archbench.Architecture(name="beside", build="beside.model:build", inputs=("image",))


def archbench_tasks():
    """Not marked, so never called."""
    return []
