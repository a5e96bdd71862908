"""B601: the blocks that a network names for the probes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from archbench._declarations import Block
from archbench._training import Call, check_blocks, find_blocks, skipped, watched
from archbench.testing._check import Check, Fault, NotApplicable
from archbench.testing.architecture._subject import Case, Subject, moved, predict

BATCH = 4


def sound_blocks(subject: Subject) -> str:
    """Check that blocks are what `archbench.Block` says: called once each and in order, and skipped without harm.

    All weights are first moved a little, so that a branch that starts at zero takes part.

    Returns:
        A note with the number of blocks for each kind of input.
    """
    notes = []
    for case in subject.main_cases:
        network = moved(subject.build(case))
        if not hasattr(network, "archbench_blocks"):
            raise NotApplicable("the network has no method archbench_blocks()")
        blocks = _named(network, case)
        calls = _check_calls(network, blocks, case)
        for block in blocks:
            _check_block(block, calls[block.name], case)
        with skipped(blocks):
            if not bool(torch.isfinite(predict(network, case.inputs(BATCH))).all()):
                raise Fault(f"{case}: with all blocks skipped, the logits are not finite")
        notes.append(str(len(blocks)))
    return f"blocks: {', '.join(notes)}"


def _named(network: nn.Module, case: Case) -> list[Block]:
    named: Any = network.archbench_blocks()  # type: ignore[operator]
    if not isinstance(named, list | tuple) or not all(isinstance(block, Block) for block in named):
        raise Fault(f"{case}: archbench_blocks() returned no list of archbench.Block")
    if not named:
        raise Fault(f"{case}: archbench_blocks() returned no block; leave the method out")
    try:
        check_blocks(network, named)
    except ValueError as error:
        raise Fault(f"{case}: {error}") from error
    return find_blocks(network)


def _check_calls(network: nn.Module, blocks: list[Block], case: Case) -> dict[str, Call]:
    """Check that a forward pass calls each block once, and all in order, and that it gives the usual logits."""
    usual = predict(network, case.inputs(BATCH))
    events: list[str] = []
    handles = []
    for block in blocks:
        enter, leave = (lambda *_, n=f"{verb} {block.name}": events.append(n) for verb in ("enter", "leave"))
        handles += [
            block.modules[0].register_forward_pre_hook(enter),
            block.modules[-1].register_forward_hook(leave),
        ]
    with watched(blocks) as calls:
        logits = predict(network, case.inputs(BATCH))
    for handle in handles:
        handle.remove()
    expected = [f"{verb} {block.name}" for block in blocks for verb in ("enter", "leave")]
    if events != expected:
        wrong = next((got for got, want in zip(events, expected, strict=False) if got != want), "less than all blocks")
        raise Fault(f"{case}: a forward pass should call each block once, in the order of the list; it did: {wrong}")
    if not torch.allclose(logits, usual, rtol=1e-4, atol=1e-5):
        raise Fault(f"{case}: with hooks on its blocks the network gives other logits")
    return calls


@torch.no_grad()
def _check_block(block: Block, call: Call, case: Case) -> None:
    """Check that a block depends on its arguments alone, that its branches count, and that gates are open or shut."""
    where = f"{case}: block {block.name!r}"
    for tensor, side in ((call.entered, "input"), (call.left, "output")):
        if tensor.shape[block.batch_axis] != BATCH:
            raise Fault(f"{where}: axis {block.batch_axis} of its {side} {tuple(tensor.shape)} is not the batch")
    arguments, left = Call(call.arguments, call.named), call.left
    if not torch.allclose(arguments.again(block), left, rtol=1e-4, atol=1e-5):
        raise Fault(f"{where}: called again with equal arguments, it gives another output")
    _check_branches(block, arguments, left, where)
    gates = {} if block.gates is None else block.gates(*call.arguments, **call.named)
    for name, gate in gates.items():
        if not bool(((gate >= 0) & (gate <= 1)).all()):
            raise Fault(f"{where}: gate {name!r} has values outside 0 to 1")


def _check_branches(block: Block, arguments: Call, left: Tensor, where: str) -> None:
    for number, branch in enumerate(block.branches, 1):
        called: list[Any] = []
        handle = branch.register_forward_hook(lambda *event, called=called: called.append(event))
        arguments.again(block)
        handle.remove()
        if len(called) != 1:
            raise Fault(f"{where}: its branch {number} is called {len(called)} times in a call of the block, not once")
        with skipped([Block(block.name, block.module, branches=(branch,))]):
            if torch.equal(arguments.again(block), left):
                raise Fault(f"{where}: its output does not depend on its branch {number}")


CHECKS = (
    Check(
        "B601",
        "its blocks are what archbench.Block says",
        sound_blocks,
        "name each block once, in the order of the forward pass, with modules that forward() calls as modules; a "
        "branch is the last module before the sum with the straight path",
        ("B105", "B201"),
    ),
)
