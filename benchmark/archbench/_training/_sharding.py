"""Sharding a network over the ranks of a trial (FSDP2): each keeps its part of every weight and of what goes with it.

The network is cut into blocks, and what is in none belongs to the network itself. A block gathers its weights from all
ranks before its forward and its backward pass, and frees them afterwards; gradients go back to the ranks that keep the
weights. So a rank has room for its parts, one block, and the activations.
"""

from __future__ import annotations

import gc
import weakref
from collections import Counter
from collections.abc import Callable

import torch
from torch import Tensor, distributed, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import fully_shard
from torch.multiprocessing.reductions import StorageWeakRef

from archbench._training._joining import exchanged_on
from archbench._training._shard_watch import Watch

LARGE = 1_000_000
"""Weights of a block that is worth gathering by itself, however large the network is."""
MOST_BLOCKS = 20
"""Parts of a small network: a block has at least so many times fewer weights than the network."""

ADVICE = "leave out --strategy fsdp, if one device can hold the network"


def shard(network: nn.Module, mesh: DeviceMesh) -> Watch:
    """Shard the weights of a network, which all ranks have built, and return what watches over its use.

    Args:
        network: on any device; rank 0 decides its weights and buffers.
        mesh: of the ranks, one-dimensional.

    Raises:
        ValueError: the weights cannot be sharded, or the network would go on with a copy of them.
    """
    _refuse_what_cannot_be_sharded(network)
    _send_to_all(network)
    blocks = [*find_blocks(network), ("", network)]
    left = _remember(network)
    watch = Watch(blocks)
    _make_contiguous(network)
    try:
        for _, block in blocks:
            fully_shard(block, mesh=mesh, reshard_after_forward=True)
        watch.meet()
    except (ValueError, NotImplementedError, AssertionError) as error:
        raise ValueError(f"the weights cannot be sharded: {error}; {ADVICE}") from error
    gc.collect()  # an earlier forward pass may have left cycles
    if kept := [name for name, is_left in left.items() if is_left()]:
        raise ValueError(
            f"the weights cannot be sharded: the network keeps {kept[0]} at a second place, outside of the parameters "
            f"of its modules, where training would not change it; {ADVICE}"
        )
    return watch


def find_blocks(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the blocks of a network by name, the inner ones first.

    These are the entries of an `nn.Sequential` or `nn.ModuleList` that have enough weights of their own: those that no
    block inside has, and that no module outside has. Tied weights are gathered with the network.
    """
    uses = _uses(network)
    total = sum(parameter.numel() for parameter in network.parameters())
    entries = {
        id(entry)
        for module in network.modules()
        if isinstance(module, nn.Sequential | nn.ModuleList)
        for entry in module
    }
    blocks: list[tuple[str, nn.Module]] = []
    taken: set[int] = set()
    for name, module in reversed(list(network.named_modules())):
        if id(module) not in entries or type(module).forward is nn.Module.forward:
            continue
        inside = _uses(module)
        own = {id(p): p.numel() for p in module.parameters() if id(p) not in taken}
        alone = all(inside[key] == uses[key] for key in inside)
        if own and alone and sum(own.values()) >= min(LARGE, total // MOST_BLOCKS):
            blocks.append((name, module))
            taken |= own.keys()
    return blocks


def _uses(module: nn.Module) -> Counter[int]:
    """Return under how many names each parameter is found, by id."""
    return Counter(id(parameter) for _, parameter in module.named_parameters(remove_duplicate=False))


def _refuse_what_cannot_be_sharded(network: nn.Module) -> None:
    sizes: Counter[int] = Counter()
    for name, parameter in network.named_parameters():
        if parameter.is_complex():
            raise ValueError(f"the weights cannot be sharded: {name} is complex; {ADVICE}")
        storage = parameter.untyped_storage()
        sizes[storage.data_ptr()] += parameter.numel() * parameter.element_size()
        if sizes[storage.data_ptr()] > storage.nbytes():
            raise ValueError(f"the weights cannot be sharded: {name} shares memory with another weight; {ADVICE}")


@torch.no_grad()
def _send_to_all(network: nn.Module) -> None:
    """Let all ranks have the weights and buffers of rank 0, as DDP does, one at a time."""
    for tensor in [*network.parameters(), *network.buffers()]:
        send(tensor)


def send(tensor: Tensor) -> None:
    """Let a tensor have the numbers of that of rank 0."""
    sent = tensor.detach().to(exchanged_on()).contiguous()
    distributed.broadcast(sent.view(torch.uint8) if sent.dtype == torch.bool else sent, 0)
    tensor.detach().copy_(sent)


def _remember(network: nn.Module) -> dict[str, Callable[[], bool]]:
    """Return for each parameter a function that tells whether something still holds it, or its memory."""
    return {name: _watch_one(parameter) for name, parameter in network.named_parameters()}


def _watch_one(parameter: nn.Parameter) -> Callable[[], bool]:
    itself, memory = weakref.ref(parameter), StorageWeakRef(parameter.untyped_storage())  # type: ignore[no-untyped-call]
    return lambda: itself() is not None or not memory.expired()  # type: ignore[no-untyped-call]


def _make_contiguous(network: nn.Module) -> None:
    """Give up the layout channels last, which FSDP does not know."""
    for parameter in network.parameters():
        parameter.data = parameter.data.contiguous()
