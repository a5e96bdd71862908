"""The nets of depth that the studies train: how to select them, and how to find their records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

import archbench


@dataclass(frozen=True, slots=True)
class Family:
    """Nets that differ in nothing but their depth.

    Args:
        name: short, as numbers are named after it.
        label: in legends and sentences.
        architecture: declared name.
        depths: the depths of the quick size, in rising order.
        options: those that tell the family from others of its architecture, defaults included.
    """

    name: str
    label: str
    architecture: str
    depths: tuple[int, ...]
    options: Mapping[str, Any] = field(hash=False)

    def selector(self, *depths: int, **other: Any) -> str:
        """Return the selector of these depths, or of all; other options replace those of the family."""
        chosen = ",".join(str(depth) for depth in depths or self.depths)
        values = {**self.options, **other}
        return f"{self.architecture}[{','.join([f'depth={chosen}', *map(_setting, values.items())])}]"

    def find(self, data: archbench.StudyData, depth: int, **other: Any) -> archbench.StudyData:
        """Return the records of one depth; other options replace those of the family."""
        return data.where(self.architecture, **{**self.options, "depth": depth, **other})

    def trained(self, data: archbench.StudyData) -> list[int]:
        """Return the depths that have records, in rising order."""
        return sorted(data.where(self.architecture, **self.options).by("depth"))


def _setting(option: tuple[str, Any]) -> str:
    name, value = option
    values = value if isinstance(value, tuple) else (value,)
    return f"{name}=" + ",".join(str(item).lower() if isinstance(item, bool) else str(item) for item in values)


def _family(name: str, label: str, architecture: str, depths: tuple[int, ...], **options: Any) -> Family:
    return Family(name, label, architecture, depths, MappingProxyType(options))


_LAYERS = (10, 20, 50, 100)  # of the highway study, arXiv:1507.06228, sec. 3.1
_CONVOLUTIONS = (20, 56)  # of He et al., arXiv:1512.03385, Fig. 6
_HIGHWAY: dict[str, Any] = {"form": "fully-connected", "width": 50, "activation": "tanh"}
_RESNET: dict[str, Any] = {"form": "cifar", "block": "basic", "shortcut": "A"}

MLP_TANH = _family("mlp-tanh", "plain tanh", "mlp", _LAYERS, width=71, activation="tanh")
MLP_RELU = _family("mlp-relu", "plain ReLU", "mlp", (10, 20, 50), width=71, activation="relu")
HIGHWAY_2 = _family("highway-2", "highway with bias -2", "highway", _LAYERS, **_HIGHWAY, gate_bias=-2.0)
HIGHWAY_4 = _family("highway-4", "highway with bias -4", "highway", _LAYERS, **_HIGHWAY, gate_bias=-4.0)
RESIDUAL = _family("residual-mlp", "residual tanh", "residual-mlp", _LAYERS, width=71, activation="tanh", line=1.0)
FULLY_CONNECTED = (MLP_TANH, MLP_RELU, HIGHWAY_2, HIGHWAY_4, RESIDUAL)

PLAIN = _family("plain", "plain", "plain", _CONVOLUTIONS, start="he", activation="relu", normalise=True)
ORTHOGONAL = _family(
    "plain-orthogonal",
    "plain with orthogonal start",
    "plain",
    _CONVOLUTIONS,
    start="delta-orthogonal",
    activation="tanh",
    normalise=False,
)
RESNET = _family("resnet", "resnet", "resnet", _CONVOLUTIONS, **_RESNET, order="post-activation")
PRE_ACTIVATED = _family("preresnet", "pre-activated", "resnet", _CONVOLUTIONS, **_RESNET, order="pre-activation")
REZERO = _family("rezero", "rezero", "rezero", _CONVOLUTIONS, normalise=True)
FIXUP = _family("fixup", "fixup", "fixup", _CONVOLUTIONS)
STOCHASTIC = _family("stochastic-depth", "stochastic depth", "stochastic-depth", _CONVOLUTIONS, survival=0.5)
DENSENET = _family("densenet", "densenet", "densenet", (10, 22), form="cifar", k=12, bottleneck=True, compression=0.5)
CONVOLUTIONAL = (PLAIN, ORTHOGONAL, RESNET, PRE_ACTIVATED, REZERO, FIXUP, STOCHASTIC, DENSENET)

LESIONED_LAYERS = tuple(replace(family, depths=(20,)) for family in (MLP_TANH, HIGHWAY_4, RESIDUAL))
LESIONED = (replace(PLAIN, depths=(20,)), RESNET)
"""Nets that are lesioned: those with a line, and plain ones of a depth at which they still learn."""
