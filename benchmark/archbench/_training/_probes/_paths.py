"""The probe `paths`: a residual network as a sum of short and long paths."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from archbench._declarations import Block, Outputs
from archbench._training._probes._blocks import Call, find_blocks, skipped, tensor_of, watched, with_tensor
from archbench._training._probes._gradients import differentiable_input, gradient_of_input
from archbench._training._probes._specimen import CannotMeasureError, Specimen, Values, settle

DRAWS = 3
"""Random sets of blocks for each length of path."""


def contributions_of_paths(specimen: Specimen) -> Values:
    """Return the gradient through paths of each length, and what each block adds to the output.

    A path through n residual blocks takes the branch of some and the straight path of the others; its length is the
    number of branches (Veit et al. 2016, arXiv:1605.06431). The network is in evaluation mode, with the last weights.

    - `gradient K` is the norm of the gradient of the loss for the input, along one path of length K, from 0 to n: in
      the backward pass, K blocks pass it through their branches only and the others through their straight paths only
      (section 4.3 there). It is a mean over at most three random sets of K blocks. There are n over K paths of this
      length; this binomial coefficient times the norm is what they can contribute together. For tokens, the input is
      the output of the `nn.Embedding` that is called first.
    - `output K` is the root mean square of what block K adds to the output: the output of the network with the branches
      of the first K blocks, less that with the first K - 1. `output 0` is the shortest path, with no branch at all. The
      terms add up to the output.

    Raises:
        CannotMeasureError: no block has branches.
    """
    network = settle(specimen.network, batch_statistics=False)
    blocks = [block for block in find_blocks(network) if block.branches]
    if not blocks:
        raise CannotMeasureError("no block has a branch beside a straight path")
    return Values.of([*_gradients(specimen, blocks), *_outputs(specimen, blocks)])


def _gradients(specimen: Specimen, blocks: Sequence[Block]) -> Iterator[tuple[str, float]]:
    generator = random.Random(specimen.seed)  # noqa: S311
    for length in range(len(blocks) + 1):
        draws = DRAWS if 0 < length < len(blocks) else 1
        norms = [gradient_through(specimen, blocks, generator.sample(blocks, length)) for _ in range(draws)]
        yield f"gradient {length}", sum(float(norm.double().norm()) for norm in norms) / draws


def gradient_through(specimen: Specimen, blocks: Sequence[Block], through: Collection[Block]) -> Tensor:
    """Return the gradient of the loss for the input, along one path.

    Args:
        specimen: with the network in evaluation mode.
        blocks: the residual blocks.
        through: the blocks whose branches the path takes; it takes the straight path of the others.
    """
    names = {block.name for block in through}
    with contextlib.ExitStack() as hooks:
        arguments, inputs = hooks.enter_context(differentiable_input(specimen))
        calls = hooks.enter_context(watched(blocks))
        for block in blocks:
            hooks.enter_context(_branch_only(block, calls) if block.name in names else _line_only(block))
        loss = specimen.loss(specimen.network(*arguments), specimen.targets)
    return gradient_of_input(loss, inputs)


@contextlib.contextmanager
def _line_only(block: Block) -> Iterator[None]:
    """Keep the gradient out of the branches of a block, for a while; the outputs stay."""

    def detach(module: nn.Module, arguments: Any, output: Any) -> Any:
        return with_tensor(output, tensor_of(output).detach())

    handles = [branch.register_forward_hook(detach) for branch in block.branches]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextlib.contextmanager
def _branch_only(block: Block, calls: dict[str, Call]) -> Iterator[None]:
    """Keep the gradient out of the straight path of a block, for a while; the output stays.

    The output less that of a second call, whose gradient goes through the straight path alone, has the gradient of the
    branches; the value of the second call is added without a gradient.
    """
    called_again = False

    def keep_branches(module: nn.Module, arguments: Any, output: Any) -> Any:
        nonlocal called_again
        if called_again or block.module in block.branches:  # such a block has its straight path outside
            return None
        call = calls[block.name]
        first = Call(call.arguments, call.named)
        called_again = True
        with _line_only(block):
            line = first.again(block)
        called_again = False
        return with_tensor(output, tensor_of(output) - line + line.detach())

    handle = block.modules[-1].register_forward_hook(keep_branches)
    try:
        yield
    finally:
        handle.remove()


def _outputs(specimen: Specimen, blocks: Sequence[Block]) -> Iterator[tuple[str, float]]:
    for number, term in enumerate(separated_outputs(specimen, blocks)):
        yield f"output {number}", float(term.double().square().mean().sqrt())


@torch.no_grad()
def separated_outputs(specimen: Specimen, blocks: Sequence[Block]) -> list[Tensor]:
    """Return the terms whose sum is the output: the shortest path, then what each block adds, in order.

    Args:
        specimen: with the network in evaluation mode.
        blocks: the residual blocks.
    """
    terms: list[Tensor] = []
    before: Tensor | float = 0.0
    for count in range(len(blocks) + 1):
        with skipped(blocks[count:]):
            outputs = specimen.network(*specimen.arguments)
        logits: Tensor = outputs.logits if isinstance(outputs, Outputs) else outputs
        terms.append(logits - before)
        before = logits
    return terms
