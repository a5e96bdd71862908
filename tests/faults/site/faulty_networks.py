"""Architectures that each fail in a way of their own."""

import archbench


def raises(task, options):
    """Fail while building."""
    raise ValueError("no such network")


def exits(task, options):
    """End the process without a word."""
    import os

    os._exit(7)


def segfaults(task, options):
    """Crash the process."""
    import faulthandler

    faulthandler._sigsegv()


def sleeps(task, options):
    """Never come back, ignore the polite signal, and leave a child behind."""
    import signal
    import subprocess
    import time

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    subprocess.Popen(["sleep", "600"])
    time.sleep(600)


def not_a_number(task, options):
    """Answer NaN to everything."""
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
    """Return something else."""
    return "a network"


def wrong_shape(task, options):
    """Answer with one class too few for the labels."""
    import math

    from torch import nn

    return nn.Sequential(nn.Flatten(), nn.Linear(math.prod(task.input_shape), task.outputs - 5))


@archbench.hookimpl
def archbench_architectures():
    """One architecture per fault."""
    for function in (raises, exits, segfaults, sleeps, not_a_number, not_a_network, wrong_shape):
        name = function.__name__.replace("_", "-")
        yield archbench.Architecture(name=name, build=function, inputs=("image",), summary=function.__doc__)
