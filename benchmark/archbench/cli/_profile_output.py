"""The output of `benchmark profile`: the measurement, its tables and its JSON."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from rich.text import Text

from archbench._planning._profile import PASSES, Layer, Profile, ProfileFailure
from archbench._selection import choose_protocol
from archbench.cli._output import print_json
from archbench.cli._tables import make_table, print_table

UNEVEN = 1.25
"""Steps differ much if the upper quartile is so many times the lower one."""


def measure(
    plugins: Any, protocol: str, arch: str, tasks: list[str], settings: Any, flame: Path | None
) -> Profile | ProfileFailure:
    """Measure one cell and return its profile; write the flame graph if there is to be one."""
    from archbench._suite import _profile as suite
    from archbench._suite._flame import write_flame
    from archbench._suite._progress import make_progress

    observer = make_progress()
    for path in (settings.trace, flame):
        suite.refuse_unwritable(path)
    cell = suite.choose_cell(plugins, choose_protocol(protocol, plugins.protocols), arch, tasks, observer)
    found = suite.profile_cell(cell, settings, observer)
    if flame is not None and isinstance(found, Profile):
        write_flame(found, flame)
    return found


def _show_failure(failure: ProfileFailure, *, json: bool) -> int:
    if json:
        print_json({"exit_code": 1, "error": failure.message, "detail": failure.detail})
    more = " (more with --json)" if failure.detail else ""
    print(f"benchmark: the profile failed: {failure.message}{more}", file=sys.stderr)
    return 1


def show(found: Profile | ProfileFailure, layers: int, *, json: bool) -> int:
    """Print a profile, or why there is none, and return the exit code."""
    if isinstance(found, ProfileFailure):
        return _show_failure(found, json=json)
    if json:
        fields: dict[str, Any] = msgspec.to_builtins(found)
        del fields["type"]  # tells the two answers of the process apart
        print_json({"exit_code": 0, **fields})
        return 0
    print(f"{found.architecture} on {found.task}, {found.parameters:,} parameters")
    print(f"{found.conditions()}\n")
    _print_phases(found)
    print()
    _print_layers(found, layers)
    print()
    for line in _remarks(found):
        print(line)
    return 0


def _print_phases(found: Profile) -> None:
    table = make_table("phase", "ms", "quartiles", "share", right=(1, 2, 3))
    for phase in found.phases:
        spread = phase.seconds
        quartiles = f"{_ms(spread.low)} to {_ms(spread.high)}"
        table.add_row(phase.name, _ms(spread.median), quartiles, f"{phase.share:.1%}")
    table.add_row("step", _ms(found.step.median), f"{_ms(found.step.low)} to {_ms(found.step.high)}", "")
    print_table(table)


def _print_layers(found: Profile, count: int) -> None:
    whole = found.step.median
    slowest = sorted(found.layers, key=lambda layer: layer.seconds, reverse=True)
    shown, others = slowest[:count], slowest[count:]
    headings = ("layer", "type", "calls", "forward ms", "backward ms", "share", "parameters", "output kB")
    table = make_table(*headings, right=(2, 3, 4, 5, 6, 7))
    for layer in shown:
        table.add_row(*_describe_layer(layer, whole))
    if others:
        table.add_row(*_sum_of_layers(others, whole))
    if found.loss_seconds is not None:
        table.add_row("loss", "", "", "", _ms(found.loss_seconds), f"{found.loss_seconds / whole:.1%}", "", "")
    rest = found.unattributed_seconds
    table.add_row("unattributed", "", "", "", _ms(rest), f"{rest / whole:.1%}", "", "")
    print_table(table)


def _describe_layer(layer: Layer, whole: float) -> Iterator[Text | str]:
    yield Text(layer.name or "(the network)")
    yield Text(layer.type if layer.leaf else f"{layer.type}, itself")
    yield f"{layer.calls:.3g}"
    yield _ms(layer.forward_seconds)
    yield _ms(layer.backward_seconds)
    yield f"{layer.seconds / whole:.1%}"
    yield _count(layer.parameters)
    yield "" if layer.output_bytes is None else f"{layer.output_bytes / 1000:,.1f}"


def _sum_of_layers(layers: list[Layer], whole: float) -> Iterator[str]:
    yield f"{len(layers)} more, see --layers"
    yield ""
    yield ""
    yield _ms(sum(layer.forward_seconds or 0.0 for layer in layers))
    yield _ms(sum(layer.backward_seconds or 0.0 for layer in layers))
    yield f"{sum(layer.seconds for layer in layers) / whole:.1%}"
    yield _count(sum(layer.parameters for layer in layers))
    yield ""


def _remarks(found: Profile) -> Iterator[str]:
    """Yield what the tables leave open, a line each."""
    yield (
        f"A step of a trial takes {_ms(found.suite_step.median)} ms; timed by phases {found.phases_ratio:.2f} times "
        f"that, and forward and backward by layers {found.layers_ratio:.2f} times those by phases."
    )
    if found.step.high > UNEVEN * found.step.low:
        yield "Steps differ much, by other work on this machine or by chance in the network; so more is unattributed."
    peak = found.peak_flops_per_second
    measured = f"{_giga(peak)} GFLOP/s that a float32 matrix product reaches here"
    if found.flops_per_step is None or found.flops_per_second is None:
        yield f"FLOPs cannot be counted in this network; the peak is the {measured}."
    else:
        yield (
            f"{found.flops_per_example:,} FLOPs in a forward pass of one example; a step counts as {PASSES} forward "
            f"passes of the batch: {_giga(found.flops_per_second)} GFLOP/s, {found.flops_per_second / peak:.1%} of the "
            f"{measured}."
        )
    if found.peak_memory_bytes is not None:
        yield f"Peak memory: {found.peak_memory_bytes / 1e6:,.1f} MB."


def _ms(seconds: float | None) -> str:
    return "-" if seconds is None else f"{1000 * seconds:.3f}"


def _count(parameters: int) -> str:
    return f"{parameters:,}" if parameters else ""


def _giga(operations: float) -> str:
    return f"{operations / 1e9:,.3g}" if operations < 1e12 else f"{operations / 1e9:,.0f}"
