"""The Vision Transformer."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.functional import pad, scaled_dot_product_attention

from archbench import Block

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.vit import ViTOptions


class Attention(nn.Module):
    """MSA: attention softmax(q k' / sqrt(D_h)) v in each of h heads, and a linear layer that joins them (eq. 5 to 8).

    Args:
        D: width; D_h is D/h.
        heads: h.
    """

    def __init__(self, D: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv, self.join = _linear(D, 3 * D), _linear(D, D)

    def forward(self, z: Tensor) -> Tensor:
        B, N, D = z.shape
        q, k, v = self.qkv(z).view(B, N, 3, self.heads, D // self.heads).permute(2, 0, 3, 1, 4)  # each (B, h, N, D_h)
        y = scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(B, N, D)
        joined: Tensor = self.join(y)  # (B, N, D)
        return joined


class Unit(nn.Module):
    """An encoder unit z' = MSA(LN(z)) + z, then MLP(LN(z')) + z' (eq. 2 and 3).

    With the shortcuts cut it is MLP(LN(MSA(LN(z)))).
    """

    def __init__(self, D: int, *, heads: int, mlp: int, shortcut: bool) -> None:
        super().__init__()
        self.norm1, self.attention = nn.LayerNorm(D, eps=1e-6), Attention(D, heads)
        self.norm2, self.mlp = nn.LayerNorm(D, eps=1e-6), nn.Sequential(_linear(D, mlp), nn.GELU(), _linear(mlp, D))
        self.shortcut = shortcut

    def forward(self, z: Tensor) -> Tensor:
        attended: Tensor = self.attention(self.norm1(z))  # (B, N, D)
        z = attended + z if self.shortcut else attended
        changed: Tensor = self.mlp(self.norm2(z))  # (B, N, D)
        return changed + z if self.shortcut else changed

    def as_block(self, name: str) -> Block:
        """Return the unit as a block; with its shortcuts it has two branches."""
        return Block(name, self, branches=(self.attention, self.mlp) if self.shortcut else ())


class VisionTransformer(nn.Module):
    """Patches, a class token, positions, L units, and a linear layer that reads the class token (eq. 1 to 4).

    Args:
        image: C, H, W.
        outputs: K.
        options: patch, width, depth, heads, mlp, shortcut.
    """

    def __init__(self, image: tuple[int, int, int], outputs: int, options: ViTOptions) -> None:
        super().__init__()
        C, H, W = image
        P, D = options.patch, options.width
        self.missing = (0, -W % P, 0, -H % P)  # columns right and rows below that fill the last patches
        N = math.ceil(H / P) * math.ceil(W / P)
        self.patches = nn.Conv2d(C, D, P, stride=P)  # E
        self.token = nn.Parameter(torch.zeros(1, 1, D))
        self.positions = nn.Parameter(torch.empty(1, N + 1, D))
        self.units = nn.Sequential(
            *(Unit(D, heads=options.heads, mlp=options.mlp, shortcut=options.shortcut) for _ in range(options.depth))
        )
        self.norm, self.head = nn.LayerNorm(D, eps=1e-6), nn.Linear(D, outputs)
        nn.init.normal_(self.positions, std=0.02)
        nn.init.trunc_normal_(self.patches.weight, std=math.sqrt(1 / (C * P * P)))
        nn.init.trunc_normal_(self.token, std=0.02)
        assert self.patches.bias is not None
        nn.init.zeros_(self.patches.bias)

    def forward(self, x: Tensor) -> Tensor:
        z = self.patches(pad(x, self.missing)).flatten(2).transpose(1, 2)  # (B, N, D)
        z = torch.cat([self.token.expand(len(z), -1, -1), z], 1) + self.positions  # (B, N + 1, D)
        z = self.norm(self.units(z))[:, 0]  # (B, D)
        logits: Tensor = self.head(z)  # (B, K)
        return logits

    def archbench_blocks(self) -> list[Block]:
        """Return the units."""
        units = [unit for unit in self.units if isinstance(unit, Unit)]
        return [unit.as_block(str(number)) for number, unit in enumerate(units, 1)]


def build(task: TaskInfo, options: ViTOptions) -> nn.Module:
    """Return the network: images (B, C, H, W) to logits (B, outputs)."""
    C, H, W = task.input_shape
    return VisionTransformer((C, H, W), task.outputs, options)


def _linear(fan_in: int, fan_out: int) -> nn.Linear:
    linear = nn.Linear(fan_in, fan_out)
    nn.init.xavier_uniform_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear
