"""A network named like a variant of its neighbour."""

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Register one network."""
    yield archbench.Architecture(name="deep-net", build="deep_net.model:build", inputs=("image",))
