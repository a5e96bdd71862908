"""`python -m archbench.testing.architecture._rank`: one of two processes that train a network together."""

from __future__ import annotations

import hashlib
import os
import sys

import msgspec
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

from archbench._declarations import convert_options
from archbench._plugins import load_source
from archbench.testing.architecture._learning import train_step
from archbench.testing.architecture._processes import RANKS, Step
from archbench.testing.architecture._subject import Subject


def main() -> None:
    """Read the order from standard input, train for two steps, and print a hash of the weights."""
    step = msgspec.json.decode(sys.stdin.buffer.read(), type=Step)
    torch.set_num_threads(1)
    rank = int(os.environ["RANK"])
    dist.init_process_group("gloo", init_method=f"file://{step.meeting_place}", rank=rank, world_size=RANKS)
    print(_train(step, rank))  # noqa: T201 - the answer
    sys.stdout.flush()
    dist.barrier()  # the other process may still be waiting for data from this process
    # os._exit instead of an ordinary end, in which threads of gloo sometimes outlive their data: the process aborts.
    os._exit(0)


def _train(step: Step, rank: int) -> str:
    plugins = load_source(step.source, step.origin)
    architecture = next(r.item for r in plugins.architectures if r.item.name == step.name)
    subject = Subject(architecture, options=convert_options(architecture, step.options))
    case = next(case for case in subject.main_cases if case.info.kind == step.kind)
    unused = bool(architecture.unused_parameters)
    network = DistributedDataParallel(subject.build(case, seed=0).train(), find_unused_parameters=unused)
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.01)
    for index in range(2):
        train_step(network, optimizer, case.inputs(4, seed=10 * index + rank), case.targets(4))
    digest = hashlib.sha256()
    for parameter in network.parameters():
        digest.update(parameter.detach().contiguous().numpy().data)
    return digest.hexdigest()


if __name__ == "__main__":
    main()
