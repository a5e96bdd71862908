"""The arithmetic of a trial, as its protocol says."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from archbench._protocols import Precision


def set_matrix_precision(precision: Precision) -> None:
    """Allow TF32 in matrix products and convolutions on a GPU, or forbid it.

    By default convolutions round to 10 bits and linear layers do not: the arithmetic would differ by architecture.
    """
    torch.backends.cudnn.allow_tf32 = precision == "tf32"
    torch.backends.cuda.matmul.allow_tf32 = precision == "tf32"


def arithmetic(precision: Precision, device: torch.device) -> contextlib.AbstractContextManager[object]:
    """Return the context in which a network is trained and evaluated.

    With `bf16`, matrix products and convolutions take bfloat16 and give it, and weights, sums and losses stay float32
    (Micikevicius et al. 2018, Mixed Precision Training, section 3, without the scaling of the loss, which the range of
    bfloat16 makes needless).
    """
    return half_precision(device) if precision == "bf16" else contextlib.nullcontext()


@contextlib.contextmanager
def half_precision(device: torch.device) -> Iterator[None]:
    """Give bfloat16 to matrix products and convolutions on a device.

    torch asks oneDNN for an LSTM in bfloat16 also on processors where oneDNN has none, those without AVX-512, and then
    raises. There, oneDNN is left out, and torch's own kernels compute it.
    """
    onednn: Any = torch.backends.mkldnn
    enabled = onednn.enabled
    if device.type == "cpu" and onednn.is_available() and not torch.ops.mkldnn._is_mkldnn_bf16_supported():
        onednn.enabled = False
    try:
        # A context around a whole training must not keep converted weights: they would never see an update.
        with torch.autocast(device.type, torch.bfloat16, cache_enabled=False):
            yield
    finally:
        onednn.enabled = enabled


def widened(logits: Tensor) -> Tensor:
    """Return logits of 16 bits as float32, so that losses and scores are computed in it; others as they are."""
    return logits.float() if logits.dtype in (torch.bfloat16, torch.float16) else logits
