"""A plugin with the name of a hook misspelt."""

import archbench


@archbench.hookimpl
def archbench_architecture():
    """Register one network."""
    yield archbench.Architecture(name="misspelt", build="misspelt.model:build", inputs=("image",))
