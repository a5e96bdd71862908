"""The other of two distributions with one entry-point name."""

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Register one network."""
    yield archbench.Architecture(name="twin-b", build="twin_b.model:build", inputs=("image",))
