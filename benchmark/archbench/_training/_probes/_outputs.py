"""The probes `activation` and `rank`: size and diversity of the outputs of blocks."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from archbench._training._probes._blocks import find_blocks, skipped, tensor_of, watched
from archbench._training._probes._specimen import Specimen, Values, settle


@torch.no_grad()
def effective_ranks(specimen: Specimen) -> Values:
    """Return the effective rank of the outputs of each block, over the examples.

    Of an output, all numbers count, those of all pixels or steps: the layers above can read them all, and so a layer's
    width does not bound the rank of a narrow layer with large maps below that of a wide one. The most is the number of
    examples less one, as the mean over the examples is taken off: it is the same for all of them, so it tells none from
    another, and after ReLU it would outweigh the rest. The mode is that of `settle`.
    """
    network = settle(specimen.network)
    blocks = find_blocks(network)
    with watched(blocks) as calls:
        network(*specimen.arguments)
    outputs = ((block, calls[block.name].left) for block in blocks)
    return Values.of(
        (block.name, effective_rank(output.movedim(block.batch_axis, 0).flatten(1))) for block, output in outputs
    )


def effective_rank(matrix: Tensor) -> float:
    """Return the effective rank of rows less their mean: the exponential of the entropy of the singular values.

    The singular values are normalised to a sum of 1 (Roy and Vetterli, "The effective rank", EUSIPCO 2007, definition
    1). Those below the rounding error of the rows count as 0; with no other the rank is 0.

    Args:
        matrix: (examples, features).
    """
    rows = matrix.double()
    rows = rows - rows.mean(0)
    squares = torch.linalg.eigvalsh(rows @ rows.t() if len(rows) < rows.shape[1] else rows.t() @ rows)
    values = squares.clamp(min=0).sqrt()
    values = values[values > matrix.double().norm() * torch.finfo(matrix.dtype).eps]
    if not len(values):
        return 0.0 if bool(torch.isfinite(matrix).all()) else float("nan")
    shares = values / values.sum()
    return float(torch.exp(-(shares * shares.log()).sum()))


@torch.no_grad()
def activations(specimen: Specimen) -> Values:
    """Return the root mean square of the output of each block, and of branch and line where it has branches.

    They are named `BLOCK`, `BLOCK.branch` and `BLOCK.line`, and several branches `BLOCK.branch1` and so on. The line is
    the output of the block with the branches at zero; a block that is nothing but its branch has none. The mode is that
    of `settle`.
    """
    network = settle(specimen.network)
    return Values.of(_activations(specimen, network))


def _activations(specimen: Specimen, network: torch.nn.Module) -> Iterator[tuple[str, float]]:
    blocks = find_blocks(network)
    branches: dict[int, Tensor] = {}
    for branch in (branch for block in blocks for branch in block.branches):
        branch.register_forward_hook(lambda module, _, output: branches.update({id(module): tensor_of(output)}))
    with watched(blocks) as calls:
        network(*specimen.arguments)
    for block in blocks:
        call, several = calls[block.name], len(block.branches) > 1
        yield block.name, _root_mean_square(call.left)
        outputs = [branches[id(branch)] for branch in block.branches]
        for number, output in enumerate(outputs, 1):
            yield f"{block.name}.branch{number if several else ''}", _root_mean_square(output)
        if block.branches and block.module not in block.branches:
            with skipped([block]):
                yield f"{block.name}.line", _root_mean_square(call.again(block))


def _root_mean_square(x: Tensor) -> float:
    return float(x.double().square().mean().sqrt())
