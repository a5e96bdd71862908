"""The GPU of a Mac as a device. No test machine has one, so what it lacks is played by the meta device."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from archbench import DeviceError
from archbench._execution._capacity import Capacity, share_devices
from archbench._planning import Device
from archbench._records import conditions_of
from archbench._suite._doctor import _name
from archbench._training import _backends, _trainer
from archbench._training._measure import describe_environment, peak_memory
from archbench._training._trial_run import TrialRun
from support import MakeJob, MakeRecord

LINEAR = "def build(task, options): return linear(task)\n"
MAC = Capacity(preloaded=True, parent_threads=1, gpus=[], mps=True)


def test_one_trial_at_a_time_gets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is given to one worker if it is asked for; `auto` leaves it alone."""
    monkeypatch.setattr("archbench._execution._capacity.available_cores", lambda: 8)
    asked, auto = (share_devices(MAC, device=device, workers=None) for device in ("mps", "auto"))

    assert [(device.kind, device.threads) for device in asked] == [("mps", 8)]
    assert {device.kind for device in auto} == {"cpu"}
    assert _name(asked[0]) == "mps (the GPU of this Mac)"


def test_it_must_be_there() -> None:
    """Without it, asking for it is an error that names the choices."""
    with pytest.raises(DeviceError, match="--device mps: torch sees no GPU of a Mac here; use --device cpu or auto"):
        share_devices(Capacity(preloaded=True, parent_threads=1, gpus=["a GPU"]), device="mps", workers=None)


def test_trials_are_set_up_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tensors go to `mps`, and Lightning gets the accelerator of that name."""
    asked: list[dict[str, Any]] = []
    monkeypatch.setattr("lightning.pytorch.Trainer", lambda **options: asked.append(options))
    device = Device(kind="mps")
    before = torch.get_num_threads()
    found = _trainer.set_up_device(device)
    torch.set_num_threads(before)
    _trainer.make_trainer(device)

    assert found == torch.device("mps")
    assert (asked[0]["accelerator"], asked[0]["devices"]) == ("mps", 1)


def test_records_say_so(make_record: MakeRecord) -> None:
    """The environment names it, its memory is not known, and its trials count with no others."""
    environment = describe_environment(Device(kind="mps"))
    record = make_record(environment=environment)

    assert environment.device == "mps"
    assert peak_memory(Device(kind="mps"), 0) is None
    assert conditions_of(record).device == "mps"


def test_metrics_stay_where_doubles_are(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a device without doubles the network moves and the metrics stay; their inputs come to them."""
    run = TrialRun(make_job(LINEAR))
    run.prepare()
    assert run.module is not None
    monkeypatch.setattr(_backends, "NO_DOUBLES", ("meta",))
    run.module.to("meta")

    assert {parameter.device.type for parameter in run.module.network.parameters()} == {"meta"}
    assert {metric.device.type for metric in (run.module.metric, run.module.loss_metric)} == {"cpu"}
    seen: list[str] = []
    metric: Any = SimpleNamespace(device="cpu", update=lambda *values: seen.extend(v.device.type for v in values))
    monkeypatch.setattr(torch.Tensor, "to", lambda self, device: torch.zeros(self.shape, device=device))
    run.module._update(metric, torch.zeros(3, 10, device="meta"), torch.zeros(3, device="meta"))
    assert seen == ["cpu", "cpu"]


def test_it_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that is read waits for what the device was given, and its random state is kept with the others."""
    calls: list[str] = []
    monkeypatch.setattr(torch.mps, "synchronize", lambda: calls.append("wait"))
    monkeypatch.setattr(torch.mps, "get_rng_state", lambda: torch.tensor([7]))
    monkeypatch.setattr(torch.mps, "set_rng_state", lambda state: calls.append(str(int(state))))
    device = torch.device("mps")
    _backends.wait_for(device)
    for state in _backends.random_state(device).values():
        _backends.set_random_state(device, state)

    assert calls == ["wait", "7"]
    assert _backends.random_state(torch.device("cpu")) == {}


@pytest.mark.parametrize(("capability", "ending"), [("AVX2", " cores, AVX2"), ("DEFAULT", " cores")])
def test_processor_is_told_with_its_vector_instructions(
    monkeypatch: pytest.MonkeyPatch, capability: str, ending: str
) -> None:
    """Two processors of one name round otherwise where one of them has no AVX-512; not all have such kernels."""
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: capability)

    assert describe_environment(Device(kind="cpu")).processor.endswith(ending)
