"""A plugin that yields an item of the wrong type."""

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Yield one good and one bad item."""
    yield archbench.Architecture(name="lost", build="m:build", inputs=("image",))
    yield {"name": "a-dictionary"}
