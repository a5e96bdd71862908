"""One of two plugins of a distribution that declare one name."""

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Register one network."""
    yield archbench.Architecture(name="copycat", build="copycat.model:build", inputs=("image",))
