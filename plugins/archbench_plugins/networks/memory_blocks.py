"""The net of `archbench_plugins.lstm_1997`: memory cells in blocks that share their gates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from archbench_plugins.networks._scan import linear_scan
from archbench_plugins.networks._sequence import Front, Reader, project

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.lstm_1997 import LSTM1997Options


class MemoryBlocks(nn.Module):
    """All cells and gates of the net, (B, T, I) to (B, T, cells), or to (B, T, I + cells) if outputs see the inputs.

        net = W x_t + R y_{t-1} + b                     y_in, y_out, y_f = sigmoid(net)
        s_t = y_f s_{t-1} + y_in g(net_c)               y_c = y_out h(s_t)
        g(z) = 4 sigmoid(z) - 2                         h(z) = 2 sigmoid(z) - 1 = tanh(z / 2)

    Units are ordered: cells, block by block; input gates; output gates; forget gates. N is their number, S that of the
    recurrent sources: all units if connectivity is full, the cells, or none if it is below.

    Args:
        features: I.
        options: those of the plugin.
    """

    def __init__(self, features: int, options: LSTM1997Options) -> None:
        super().__init__()
        self.blocks, self.size = options.blocks, options.block_size
        self.truncated, self.output_gate, self.forget_gate = options.truncated, options.output_gate, options.forget_gate
        self.outputs_see_inputs = options.connectivity != "full"
        cells = self.blocks * self.size
        gates = self.blocks * (1 + options.output_gate + options.forget_gate)
        units = cells + gates
        sources = {"full": units, "cells": cells, "below": 0}[options.connectivity]
        reach = options.weight_range
        self.W = nn.Parameter(torch.empty(units, features).uniform_(-reach, reach))
        self.R = nn.Parameter(torch.empty(units, sources).uniform_(-reach, reach)) if sources else None
        biases = {"none": 0, "gates": gates, "gates-output": gates, "hidden": units, "all": units}[options.biases]
        self.b = nn.Parameter(torch.zeros(biases)) if biases else None
        if self.b is not None:
            with torch.no_grad():
                self.b[biases - gates :][: self.blocks] = options.input_bias
                if self.forget_gate:
                    self.b[-self.blocks :] = options.forget_bias

    @property
    def cells(self) -> int:
        """Number of memory cells."""
        return self.blocks * self.size

    def forward(self, x: Tensor) -> Tensor:
        b = self.b if self.b is None else pad(self.b, (len(self.W) - len(self.b), 0))
        a = project(self.W, b, x.permute(2, 1, 0))  # (N, T, B)
        if self.R is None:
            y = self.outputs(a)[2]
        elif self.truncated:
            # The error is cut where it would leave a net input for y_{t-1}. What is left of it flows through s alone,
            # so with the past outputs known as numbers, all steps are computed at once, and need no loop back.
            past = self.remember(a.detach(), self.R.detach())[:-1].transpose(0, 1)  # (S, T, B)
            y = self.outputs(a + project(self.R, None, past))[2]
        else:
            y = FullGradient.apply(a, self.R, self)
        h = y.permute(2, 1, 0)  # (B, T, cells)
        return torch.cat([x, h], 2) if self.outputs_see_inputs else h

    def split(self, units: Tensor) -> tuple[Tensor, list[Tensor]]:
        """(N, ...) to cells (blocks, size, ...) and gates (blocks, 1, ...)."""
        cells = units[: self.cells].view(self.blocks, self.size, *units.shape[1:])
        gates = units[self.cells :].view(-1, self.blocks, 1, *units.shape[1:])
        return cells, list(gates.unbind(0))

    def outputs(self, net: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Net inputs (N, T, B) to sigmoid(net), states s (blocks, size, T, B) and outputs y_c (cells, T, B)."""
        activation = net.sigmoid()
        cell, gates = self.split(activation)
        u = gates[0] * (4 * cell - 2)  # (blocks, size, T, B)
        if self.forget_gate:
            f = gates[-1].expand_as(u)
            s = linear_scan(f.flatten(0, 1), u.flatten(0, 1)).view_as(u)
        else:
            s = u.cumsum(2)
        y = torch.tanh(s / 2)
        if self.output_gate:
            y = gates[1] * y
        return activation, s, y.flatten(0, 1)

    @torch.no_grad()
    def remember(self, a: Tensor, R: Tensor) -> Tensor:
        """The loop over time: a (N, T, B) and R (N, S) to what the sources send, (T + 1, S, B), 0 at the start."""
        N, T, B = a.shape
        S = R.shape[1]
        y = a.new_zeros(T + 1, N, B)
        s = a.new_zeros(self.blocks, self.size, B)
        cell, gates = self.split(y[1:].transpose(0, 1))  # views of y: (blocks, size, T, B) and (blocks, 1, T, B)
        y_out = gates[1].unbind(2) if self.output_gate else None
        y_f = gates[-1].unbind(2) if self.forget_gate else None
        rows = zip(a.unbind(1), y[:-1, :S].unbind(0), y[1:].unbind(0), cell.unbind(2), gates[0].unbind(2), strict=True)
        for t, (a_t, old, new, cell_t, in_t) in enumerate(rows):
            torch.addmm(a_t, R, old, out=new).sigmoid_()
            if y_f is not None:
                s.mul_(y_f[t])
            s.addcmul_(cell_t.sub_(0.5), in_t, value=4)
            torch.mul(s, 0.5, out=cell_t).tanh_()  # the place of sigmoid(net_c) becomes that of y_c
            if y_out is not None:
                cell_t.mul_(y_out[t])
        return y[:, :S]


class FullGradient(torch.autograd.Function):
    """All steps with the gradient that is not truncated, back through every gate and cell input."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor, blocks: MemoryBlocks) -> Tensor:
        """a (N, T, B), the net inputs but for R y; R (N, S): to y_c (cells, T, B)."""
        past = blocks.remember(a, R)
        ctx.save_for_backward(a, R, past)
        ctx.blocks = blocks
        return past[1:, : blocks.cells].transpose(0, 1).contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        """(cells, T, B), the gradient in y_c, to those in a and R."""
        a, R, past = ctx.saved_tensors
        blocks: MemoryBlocks = ctx.blocks
        N, T, B = a.shape
        C = blocks.cells
        past = past[:-1].transpose(0, 1)  # (S, T, B)
        activation, s, _ = blocks.outputs(a + project(R, None, past))
        cell, gates = blocks.split(activation)
        squashed = torch.tanh(s / 2)
        y_out = gates[1] if blocks.output_gate else torch.ones_like(gates[0])
        # What a gradient in y_c, in s, and in each activation is multiplied by, step by step.
        y_to_s = (y_out * (1 - squashed.square()) / 2).unbind(2)
        s_to_c = (gates[0] * 4).expand_as(cell).unbind(2)
        s_to_in = (4 * cell - 2).unbind(2)
        s_to_f = pad(s[:, :, :-1], (0, 0, 1, 0)).unbind(2)  # s_{t-1}
        y_to_out = squashed.unbind(2)
        slope = (activation * (1 - activation)).unbind(1)
        forgets = gates[-1].unbind(2)

        dz = a.new_empty(T, N, B)
        ds, dy = torch.zeros_like(s[:, :, 0]), a.new_zeros(N, B)
        back = pad(R, (0, N - R.shape[1])).t().contiguous()  # (N, N): no gradient reaches what is no source
        for t in range(T - 1, -1, -1):
            if t < T - 1:
                torch.mm(back, dz[t + 1], out=dy)
                if blocks.forget_gate:
                    ds.mul_(forgets[t + 1])
            dy[:C] += grad[:, t]
            dy_cell, dy_gates = blocks.split(dy)
            ds.addcmul_(dy_cell, y_to_s[t])
            d_cell, d_gates = blocks.split(dz[t])
            torch.add(dy_gates[0], (ds * s_to_in[t]).sum(1, keepdim=True), out=d_gates[0])
            if blocks.output_gate:
                torch.add(dy_gates[1], (dy_cell * y_to_out[t]).sum(1, keepdim=True), out=d_gates[1])
            if blocks.forget_gate:
                torch.add(dy_gates[-1], (ds * s_to_f[t]).sum(1, keepdim=True), out=d_gates[-1])
            torch.mul(ds, s_to_c[t], out=d_cell)
            dz[t].mul_(slope[t])
        da = dz.transpose(0, 1).contiguous()  # (N, T, B)
        dR = da.view(N, T * B) @ past.reshape(-1, T * B).t()
        return da, dR, None


def build(task: TaskInfo, options: LSTM1997Options) -> nn.Module:
    """Memory blocks, and outputs that see the cells, or the inputs and the cells."""
    front = Front(task, image=options.image)
    core = MemoryBlocks(front.features, options)
    width = core.cells + (front.features if core.outputs_see_inputs else 0)
    reader = Reader(front, core, width=width, task=task)
    reader.head = nn.Linear(width, task.outputs, bias=options.biases in ("all", "gates-output"))
    nn.init.uniform_(reader.head.weight, -options.weight_range, options.weight_range)
    if reader.head.bias is not None:
        nn.init.zeros_(reader.head.bias)
    return reader
