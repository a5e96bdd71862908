"""The probes `gate` and `strength`: how far gates are open, and how strong straight paths are."""

from __future__ import annotations

from collections.abc import Iterator

import torch

from archbench._declarations import Block
from archbench._training._probes._blocks import Call, brought_to, find_blocks, skipped, watched
from archbench._training._probes._specimen import CannotMeasureError, Specimen, Values, settle


@torch.no_grad()
def openings(specimen: Specimen) -> Values:
    """Return the mean opening of each gate over examples, steps and units, as `BLOCK.GATE`; 1 is open.

    The mode is that of `settle`.

    Raises:
        CannotMeasureError: no block has gates.
    """
    blocks, calls = _called(specimen)
    openings = list(_openings(blocks, calls))
    if not openings:
        raise CannotMeasureError("no block names gates")
    return Values.of(openings)


def _openings(blocks: list[Block], calls: dict[str, Call]) -> Iterator[tuple[str, float]]:
    for block in blocks:
        call = calls[block.name]
        gates = {} if block.gates is None else block.gates(*call.arguments, **call.named)
        yield from ((f"{block.name}.{name}", float(gate.double().mean())) for name, gate in gates.items())


@torch.no_grad()
def strengths(specimen: Specimen) -> Values:
    """Return the factor by which the straight path of each block multiplies its input.

    It is what the block declares, or the mean of it. Otherwise it is measured: the s for which s x is closest to what
    the block gives with its branches at zero, in the sum of squares, where `brought_to` gives the input x the shape of
    the output. So an identity has 1, an identity times 0.5 has 0.5, a gate its mean weighed by x^2, and a block without
    a straight path 0. A shortcut with weights has what it keeps of its input. The mode is that of `settle`.
    """
    blocks, calls = _called(specimen)
    return Values.of((block.name, _strength(block, calls[block.name])) for block in blocks)


def _strength(block: Block, call: Call) -> float:
    if isinstance(block.strength, float | int):
        return float(block.strength)
    if block.strength is not None:
        return float(block.strength(*call.arguments, **call.named).double().mean())
    if block.line is None and not block.branches:
        return 0.0
    with skipped([block]):
        y = call.again(block).double()
    try:
        x = brought_to(y.shape, call.entered).double()
    except CannotMeasureError:
        return float("nan")
    return float((x * y).sum() / x.square().sum())


def _called(specimen: Specimen) -> tuple[list[Block], dict[str, Call]]:
    network = settle(specimen.network)
    blocks = find_blocks(network)
    with watched(blocks) as calls:
        network(*specimen.arguments)
    return blocks, calls
