"""The protocol by which a network names its blocks, so that probes can measure and lesion them. Free of torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import KW_ONLY, dataclass
from typing import TYPE_CHECKING

from archbench._errors import DeclarationError

if TYPE_CHECKING:
    import torch
    from torch import nn


@dataclass(frozen=True, slots=True)
class Block:
    """A part of a network that probes measure, skip and swap.

    A network that has blocks returns them from a method `archbench_blocks()`, in the order in which a forward pass
    calls them, each once. A block maps one tensor to one tensor; further arguments, such as a mask, may follow. Of an
    output that is a tuple, the first entry counts.

    The straight path of a block is what is left of it when it is skipped: with `branches`, the block whose branches
    give zeros; with `line`, that function; with neither there is none, and a lesion puts the input in the place of the
    output, brought to its shape without parameters.

    Args:
        name: distinct in the network, without `+`. The built-ins count from 1.
        module: the module that computes the block, or several that follow each other.
        branches: the modules inside it whose outputs are added to the straight path (or concatenated with it): the last
            ones of each residual branch.
        line: `line(*inputs)` computes the straight path, for blocks whose branch is no module; not with `branches`.
        strength: factor by which the straight path multiplies its input, or `strength(*inputs)`, a tensor of factors
            whose mean counts; None to have it measured.
        batch_axis: axis of the batch in input and output.
        gates: `gates(*inputs)` returns how far each gate is open, by name, each a tensor of numbers from 0 to 1.
        reads: `reads()` returns, for a block that reads the outputs of several parts side by side, the weights that
            multiply each of them, by the name of the part; an earlier block has its own name.

    Raises:
        DeclarationError: a field does not fit.
    """

    name: str
    module: nn.Module | tuple[nn.Module, ...]
    _: KW_ONLY
    branches: tuple[nn.Module, ...] = ()
    line: Callable[..., torch.Tensor] | None = None
    strength: float | Callable[..., torch.Tensor] | None = None
    gates: Callable[..., Mapping[str, torch.Tensor]] | None = None
    reads: Callable[[], Mapping[str, torch.Tensor]] | None = None
    batch_axis: int = 0

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name or "+" in self.name:
            raise DeclarationError(f"Block name is {self.name!r}; give a text without '+', which joins names")
        if isinstance(self.module, tuple) and not self.module:
            raise DeclarationError(f"Block {self.name!r}: module is (); give a module, or several in a tuple")
        if not isinstance(self.branches, tuple):
            raise DeclarationError(f"Block {self.name!r}: branches must be a tuple of modules")
        if self.branches and self.line is not None:
            raise DeclarationError(f"Block {self.name!r}: give branches or line: a line is left with branches anyway")

    @property
    def modules(self) -> tuple[nn.Module, ...]:
        """The modules that compute the block, in order."""
        return self.module if isinstance(self.module, tuple) else (self.module,)
