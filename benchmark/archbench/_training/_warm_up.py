"""Work that all trials would do first; importing this module in the server of trials does it once.

It starts no threads, which would not survive the fork, and looks for no GPU, which would bind the server to the driver.
"""

from __future__ import annotations

import os

import msgspec

from archbench._declarations import TaskInfo
from archbench._planning import Device, Job
from archbench._training._measure import describe_environment
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
    finally:
        if visible is None:
            del os.environ["CUDA_VISIBLE_DEVICES"]
        else:
            os.environ["CUDA_VISIBLE_DEVICES"] = visible


_warm_up()
