"""A plugin that yields something else."""

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Yield one good and one bad item."""
    yield archbench.Architecture(name="lost", build="m:build", inputs=("image",))
    yield {"name": "a-dictionary"}
