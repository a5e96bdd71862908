"""Work that all trials would do first; importing this module in the server of trials does it once.

It starts no threads, which would not survive the fork, and looks for no GPU, which would bind the server to the driver.
"""

from __future__ import annotations

import os

import msgspec
import torch
import torchmetrics
from torch import nn

from archbench._declarations import TaskInfo
from archbench._planning import Device, Job
from archbench._plugins import BUILT_IN, find_candidate
from archbench._training._measure import count_flops, describe_environment
from archbench._training._metrics import accuracy
from archbench._training._trainer import keep_spare


def _warm_up() -> None:
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    try:
        msgspec.json.Decoder(Job)  # reads the annotations of all structs in it
        keep_spare()  # making a Trainer reads the entry points of all installed packages
        describe_environment(Device(kind="cpu"))  # so does asking for versions
        accuracy(
            TaskInfo(kind="sequence", input_shape=(1, 1), outputs=2), "classes"
        )  # torchmetrics asks for more versions
        find_candidate(BUILT_IN, "")  # reads the metadata of the suite, for which Python imports a parser of mail
        isinstance({}, torchmetrics.Metric)  # Lightning asks; it takes a walk over all metrics
        count_flops(nn.Linear(1, 1), torch.zeros(1, 1))
        _make_kernels()
    finally:
        if visible is None:
            del os.environ["CUDA_VISIBLE_DEVICES"]
        else:
            os.environ["CUDA_VISIBLE_DEVICES"] = visible


def _make_kernels() -> None:
    """Let oneDNN write the code of its products, which takes 24 ms, on the one thread that a fork survives.

    Only a layer that is trained, on a batch of several examples, takes these products.
    """
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            nn.LSTM(2, 16)(torch.zeros(1, 16, 2))
            nn.Conv2d(16, 16, 3)(torch.zeros(8, 16, 8, 8))
    finally:
        torch.set_num_threads(threads)


_warm_up()
