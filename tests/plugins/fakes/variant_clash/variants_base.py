"""A network with a variant."""

from dataclasses import dataclass

import archbench


@dataclass(frozen=True)
class Options:
    """One setting."""

    depth: int = 1


@archbench.hookimpl
def archbench_architectures():
    """Register one network with a variant."""
    variants = {"deep-net": {"depth": 9}}
    yield archbench.Architecture(name="net", build="m:build", inputs=("image",), options=Options, variants=variants)
