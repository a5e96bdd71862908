"""A plugin whose hook breaks after its first item."""

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Register one network."""
    yield archbench.Architecture(name="first-half", build="first_half.model:build", inputs=("image",))
    raise RuntimeError("the second half is missing")
