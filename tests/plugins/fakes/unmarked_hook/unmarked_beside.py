"""A plugin with a marked hook and an unmarked one."""

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Register one network."""
    yield archbench.Architecture(name="beside", build="beside.model:build", inputs=("image",))


def archbench_tasks():
    """Return nothing; never called, as it is not marked."""
    return []
