"""The network of 1997: memory cells in blocks that share their gates, with the truncated or the full gradient."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import pad

from archbench_plugins.shared.sequences import Front, Readout, linear_scan, project

if TYPE_CHECKING:
    from archbench import TaskInfo
    from archbench_plugins.lstm_1997 import LSTM1997Options


class MemoryBlocks(nn.Module):
    """All cells and gates of the net: (B, T, I) to (B, T, cells), or to (B, T, I + cells) if outputs see the inputs.

        net = W x_t + R y_{t-1} + b                     y_in, y_out, y_f = sigmoid(net)
        s_t = y_f s_{t-1} + y_in g(net_c)               y_c = y_out h(s_t)
        g(z) = 4 sigmoid(z) - 2                         h(z) = 2 sigmoid(z) - 1 = tanh(z / 2)

    Units are ordered: cells, block by block; input gates; output gates; forget gates. N is the number of units, S the
    number of recurrent sources: all units if connectivity is `full`, the cells if it is `cells`, none if it is `below`.

    Args:
        features: I.
        options: the options of the declaration.
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
            # The error is cut where it would pass from a net input to y_{t-1}, so it flows back through s alone. A
            # loop without gradients computes the past outputs; given these, all steps are computed at once.
            past = self.remember(a.detach(), self.R.detach())[0][:-1, : self.R.shape[1]].transpose(0, 1)  # (S, T, B)
            y = self.outputs(a + project(self.R, None, past))[2]
        else:
            y = FullGradient.apply(a, self.R, self)
        h = y.permute(2, 1, 0)  # (B, T, cells)
        return torch.cat([x, h], 2) if self.outputs_see_inputs else h

    def gates(self, x: Tensor) -> dict[str, Tensor]:
        """Return `in`, and `out` and `forget` where there are such gates, at all steps: (T, blocks, B) each."""
        b = self.b if self.b is None else pad(self.b, (len(self.W) - len(self.b), 0))
        a = project(self.W, b, x.permute(2, 1, 0))  # (N, T, B)
        C, N = self.cells, len(self.W)
        R = self.W.new_zeros(N, 0) if self.R is None else self.R
        opened = self.remember(a, R)[0][1:, C:N]  # (T, N - C, B)
        names = ["in", *["out"] * self.output_gate, *["forget"] * self.forget_gate]
        return dict(zip(names, torch.split(opened, self.blocks, 1), strict=True))

    def split(self, units: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Return views of units (N, ...): the cells (blocks, size, ...), and a list of gates (blocks, 1, ...)."""
        cells = units[: self.cells].view(self.blocks, self.size, *units.shape[1:])
        gates = units[self.cells :].view(-1, self.blocks, 1, *units.shape[1:])
        return cells, list(gates.unbind(0))

    def outputs(self, net: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return sigmoid(net), states s (blocks, size, T, B) and outputs y_c (cells, T, B) of net inputs (N, T, B)."""
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
    def remember(self, a: Tensor, R: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Run the loop over time and return all that the units do, without gradients.

        Args:
            a: net inputs without R y, (N, T, B).
            R: (N, S).

        Returns:
            units (T + 1, C + N, B), C the number of cells: y_c; the gates; sigmoid(net_c) - 1/2. Sources come first.
            s / 2 (T + 1, blocks, size, B).
            tanh(s / 2) (T, blocks, size, B).
            Row 0 of the first two is the start, all 0.
        """
        N, T, B = a.shape
        C, S = self.cells, R.shape[1]
        a, R = a.roll(-C, 0), R.roll(-C, 0)  # gates, then cells, in the order that `units` has them behind y_c
        units, s = a.new_zeros(T + 1, C + N, B), a.new_zeros(T + 1, self.blocks, self.size, B)
        gates = units[1:, C:N].view(T, -1, self.blocks, 1, B)
        cell, y = (part.view(T, self.blocks, self.size, B) for part in (units[1:, N:], units[1:, :C]))
        squashed = torch.empty_like(y) if self.output_gate else y
        y_out = gates[:, 1].unbind(0) if self.output_gate else None
        y_f = gates[:, -1].unbind(0) if self.forget_gate else None
        steps = (units[:-1, :S], units[1:, C:], cell, gates[:, 0], s[:-1], s[1:], squashed, y)
        rows = zip(a.unbind(1), *(tensor.unbind(0) for tensor in steps), strict=True)
        for t, (a_t, old, net, cell_t, in_t, s_old, s_new, squashed_t, y_t) in enumerate(rows):
            torch.addmm(a_t, R, old, out=net).sigmoid_()
            cell_t.sub_(0.5)
            if y_f is not None:
                s_old = torch.mul(s_old, y_f[t], out=s_new)
            torch.addcmul(s_old, cell_t, in_t, value=2, out=s_new)
            torch.tanh(s_new, out=squashed_t)
            if y_out is not None:
                torch.mul(squashed_t, y_out[t], out=y_t)
        return units, s, squashed


class FullGradient(torch.autograd.Function):
    """The loop over time with the full gradient, back through every gate and cell input."""

    @staticmethod
    def forward(ctx: Any, a: Tensor, R: Tensor, blocks: MemoryBlocks) -> Tensor:
        """Return y_c (cells, T, B), given the net inputs without R y, a (N, T, B), and R (N, S)."""
        units, s, squashed = blocks.remember(a, R)
        ctx.save_for_backward(R, units, s, squashed)
        ctx.blocks = blocks
        return units[1:, : blocks.cells].transpose(0, 1).contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, None]:
        """Return the gradients in a and R, given the gradient in y_c, (cells, T, B)."""
        R, units, s, squashed = ctx.saved_tensors
        (C, T, B), (N, S) = grad.shape, R.shape
        J, size = squashed.shape[1:3]
        gates = units[1:, C:N].view(T, -1, J, B)
        slopes = gates * (1 - gates)
        y_to_s, s_to_c, *to_gates = _factors(units[1:, N:].view_as(squashed), gates, slopes, s, squashed, ctx.blocks)

        dz = units.new_empty(T, N, B)
        flow = units.new_zeros(C + N, B)  # the gradients in s / 2, and by units: in y_c and in the gates
        ds, dy = flow[:C].view(J, size, B), flow[C:]
        dy_c, dy_gates = dy[:C].view(J, size, B), dy[C:].view(-1, J, B)
        # The gates get gradients from their cells: from ds and dy_c, which lie next to each other, and forget gates
        # from ds once more.
        flows = [flow[: factor.shape[1] * C].view(factor.shape[1:]) for factor in to_gates]
        terms, sums = flow.new_empty(gates.shape[1], J, size, B), torch.empty_like(dy_gates)
        parts = terms.split([factor.shape[1] for factor in to_gates])
        back = pad(R, (0, N - S)).t().contiguous()  # (N, N): units that are no sources get no gradient
        grad = grad.transpose(0, 1).contiguous().view(T, J, size, B)
        d_gate, d_cell = dz[:, C:].view_as(gates), dz[:, :C].view_as(squashed)
        steps = (dz, d_gate, d_cell, grad, y_to_s, s_to_c, slopes, gates[:, -1:].transpose(1, 2), *to_gates)
        rows = [tensor.unbind(0) for tensor in steps]
        for t in range(T - 1, -1, -1):
            dz_t, d_gate_t, d_cell_t, grad_t, y_to_s_t, s_to_c_t, slope_t, f_t, *factors = (row[t] for row in rows)
            dy_c.add_(grad_t)
            ds.addcmul_(dy_c, y_to_s_t)
            for source, factor, part in zip(flows, factors, parts, strict=True):
                torch.mul(source, factor, out=part)
            torch.sum(terms, 2, out=sums)
            torch.addcmul(sums, dy_gates, slope_t, out=d_gate_t)
            torch.mul(ds, s_to_c_t, out=d_cell_t)
            torch.mm(back, dz_t, out=dy)
            if ctx.blocks.forget_gate:
                ds.mul_(f_t)
        da = dz.transpose(0, 1).contiguous()  # (N, T, B)
        dR = da.view(N, T * B) @ units[:-1, :S].permute(0, 2, 1).reshape(T * B, S)
        return da, dR, None


def _factors(
    cell: Tensor, gates: Tensor, slopes: Tensor, s: Tensor, squashed: Tensor, blocks: MemoryBlocks
) -> list[Tensor]:
    """Return the factors that turn one gradient into the next, for all steps at once.

    Returns:
        From y_c to s / 2, and from s / 2 to net_c: (T, blocks, size, B) each.
        From s / 2 and y_c to the net inputs of input and output gates: (T, gates, blocks, size, B), to be summed over
        each block. With forget gates one more of this shape, from s / 2 to their net inputs.
    """
    y_to_s = 1 - squashed.square()
    to_gates = [2 * cell * slopes[:, 0, :, None]]
    if blocks.output_gate:
        y_to_s *= gates[:, 1, :, None]
        to_gates.append(squashed * slopes[:, 1, :, None])
    factors = [y_to_s, 2 * gates[:, 0, :, None] * (0.25 - cell.square()), torch.stack(to_gates, 1)]
    if blocks.forget_gate:
        factors.append((s[:-1] * slopes[:, -1, :, None])[:, None])
    return factors


def build(task: TaskInfo, options: LSTM1997Options) -> nn.Module:
    """Return the network: memory blocks, and outputs that see the cells, or the inputs and the cells."""
    front = Front(task, image=options.image)
    core = MemoryBlocks(front.features, options)
    width = core.cells + (front.features if core.outputs_see_inputs else 0)
    network = Readout(front, core, width=width, task=task)
    network.head = nn.Linear(width, task.outputs, bias=options.biases in ("all", "gates-output"))
    nn.init.uniform_(network.head.weight, -options.weight_range, options.weight_range)
    if network.head.bias is not None:
        nn.init.zeros_(network.head.bias)
    return network
