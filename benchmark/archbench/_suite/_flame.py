"""A profile as the flame graph that shows it: the architecture, the phases of a step, and the layers by their paths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from archbench._errors import StoreError
from archbench._planning._profile import Layer, Phase, Profile
from archbench._report._flame import FlameNode, render_flame


@dataclass(slots=True)
class _Module:
    """A module as the path of a layer names it: its own time, and the modules inside it."""

    kind: str = ""
    own: float = 0.0
    inside: dict[str, _Module] = field(default_factory=dict)

    @property
    def seconds(self) -> float:
        """Its own time and that of all modules inside it."""
        return self.own + sum(module.seconds for module in self.inside.values())


def write_flame(profile: Profile, path: Path) -> None:
    """Write a page with the flame graph of a profile.

    Raises:
        StoreError: the file cannot be written.
    """
    try:
        path.write_text(draw_flame(profile), encoding="utf-8")
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}") from None


def draw_flame(profile: Profile) -> str:
    """Return a page with the flame graph of a profile."""
    parts = [_draw_phase(phase, number, profile) for number, phase in enumerate(profile.phases)]
    root = FlameNode(profile.architecture, sum(part.seconds for part in parts), parts=parts)
    facts = (
        f"A training step takes {1000 * root.seconds:.3g} ms: {profile.conditions()}.",
        "The layers were timed in steps of their own; their times are scaled to those of their phase.",
    )
    return render_flame(root, title=f"{profile.architecture} on {profile.task}", facts=facts)


def _draw_phase(phase: Phase, colour: int, profile: Profile) -> FlameNode:
    seconds = phase.seconds.median
    node = FlameNode(phase.name, seconds, colour=colour)
    if phase.name == "forward":
        node.parts.extend(_draw_layers(profile.layers, lambda layer: layer.forward_seconds, seconds, 0.0))
    if phase.name == "backward" and profile.loss_seconds is not None:
        layers = profile.layers[::-1]
        node.parts.extend(_draw_layers(layers, lambda layer: layer.backward_seconds, seconds, profile.loss_seconds))
    return node


def _draw_layers(
    layers: list[Layer], read: Callable[[Layer], float | None], whole: float, loss: float
) -> list[FlameNode]:
    """Return the parts of a phase.

    Args:
        layers: in the order of execution.
        read: gives the seconds of a layer in this phase; None where they were not measured.
        whole: seconds of the phase, to which the parts are scaled.
        loss: seconds of the loss in this phase.
    """
    network = _Module()
    for layer in layers:
        module = network
        for name in filter(None, layer.name.split(".")):
            module = module.inside.setdefault(name, _Module())
        module.kind, module.own = layer.type, read(layer) or 0.0
    total = network.seconds + loss
    scale = whole / total if total else 0.0
    first = [FlameNode("loss", loss * scale)] if loss else []
    return [*first, _draw_module("", network, scale)]


def _draw_module(path: str, module: _Module, scale: float) -> FlameNode:
    name = f"{path.rpartition('.')[2]} {module.kind}".strip()
    ran = {key: below for key, below in module.inside.items() if below.seconds}
    inside = [_draw_module(f"{path}.{key}".lstrip("."), below, scale) for key, below in ran.items()]
    return FlameNode(name, module.seconds * scale, f"{path} {module.kind}".strip(), parts=inside)
