"""A watch over a sharded network: what FSDP would get wrong in silence becomes an error."""

from __future__ import annotations

import dataclasses
import functools
import zlib
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torch.distributed import fsdp

from archbench._training._joining import exchanged_on
from archbench._training._shards import is_shard

Places = Sequence[tuple[dict[str, Any], str]]
"""Where weights are found while they are gathered: the dictionary of a module, and the key."""

SEES_DATACLASSES = hasattr(getattr(fsdp, "_common_utils", None), "collect_grad_tensors")
"""True if FSDP of this torch finds tensors in dataclasses, as in `archbench.Outputs`."""

CLOSE = 2
"""Steps of a chunk that are looked at closely; the first may find weights as the last forward pass left them."""


class Watch:
    """Sees which blocks run, what they do to their weights, and what they return.

    Ranks must run the same blocks in the same order and use the same weights of them, since they gather weights and add
    up gradients in the order of their calls. A block must leave its weights alone, as changes are lost with the
    gathered copy. It must return its outputs where FSDP finds them, to gather the weights again before backward.

    It looks closely at the first steps of every chunk: there the ranks meet before each block, which catches those that
    would wait for each other, and weights are compared, which catches changes behind the back of autograd.

    Args:
        blocks: by name, the inner ones first; not sharded yet.
    """

    def __init__(self, blocks: Sequence[tuple[str, nn.Module]]) -> None:
        self.trace = 0  # a checksum of all that ran
        self._before: dict[str, list[tuple[int, Tensor | None]]] = {}
        self._blocks = blocks
        self._close = CLOSE
        taken: set[int] = set()
        for name, block in blocks:
            places = [place for place in _places(block) if id(place[0][place[1]]) not in taken]
            taken |= {id(holder[key]) for holder, key in places}
            # FSDP puts its own hook in front of the first, and behind the second: both see gathered weights.
            block.register_forward_pre_hook(functools.partial(self._enter, name, places))
            block.register_forward_hook(functools.partial(self._leave, name, places))

    def meet(self) -> None:
        """Let ranks meet before they gather the weights of a block; called when the blocks are sharded."""
        for name, block in self._blocks:
            block.register_forward_pre_hook(functools.partial(self._meet, name), prepend=True)

    def begin_chunk(self) -> None:
        """Look closely at the next steps."""
        self._close = CLOSE

    def end_forward(self) -> None:
        """Note that the forward pass of a step is over."""
        if self._close:
            self.agree()
            self._close -= 1

    def note_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Note which parameters got a gradient in a step."""
        self.trace = zlib.crc32(bytes(parameter.grad is not None for parameter in parameters), self.trace)

    def agree(self) -> None:
        """Raise if the ranks did not run the same so far; all call it at the same places.

        Raises:
            RuntimeError: they did not, so that they may have mixed up their weights.
        """
        ends = torch.tensor([self.trace, -self.trace], device=exchanged_on())
        distributed.all_reduce(ends, distributed.ReduceOp.MAX)
        if int(ends.sum()) != 0:  # largest less smallest
            raise RuntimeError(
                "the ranks did not use the same weights in the same order, as where examples choose their own way "
                "through a network; sharded weights need that: leave out --strategy fsdp"
            )

    def _meet(self, name: str, block: nn.Module, inputs: object) -> None:
        self.trace = zlib.crc32(name.encode(), self.trace)
        if self._close and torch.is_grad_enabled():
            self.agree()

    def _enter(self, name: str, places: Places, block: nn.Module, inputs: object) -> None:
        if torch.is_grad_enabled():
            weights = [holder[key] for holder, key in places]
            self._before[name] = [(w._version, w.detach().clone() if self._close else None) for w in weights]

    def _leave(self, name: str, places: Places, block: nn.Module, inputs: object, outputs: Any) -> Any:
        for (holder, key), (version, copy) in zip(places, self._before.pop(name, ()), strict=False):
            weight = holder[key]
            if weight._version != version or (copy is not None and not torch.equal(weight, copy)):
                raise RuntimeError(
                    f"{_called(name)} changes its weight {key} in its forward pass, and sharded weights change in "
                    "steps of the optimiser only; leave out --strategy fsdp"
                )
        return _seen(name, outputs)


def _places(block: nn.Module) -> list[tuple[dict[str, Any], str]]:
    return [
        (module._parameters, key)
        for module in block.modules()
        for key, weight in module._parameters.items()
        if weight is not None
    ]


def _called(name: str) -> str:
    return f"the block {name}" if name else "the network"


def _seen(name: str, value: Any) -> Any:
    """Return outputs in which FSDP finds every tensor, and of which none can be changed in place unseen.

    Raises:
        RuntimeError: some cannot be looked into, or belong to sharded weights that were not gathered.
    """
    if isinstance(value, Tensor):
        if is_shard(value):
            raise RuntimeError(
                f"{_called(name)} computes with weights of a block outside of its forward pass, where they are "
                "sharded; leave out --strategy fsdp"
            )
        return value.clone() if value.requires_grad and value._is_view() else value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    look = functools.partial(_seen, name)
    if isinstance(value, dict):
        return {key: look(item) for key, item in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(look, value))
    if isinstance(value, list | tuple):
        return type(value)(map(look, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type) and SEES_DATACLASSES:
        found = {field.name: look(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return dataclasses.replace(value, **found)
    raise RuntimeError(
        f"{_called(name)} returns {type(value).__name__}, into which FSDP of torch {torch.__version__} cannot "
        "look for tensors; return tensors, lists, tuples, dictionaries or, with a newer torch, dataclasses of them, or "
        "leave out --strategy fsdp"
    )
