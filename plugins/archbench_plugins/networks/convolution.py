"""The convolution of most image nets here."""

from __future__ import annotations

from torch import nn


def convolution(C: int, D: int, kernel: int, *, stride: int = 1, bias: bool = False) -> nn.Conv2d:
    """A convolution as He et al. start it (arXiv:1502.01852, eq. 10).

    Args:
        C: channels of the input.
        D: channels of the output.
        kernel: an odd side; the image is padded so that it keeps its size at stride 1.
        stride: the output has 1/stride of the rows and columns, rounded up.
        bias: batch normalisation makes it idle.
    """
    conv = nn.Conv2d(C, D, kernel, stride=stride, padding=kernel // 2, bias=bias)
    nn.init.kaiming_normal_(conv.weight, mode="fan_in", nonlinearity="relu")
    if conv.bias is not None:
        nn.init.zeros_(conv.bias)
    return conv
