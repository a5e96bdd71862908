"""The arithmetic that a protocol asks for."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import torch

import archbench
from archbench import DeviceError, Observer, Record
from archbench._protocols import find_protocol
from archbench._training._precision import half_precision, set_matrix_precision
from archbench._training._runner import run_trial
from support import Cli, MakeJob

NETWORK = """
def build(task, options):
    import torch
    from torch import nn
    inner = nn.Sequential(nn.Flatten(), nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, task.outputs))
    class Outer(nn.Module):
        def __init__(self):
            super().__init__()
            self.inner = inner
        def forward(self, x):
            return self.inner(x)
    return Outer()
"""
CONVERTING = NETWORK.replace(
    "            return self.inner(x)",
    "            with torch.autocast('cpu', torch.bfloat16):\n                return self.inner(x)",
)
SMOKE = 'name = "half"\nextends = "smoke"\nprecision = "{}"\n'


def trained(make_job: MakeJob, build: str, kind: str = "cpu", **rules: object) -> Record:
    """Return the record of a trial under the smoke protocol with other rules."""
    job = make_job(build, kind=kind)
    protocol = msgspec.structs.replace(find_protocol("smoke"), **rules)
    record = run_trial(msgspec.structs.replace(job, trial=msgspec.structs.replace(job.trial, protocol=protocol)))
    assert record.status == "ok", record.detail
    return record


def test_bf16_is_what_a_network_would_do_that_converts_by_itself(make_job: MakeJob) -> None:
    """In every step the weights of that moment are converted, as by a network whose `forward` opens the context.

    Converted weights that are kept over a chunk of steps would give another curve, and so would no conversion.
    """
    asked = trained(make_job, NETWORK, precision="bf16")
    by_itself = trained(make_job, CONVERTING)
    plain = trained(make_job, NETWORK)

    assert asked.curves is not None
    assert asked.curves.train_loss == by_itself.curves.train_loss
    assert asked.scores == by_itself.scores
    assert asked.curves.train_loss != plain.curves.train_loss
    assert asked.curves.train_loss == pytest.approx(plain.curves.train_loss, rel=0.05)
    assert asked.pairing == plain.pairing


def test_precision_is_part_of_the_identity_only_where_it_is_another() -> None:
    """Trials in float32 keep the ids that they had before the key came; others get their own."""
    smoke = find_protocol("smoke")
    keys = {msgspec.structs.replace(smoke, precision=name).key for name in ("32", "tf32", "bf16")}

    assert "precision" not in smoke.identity()
    assert len(keys) == 3
    assert smoke.key in keys


def test_tf32_sets_matrix_products_and_convolutions_alike() -> None:
    """Neither is left at torch's default, which lets convolutions round and linear layers not."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    try:
        for precision, allowed in (("tf32", True), ("32", False), ("bf16", False)):
            set_matrix_precision(precision)  # type: ignore[arg-type]
            assert torch.backends.cudnn.allow_tf32 is allowed
            assert torch.backends.cuda.matmul.allow_tf32 is allowed
    finally:
        torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def test_from_a_file(tmp_path: Path, cli_here: Cli) -> None:
    """A protocol file sets it; the page names it; tf32 without a GPU and unknown values are errors."""
    (tmp_path / "half.toml").write_text(SMOKE.format("bf16"))
    results = archbench.run(
        "mlp", tasks="digits", protocol=tmp_path / "half.toml", out=tmp_path / "out", workers=1, observer=Observer()
    )
    assert [record.status for record in results.records] == ["ok"]
    assert "arithmetic in bf16" in (tmp_path / "out" / "index.html").read_text()
    (tmp_path / "half.toml").write_text(SMOKE.format("tf32"))
    with pytest.raises(DeviceError, match="the protocol half asks for tf32, which only NVIDIA GPUs have"):
        archbench.run("mlp", tasks="digits", protocol=tmp_path / "half.toml", out=tmp_path / "no", device="cpu")
    (tmp_path / "half.toml").write_text(SMOKE.format("16"))
    done = cli_here("show", "./half.toml", cwd=tmp_path)
    assert done.returncode == 2
    assert 'precision is "16"; give one of 32, tf32, bf16' in done.stderr


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_bf16_on_a_gpu(make_job: MakeJob) -> None:
    """On a GPU as well, the curve is that of a network that converts by itself."""
    asked = trained(make_job, NETWORK, "cuda", precision="bf16")
    by_itself = trained(make_job, CONVERTING.replace("'cpu'", "'cuda'"), "cuda")

    assert asked.curves is not None
    assert asked.curves.train_loss == by_itself.curves.train_loss


@pytest.mark.parametrize("has_bfloat16", [True, False], ids=["AVX-512", "AVX2"])
def test_lstm_is_computed_in_half_precision_on_every_processor(
    monkeypatch: pytest.MonkeyPatch, *, has_bfloat16: bool
) -> None:
    """oneDNN raises for an LSTM where the processor has no bfloat16; it is left out there, and only there."""
    lstm, x, enabled = torch.nn.LSTM(3, 8), torch.randn(5, 2, 3), torch.backends.mkldnn.enabled
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: has_bfloat16)
    with half_precision(torch.device("cpu")):
        inside = torch.backends.mkldnn.enabled
        found = None if has_bfloat16 else lstm(x)[0]  # what this processor has is another question

    assert inside == (enabled and has_bfloat16)
    assert torch.backends.mkldnn.enabled == enabled
    if found is not None:
        torch.testing.assert_close(found.float(), lstm(x)[0], atol=0.02, rtol=0.02)
