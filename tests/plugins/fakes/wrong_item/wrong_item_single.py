"""A plugin that returns an item in place of a list."""

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Return an item."""
    return archbench.Architecture(name="single", build="m:build", inputs=("image",))
