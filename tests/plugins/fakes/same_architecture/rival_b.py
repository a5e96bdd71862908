"""The other of two distributions with one architecture name."""

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Register one network."""
    yield archbench.Architecture(name="rival", build="rival.model:build", inputs=("image",))
