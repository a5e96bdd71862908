"""Architectures that fail, each in another way."""

import archbench


def raises(task, options):
    """Fail while building."""
    raise ValueError("no such network")


def exits(task, options):
    """End the process without a message."""
    import os

    os._exit(7)


def segfaults(task, options):
    """Crash the process."""
    import faulthandler

    faulthandler._sigsegv()


def sleeps(task, options):
    """Sleep for ten minutes, ignore SIGTERM, and leave a child process behind."""
    import signal
    import subprocess
    import time

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "600"])
    time.sleep(600)


def not_a_number(task, options):
    """Return a network whose outputs are NaN."""
    import math

    from torch import nn

    class Nan(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = nn.Linear(math.prod(task.input_shape), task.outputs)

        def forward(self, x):
            return self.layer(x.flatten(1)) * float("nan")

    return Nan()


def not_a_network(task, options):
    """Return something that is not a network."""
    return "a network"


def wrong_shape(task, options):
    """Return a network with too few outputs for the labels."""
    import math

    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(task.input_shape), task.outputs - 5))


@archbench.hookimpl
def archbench_architectures():
    """Register one architecture per fault."""
    for function in (raises, exits, segfaults, sleeps, not_a_number, not_a_network, wrong_shape):
        name = function.__name__.replace("_", "-")
        yield archbench.Architecture(name=name, build=function, inputs=("image",), summary=function.__doc__)
