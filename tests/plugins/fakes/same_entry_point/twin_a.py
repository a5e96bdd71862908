"""One of two distributions with one entry-point name."""

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Register one network."""
    yield archbench.Architecture(name="twin-a", build="twin_a.model:build", inputs=("image",))
