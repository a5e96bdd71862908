"""Networks that take gradients of their own in `forward`, as those that go down an energy do."""

from __future__ import annotations

from archbench import Probes
from archbench._training import run_trial
from support import MakeJob
from support.going_on import with_rules

ENERGY = """
def build(task, options):
    import torch
    class Energy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.net = linear(task)
        def forward(self, x):
            with torch.enable_grad():
                x = x.detach().requires_grad_()
                (step,) = torch.autograd.grad(self.net(x).logsumexp(-1).sum(), x, create_graph=True)
            {after}
            return self.net(x - step)
    return Energy()
"""


def test_is_trained(make_job: MakeJob) -> None:
    """It is trained, validated and tested, and its operations, which torch cannot count, are not measured."""
    job = with_rules(make_job(ENERGY.format(after="")), probes=Probes(measure=("gradient", "weights")))
    record = run_trial(job)

    assert record.status == "ok", record.detail
    assert record.resources.flops is None
    assert record.resources.parameters == 64 * 10 + 10


def test_an_error_of_its_own(make_job: MakeJob) -> None:
    """An error of the network itself is not taken for one of the counter of operations."""
    record = run_trial(make_job(ENERGY.format(after="raise ValueError('my own')")))

    assert (record.status, record.message) == ("failed", "ValueError: my own")
