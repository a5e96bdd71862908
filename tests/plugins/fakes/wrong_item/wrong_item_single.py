"""A plugin that returns one item and no list."""

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Return an item."""
    return archbench.Architecture(name="single", build="m:build", inputs=("image",))
