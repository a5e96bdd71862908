"""A plugin whose import leaves a trace."""

import os
from pathlib import Path

import archbench

Path(os.environ["TRACE_OF_IMPORT"]).touch()


@archbench.hookimpl
def archbench_architectures():
    """Register one network."""
    yield archbench.Architecture(name="writer", build="writer.model:build", inputs=("image",))
