"""A plugin that imports torch at the top."""

import torch  # noqa: F401

import archbench


@archbench.hookimpl
def archbench_architectures():
    """Register one network."""
    yield archbench.Architecture(name="heavy", build="heavy.model:build", inputs=("image",))
