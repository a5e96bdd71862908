"""Networks with complex weights, as state spaces have, are trained, averaged, taken up again and kept."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import safetensors.torch
import torch
from torch import Tensor, nn

from archbench import Probes
from archbench._protocols import Recipe
from archbench._records import Progress, read_sidecar, read_weights
from archbench._training import _checkpoint, _together, run_together, run_trial
from archbench._training._averaging import WeightAverage
from archbench._training._optimizers import make_optimizer
from archbench._training._probes._gradients import gradient_of_layers
from archbench._training._stack import compare
from archbench._training._updates import Updates
from support import MakeJob, house_recipe
from support.going_on import numbers, with_rules
from support.residual import make_specimen

COMPLEX = """
def build(task, options):
    import torch
    class Complex(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = torch.nn.Linear(64, 16), torch.nn.Linear(16, task.outputs)
            self.w = torch.nn.Parameter(torch.randn(16, 16, dtype={dtype}) / 4)
        def forward(self, x):
            z = torch.relu(self.first(x.flatten(1)))
            return self.last((z.to(self.w.dtype) @ self.w).real.to(z.dtype))
    return Complex()
"""
SINGLE, DOUBLE = (COMPLEX.replace("{dtype}", f"torch.{name}") for name in ("complex64", "complex128"))
RECIPES = {
    "adamw": Recipe(optimizer="adamw", learning_rate=0.01, weight_decay=0.1, clip_norm=1.0),
    "adam": Recipe(optimizer="adam", learning_rate=0.01),
    "rmsprop": Recipe(optimizer="rmsprop", learning_rate=0.01, momentum=0.9),
    "sgd": Recipe(optimizer="sgd", learning_rate=0.05, clip_norm=1.0),
    "nesterov": Recipe(optimizer="nesterov", learning_rate=0.05, momentum=0.9),
}


class Turn(nn.Module):
    """A product with a complex vector."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.randn(4, dtype=torch.complex64))

    def forward(self, x: Tensor) -> Tensor:
        """Return (B, 4), given (B, 4)."""
        return (x * self.w).abs()


class StoppedError(BaseException):
    """Stands for the end of the process."""


def stop_at_the_third(told: Progress) -> None:
    """End a trial in the moment of its third validation."""
    if told.training.steps >= 12:
        raise StoppedError


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("build", [SINGLE, DOUBLE], ids=["single", "double"])
def test_goes_on_with_equal_numbers(
    name: str, build: str, make_job: MakeJob, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stopped training goes on from its state, and ends as one that was not stopped."""
    monkeypatch.setattr(_checkpoint, "EVERY", 0.0)
    job = with_rules(make_job(build), recipe=RECIPES[name], validations=5)
    path = tmp_path / "state"
    with pytest.raises(StoppedError):
        run_trial(job, None, stop_at_the_third, path)
    record = run_trial(job, None, lambda progress: None, path)

    assert record.training is not None, record.detail
    assert record.training.resumed_at == [8]
    assert numbers(record) == numbers(run_trial(job))


@pytest.mark.parametrize("name", RECIPES)
def test_update_is_that_of_both_parts(name: str) -> None:
    """A complex number is clipped and moved as the two real numbers that it is made of."""
    recipe = house_recipe(**{**msgspec.structs.asdict(RECIPES[name]), "clip_norm": 1.0})
    network = Turn()
    parts = nn.ParameterList([torch.view_as_real(network.w.detach()).clone()])
    ours, theirs = (Updates(make_optimizer(each, recipe), recipe.clip_norm) for each in (network, parts))
    for step in range(4):
        network.w.grad = torch.randn(4, dtype=torch.complex64) * 10
        parts[0].grad = torch.view_as_real(network.w.grad).clone()
        for updates in (ours, theirs):
            updates.clip()
            updates.set_rate(0.01 * (step + 1))
            updates.apply()

    assert torch.allclose(torch.view_as_real(network.w.detach()), parts[0].detach(), rtol=1e-5)


def test_average_of_both_parts() -> None:
    """The average of complex weights begins with the first, and then takes in a share of each."""
    network = Turn()
    average = WeightAverage(network, decay=0.75)
    first = network.w.detach().clone()
    average.update()
    network.w.data *= 1j
    average.update()

    assert torch.allclose(average.average["w"], 0.75 * first + 0.25j * first)


def test_kept_network_has_the_weights(make_job: MakeJob, tmp_path: Path) -> None:
    """The file of a kept network holds complex numbers; where it cannot hold them, the record stays ok and says so."""
    record = run_trial(msgspec.structs.replace(make_job(SINGLE), keep="last"), networks=tmp_path)
    weights = safetensors.torch.load(read_weights(tmp_path, read_sidecar(tmp_path, record.id)))
    double = run_trial(msgspec.structs.replace(make_job(DOUBLE), keep="last"), networks=tmp_path / "double")

    assert (record.status, record.detail) == ("ok", "")
    assert weights["w"].dtype == torch.complex64
    assert double.status == "ok"
    assert double.detail.startswith("the network was not kept")


def test_probes_measure_both_parts(make_job: MakeJob) -> None:
    """The norm of a gradient counts real and imaginary parts, and a trial with probes ends ok."""
    network, x, targets = Turn(), torch.randn(3, 4), torch.randn(3, 4)
    values = gradient_of_layers(make_specimen(network, x, targets=targets))
    loss = nn.functional.mse_loss(network(x), targets)
    (gradient,) = torch.autograd.grad(loss, [network.w])
    record = run_trial(with_rules(make_job(SINGLE), probes=Probes(at=(0, 1), measure=("gradient", "weights"))))

    assert values.values == pytest.approx([float(torch.linalg.vector_norm(gradient))])
    assert record.status == "ok", record.detail


def test_seeds_together_are_compared_in_both_parts(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seeds with complex weights train together, and a difference in an imaginary part alone would be seen."""
    monkeypatch.setattr(_together, "LEAST_GAIN", 0.0)
    records = run_together([make_job(SINGLE, seed=seed) for seed in range(2)])

    assert [record.status for record in records] == ["ok", "ok"]
    networks = [Turn(), Turn()]
    x, targets = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    assert compare(networks, [x], targets, loss="mean_squared_error", control=nn.functional.mse_loss) < 1e-5
