"""The blocks of a network: found, watched during a forward pass, and skipped."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from archbench._declarations import Block
from archbench._training._probes._specimen import CannotMeasureError


def find_blocks(network: nn.Module) -> list[Block]:
    """Return the blocks that a network names.

    Raises:
        CannotMeasureError: it names none.
        ValueError: they contradict the protocol.
    """
    method = getattr(network, "archbench_blocks", None)
    blocks = [] if method is None else list(method())
    if not blocks:
        raise CannotMeasureError("the network names no blocks")
    check_blocks(network, blocks)
    return blocks


def check_blocks(network: nn.Module, blocks: Iterable[Block]) -> None:
    """Check names and modules of blocks, without running them.

    Raises:
        ValueError: a name or module comes twice, or a module is not where it should be.
    """
    names: set[str] = set()
    taken: set[int] = set()
    inside_network = {id(module) for module in network.modules()}
    for block in blocks:
        if block.name in names:
            raise ValueError(f"two blocks are named {block.name!r}")
        names.add(block.name)
        mine = {id(module) for module in block.modules}
        if not mine <= inside_network:
            raise ValueError(f"block {block.name!r}: its module is not in the network")
        if mine & taken:
            raise ValueError(f"block {block.name!r}: its module is that of another block")
        taken |= mine
        inside_block = {id(part) for module in block.modules for part in module.modules()}
        if not {id(branch) for branch in block.branches} <= inside_block:
            raise ValueError(f"block {block.name!r}: a branch is not inside its module")


@dataclass(slots=True)
class Call:
    """One call of a block, and the output if the call has ended."""

    arguments: tuple[Any, ...] = ()
    named: dict[str, Any] = field(default_factory=dict)
    output: Any = None

    @property
    def entered(self) -> Tensor:
        """The tensor that came in."""
        found = [value for value in (*self.arguments, *self.named.values()) if isinstance(value, Tensor)]
        return found[0]

    @property
    def left(self) -> Tensor:
        """The tensor that came out."""
        return tensor_of(self.output)

    def again(self, block: Block) -> Tensor:
        """Call the block again with equal arguments, and return the tensor that comes out."""
        first, *others = block.modules
        output = first(*self.arguments, **self.named)
        for module in others:
            output = module(output)
        return tensor_of(output)


@contextlib.contextmanager
def watched(blocks: Iterable[Block]) -> Iterator[dict[str, Call]]:
    """Note the calls of blocks by name; of several calls of a block the last one counts."""
    calls: dict[str, Call] = {}
    with contextlib.ExitStack() as hooks:
        for block in blocks:
            _watch(block, calls, hooks)
        yield calls


def _watch(block: Block, calls: dict[str, Call], hooks: contextlib.ExitStack) -> None:
    def enter(module: nn.Module, arguments: tuple[Any, ...], named: dict[str, Any]) -> None:
        calls[block.name] = Call(arguments, named)

    def leave(module: nn.Module, arguments: Any, output: Any) -> None:
        calls[block.name].output = output

    hooks.enter_context(_removed(block.modules[0].register_forward_pre_hook(enter, with_kwargs=True)))
    hooks.enter_context(_removed(block.modules[-1].register_forward_hook(leave)))


@contextlib.contextmanager
def skipped(blocks: Iterable[Block]) -> Iterator[None]:
    """Replace each block by its straight path, for a while."""
    with contextlib.ExitStack() as hooks:
        for block in blocks:
            if block.branches:
                for branch in block.branches:
                    hooks.enter_context(_removed(branch.register_forward_hook(_zeros)))
            else:
                calls: dict[str, Call] = {}
                _watch(block, calls, hooks)
                hook = _make_bypass(block, calls)
                hooks.enter_context(_removed(block.modules[-1].register_forward_hook(hook)))
        yield


def _zeros(module: nn.Module, arguments: Any, output: Any) -> Any:
    return with_tensor(output, torch.zeros_like(tensor_of(output)))


def _make_bypass(block: Block, calls: dict[str, Call]) -> Any:
    def bypass(module: nn.Module, arguments: Any, output: Any) -> Any:
        call = calls[block.name]
        if block.line is not None:
            return with_tensor(output, block.line(*call.arguments, **call.named))
        return with_tensor(output, brought_to(tensor_of(output).shape, call.entered))

    return bypass


@contextlib.contextmanager
def _removed(handle: Any) -> Iterator[None]:
    try:
        yield
    finally:
        handle.remove()


def tensor_of(output: Any) -> Tensor:
    """Return an output that is a tensor, or the first entry of one that is a tuple."""
    tensor: Tensor = output[0] if isinstance(output, tuple) else output
    return tensor


def with_tensor(output: Any, tensor: Tensor) -> Any:
    """Return an output with another tensor in the place of `tensor_of`."""
    return (tensor, *output[1:]) if isinstance(output, tuple) else tensor


def brought_to(shape: torch.Size, x: Tensor) -> Tensor:
    """Return x in another shape, without parameters: along each axis every n-th entry, then zeros at the end.

    n is the size of x over the new size, rounded up. For the shapes inside a residual network this is its shortcut
    "option A" (He et al. 2015, arXiv:1512.03385, section 4.2).

    Raises:
        CannotMeasureError: the number of axes differs.
    """
    if x.dim() != len(shape):
        raise CannotMeasureError(f"a block that turns {tuple(x.shape)} into {tuple(shape)} cannot be skipped")
    x = x[tuple(slice(None, None, -(-old // new)) for old, new in zip(x.shape, shape, strict=True))]
    missing = [new - old for old, new in zip(x.shape, shape, strict=True)]
    return pad(x, [size for count in reversed(missing) for size in (0, count)]) if any(missing) else x
