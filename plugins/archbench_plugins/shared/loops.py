"""Loops over the numbers of arrays, compiled for the processor at hand.

A step of a cell is a product and some ten operations on each number of a state. As operations of torch they start one
by one and each goes through memory; compiled by numba they are one loop, and torch is left with the product.

A network computes with such loops on a CPU alone. What it does elsewhere, written with torch, is the form to read, and
tests hold the two together. All loops are in this file, but for those of `xlstm/by_hand.py`, which call no function of
it: numba compiles again what has changed in the file of a loop, and does not look at the files of the functions that a
loop calls.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import torch
from numba import njit, types
from torch import Tensor
from torch.utils._python_dispatch import is_in_torch_dispatch_mode

Loop = TypeVar("Loop", bound=Callable[..., Any])

ZERO, HALF, ONE, TWO = (np.float32(value) for value in (0.0, 0.5, 1.0, 2.0))
LOWEST, HIGHEST = np.float32(-87.0), np.float32(88.0)  # e^x is a normal number between them
PER_LOG_2 = np.float32(1 / math.log(2))
LOG_2 = np.float32(355 / 512)  # of few digits, so that n of them are exact
LOG_2_REST = np.float32(math.log(2) - 355 / 512)
E_2, E_3, E_4, E_5, E_6, E_7 = (np.float32(1 / math.factorial(k)) for k in range(2, 8))
SHIFT, BIAS = np.int32(23), np.int32(127)  # of the exponent in the bits of a number
LARGEST_POWER = np.float32(126)  # 2^126 and 2^-126 are normal numbers
NEAR = np.float32(0.625)
# The polynomial in y that interpolates (tanh(x) / x - 1) / y, y = x^2, at Chebyshev's points in [0.0001, 0.39]
T_0, T_1, T_2, T_3, T_4, T_5 = (
    np.float32(value)
    for value in (-0.333333332, 0.133333034, -0.0539592401, 0.0217688051, -0.00834365605, 0.00229247628)
)


def compiled(*kinds: Any) -> Callable[[Loop], Loop]:
    """Return a decorator that compiles a loop over arrays of single precision, and keeps the code on disk.

    Sums are computed in the order in which they are written, so that the same numbers give the same bits. Constants
    are of single precision; a plain 1.0 would make a whole loop double precision.

    Args:
        kinds: of each argument, the number of axes of an array whose numbers lie in order, or `int`. The loop is then
            compiled at once, and no trial has to wait for it; else where another loop calls it.
    """

    def compile_for(loop: Loop) -> Loop:
        options: dict[str, Any] = {"fastmath": {"contract"}, "error_model": "numpy"}
        try:
            made = njit(cache=True, **options)(loop)
        except RuntimeError:  # no folder is open to writing
            made = njit(**options)(loop)
        if kinds:
            made.compile(tuple(types.int64 if kind is int else types.Array(types.float32, kind, "C") for kind in kinds))
        return cast("Loop", made)

    return compile_for


def inlined(function: Loop) -> Loop:
    """Return a function that becomes part of the loops that call it."""
    return cast("Loop", njit(inline="always")(function))


def takes_loops(x: Tensor) -> bool:
    """Return whether a loop can read a tensor: in single precision on a CPU, where nothing traces the network.

    What counts operations, such as torch's counter of FLOPs, sees no loop and gets the other form.
    """
    is_traced: bool = torch.jit.is_tracing()  # type: ignore[attr-defined, no-untyped-call]
    is_known = x.dtype == torch.float32 and x.device.type == "cpu"
    return is_known and not (is_traced or torch.compiler.is_compiling() or is_in_torch_dispatch_mode())


def arrays(*tensors: Tensor) -> tuple[Any, ...]:
    """Return tensors as arrays that share their memory."""
    return tuple(tensor.detach().numpy() for tensor in tensors)


@inlined
def exp(x: Any) -> Any:
    """Return e^x without a branch, so that a loop works on several numbers at a time.

    e^x = 2^n e^r with n the nearest integer to x / log 2, and e^r, |r| <= log(2) / 2, a polynomial of degree 7 (Cody
    and Waite, "Software Manual for the Elementary Functions", 1980, ch. 6). log 2 is subtracted in two parts. Beyond
    -87 and 88 the value is that at these bounds; not-a-number stays so.
    """
    x = min(max(x, LOWEST), HIGHEST)
    n = np.floor(x * PER_LOG_2 + HALF)  # math.floor gives an integer, and its products double precision
    r = x - n * LOG_2 - n * LOG_2_REST
    tail = ((((E_7 * r + E_6) * r + E_5) * r + E_4) * r + E_3) * r + E_2
    return (tail * r * r + r + ONE) * power_of_two(n)


@inlined
def power_of_two(n: Any) -> Any:
    """Return 2^n of a whole number between -126 and 127."""
    return np.int32((np.int32(n) + BIAS) << SHIFT).view(np.float32)


@inlined
def sigmoid(x: Any) -> Any:
    """Return 1 / (1 + e^-x)."""
    return ONE / (ONE + exp(-x))


@inlined
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent; near 0, where 1 - 2 / (e^2x + 1) would lose digits, from a polynomial."""
    y = x * x
    series = (((((T_5 * y + T_4) * y + T_3) * y + T_2) * y + T_1) * y + T_0) * y
    size = abs(x)
    near, far = x + x * series, ONE - TWO / (exp(size + size) + ONE)  # both, so that there is no branch
    far = far if x > ZERO else -far
    return near if size < NEAR else far


@compiled(int, 3, 2, 3, 3, 3, 3, 3)
def gru_step(t: int, a: Any, net: Any, r: Any, z: Any, u: Any, candidate: Any, h: Any) -> None:
    """Compute step t of a GRU.

    Args:
        t: from 0.
        a: net inputs of r, z and h' without R h, (3H, T, B).
        net: R h_{t-1}, and b_R in the rows of h', (3H, B).
        r, z, u, candidate: receive the gates, u = R_h h + b_R and h' in row t, (T, H, B).
        h: h_0 to h_T, (T + 1, H, B); receives h_{t+1} of these.
    """
    H, B = r.shape[1:]
    for i in range(H):
        for j in range(B):
            r_i = sigmoid(a[i, t, j] + net[i, j])
            z_i = sigmoid(a[H + i, t, j] + net[H + i, j])
            u_i = net[2 * H + i, j]
            new = tanh(a[2 * H + i, t, j] + r_i * u_i)
            r[t, i, j], z[t, i, j], u[t, i, j], candidate[t, i, j] = r_i, z_i, u_i, new
            h[t + 1, i, j] = new + z_i * (h[t, i, j] - new)


@compiled(int, 3, 2, 3, 3, 3, 3, 3, 3, 2)
def gru_gradient_step(
    t: int, grad: Any, dh: Any, r: Any, z: Any, u: Any, candidate: Any, h: Any, d: Any, to_old: Any
) -> None:
    """Compute the gradients in the net inputs of a GRU at step t.

    Args:
        t: from 0; steps are taken from the last to the first.
        grad: the part of the gradient in h that does not come through later states, (T, H, B).
        dh: the gradient in h at this step; becomes that at the step before, but for what comes through R, (H, B).
        r, z, u, candidate, h: as `gru_step` left them.
        d: receives the gradients in the net inputs of r and z, in u, and in the net input of h', (4H, T, B).
        to_old: receives the first three at this step, (3H, B).
    """
    H, B = dh.shape
    for i in range(H):
        for j in range(B):
            r_i, z_i, new = r[t, i, j], z[t, i, j], candidate[t, i, j]
            d_new = dh[i, j] * (ONE - z_i) * (ONE - new * new)
            d_u = d_new * r_i
            d_r = d_u * u[t, i, j] * (ONE - r_i)
            d_z = dh[i, j] * (h[t, i, j] - new) * z_i * (ONE - z_i)
            to_old[i, j], to_old[H + i, j], to_old[2 * H + i, j] = d_r, d_z, d_u
            d[i, t, j], d[H + i, t, j], d[2 * H + i, t, j], d[3 * H + i, t, j] = d_r, d_z, d_u, d_new
            if t > 0:
                dh[i, j] = grad[t - 1, i, j] + dh[i, j] * z_i


@compiled(3, 3)
def min_gru_steps(a: Any, h: Any) -> None:
    """Compute all steps of a minGRU: h_t = (1 - z_t) h_{t-1} + z_t h'_t, h_0 = 0.

    Args:
        a: net inputs of z and h', (2H, T, B); those of z become 1 - z.
        h: receives h_1 to h_T, (H, T, B).
    """
    H, T, B = h.shape
    state = np.zeros(B, np.float32)
    for i in range(H):
        state[:] = ZERO
        for t in range(T):
            for j in range(B):
                keep, new = sigmoid(-a[i, t, j]), a[H + i, t, j]
                a[i, t, j] = keep
                state[j] = new + keep * (state[j] - new)
                h[i, t, j] = state[j]


@compiled(3, 3, 3, 3)
def min_gru_gradient(grad: Any, a: Any, h: Any, d: Any) -> None:
    """Compute the gradients in the net inputs of a minGRU.

    Args:
        grad: the gradient in h, (H, T, B); becomes the one that also comes through later states.
        a, h: as `min_gru_steps` left them.
        d: receives the gradients in the net inputs, (2H, T, B).
    """
    H, T, B = h.shape
    for i in range(H):
        for t in range(T - 1, -1, -1):
            for j in range(B):
                keep, new = a[i, t, j], a[H + i, t, j]
                d_new = grad[i, t, j] * (ONE - keep)
                d[i, t, j] = d_new * (new - h[i, t, j])  # as h - h' = keep (h_{t-1} - h')
                d[H + i, t, j] = d_new
            if t > 0:
                for j in range(B):
                    grad[i, t - 1, j] += a[i, t, j] * grad[i, t, j]


@compiled(3, 3)
def min_lstm_steps(a: Any, h: Any) -> None:
    """Compute all steps of a minLSTM: h_t = (f_t h_{t-1} + i_t h'_t) / (f_t + i_t), h_0 = 0.

    Args:
        a: net inputs of f, i and h', (3H, T, B); those of f and i become f and i.
        h: receives h_1 to h_T, (H, T, B).
    """
    H, T, B = h.shape
    state = np.zeros(B, np.float32)
    for n in range(H):
        state[:] = ZERO
        for t in range(T):
            for j in range(B):
                f, i, new = sigmoid(a[n, t, j]), sigmoid(a[H + n, t, j]), a[2 * H + n, t, j]
                a[n, t, j], a[H + n, t, j] = f, i
                state[j] = new + f / (f + i) * (state[j] - new)
                h[n, t, j] = state[j]


@compiled(3, 3, 3, 3)
def min_lstm_gradient(grad: Any, a: Any, h: Any, d: Any) -> None:
    """Compute the gradients in the net inputs of a minLSTM.

    f / (f + i) is the sigmoid of log f - log i, whose derivatives in the net inputs of f and i are 1 - f and i - 1.

    Args:
        grad: the gradient in h, (H, T, B); becomes the one that also comes through later states.
        a, h: as `min_lstm_steps` left them.
        d: receives the gradients in the net inputs, (3H, T, B).
    """
    H, T, B = h.shape
    for n in range(H):
        for t in range(T - 1, -1, -1):
            for j in range(B):
                f, i, new = a[n, t, j], a[H + n, t, j], a[2 * H + n, t, j]
                d_new = grad[n, t, j] * (i / (f + i))
                d_keep = d_new * (h[n, t, j] - new)  # in log f - log i; h - h' is as in `min_gru_gradient`
                d[n, t, j], d[H + n, t, j], d[2 * H + n, t, j] = d_keep * (ONE - f), d_keep * (i - ONE), d_new
            if t > 0:
                for j in range(B):
                    f, i = a[n, t, j], a[H + n, t, j]
                    grad[n, t - 1, j] += f / (f + i) * grad[n, t, j]


@inlined
def weigh(i: Any, f: Any, n: Any, power: Any) -> Any:
    """Return the weights of old and new in n_t = f n_{t-1} + e^i, which add up to 1, and n_t as n 2^power.

    Neither e^i nor n_t need be in the range of a number: they are divided by a power of 2 near the larger of e^i and
    n_{t-1}, and then by that next to n_t.
    """
    top = max(power, np.floor(i * PER_LOG_2))
    kept = f * n * power_of_two(max(power - top, -LARGEST_POWER))
    new = exp(i - top * LOG_2 - top * LOG_2_REST)
    n = np.float32(kept + new)
    bits = n.view(np.int32)
    exponent = np.int32(np.int32(bits >> SHIFT) - BIAS)
    return kept / n, new / n, np.int32(bits - np.int32(exponent << SHIFT)).view(np.float32), top + np.float32(exponent)


@compiled(2, 2, 2)
def add_product(W: Any, x: Any, y: Any) -> None:
    """Add W x to y, (M, K) and (K, B) to (M, B), four columns of W at a time: y is read and written less often."""
    M, K = W.shape
    rest = K - K % 4
    for i in range(M):
        for k in range(0, rest, 4):
            a, b, c, d = W[i, k], W[i, k + 1], W[i, k + 2], W[i, k + 3]
            for j in range(y.shape[1]):
                y[i, j] += a * x[k, j] + b * x[k + 1, j] + c * x[k + 2, j] + d * x[k + 3, j]
        for k in range(rest, K):
            a = W[i, k]
            for j in range(y.shape[1]):
                y[i, j] += a * x[k, j]


@compiled(4, 3, 4, 4, 4)
def scalar_memory_steps(a: Any, R: Any, gates: Any, e: Any, h: Any) -> None:
    """Compute all steps of an sLSTM.

    Args:
        a: net inputs of i, f, z and o without R h, (heads, 4d, T, B).
        R: (heads, 4d, d).
        gates: receives p, f, z and o, (heads, 4d, T, B).
        e, h: receive c / n and h, (heads, d, T, B).
    """
    heads, d, T, B = h.shape
    net, old, state = np.empty((4 * d, B), a.dtype), np.empty((d, B), a.dtype), np.empty((3, d, B), a.dtype)
    for head in range(heads):
        old[:], state[0], state[1], state[2] = ZERO, ZERO, ZERO, -np.inf
        for t in range(T):
            for i in range(4 * d):
                for j in range(B):
                    net[i, j] = a[head, i, t, j]
            add_product(R[head], old, net)
            for i in range(d):
                for j in range(B):
                    f, z, o = sigmoid(net[d + i, j]), tanh(net[2 * d + i, j]), sigmoid(net[3 * d + i, j])
                    _, p, n, power = weigh(net[i, j], f, state[1, i, j], state[2, i, j])
                    new = state[0, i, j] + p * (z - state[0, i, j])
                    state[0, i, j], state[1, i, j], state[2, i, j], old[i, j] = new, n, power, o * new
                    gates[head, i, t, j], gates[head, d + i, t, j] = p, f
                    gates[head, 2 * d + i, t, j], gates[head, 3 * d + i, t, j] = z, o
                    e[head, i, t, j], h[head, i, t, j] = new, o * new


@compiled(4, 3, 4, 4, 4)
def scalar_memory_gradient(grad: Any, back: Any, gates: Any, e: Any, da: Any) -> None:
    """Compute the gradients in the net inputs of an sLSTM.

    Args:
        grad: the part of the gradient in h that does not come through later states, (heads, d, T, B).
        back: R with rows and columns swapped, (heads, d, 4d).
        gates, e: as in `scalar_memory_steps`.
        da: receives the gradients in a, (heads, 4d, T, B).
    """
    heads, d, T, B = e.shape
    dz, dh, state = np.empty((4 * d, B), e.dtype), np.empty((d, B), e.dtype), np.empty((2, d, B), e.dtype)
    for head in range(heads):
        dz[:], state[:] = ZERO, ZERO  # state: the gradients in e and log n
        for t in range(T - 1, -1, -1):
            dh[:] = grad[head, :, t]
            add_product(back[head], dz, dh)
            for i in range(d):
                for j in range(B):
                    p, f = gates[head, i, t, j], gates[head, d + i, t, j]
                    z, o = gates[head, 2 * d + i, t, j], gates[head, 3 * d + i, t, j]
                    new, old = e[head, i, t, j], e[head, i, t - 1, j] if t > 0 else ZERO
                    de = state[0, i, j] + dh[i, j] * o
                    d_share = de * (z - old) * p * (ONE - p)  # in log p - log(1 - p)
                    d_old = state[1, i, j] * (ONE - p) - d_share  # in log f, and in log n_{t-1}
                    dz[i, j], dz[d + i, j] = d_share + state[1, i, j] * p, d_old * (ONE - f)
                    dz[2 * d + i, j], dz[3 * d + i, j] = de * p * (ONE - z * z), dh[i, j] * new * o * (ONE - o)
                    state[0, i, j], state[1, i, j] = de * (ONE - p), d_old
            da[head, :, t] = dz


@compiled(int, 2, 2, 1, 2, 2)
def swish_conv(B: int, x: Any, W: Any, b: Any, net: Any, y: Any) -> None:
    """Compute net, b + sum over k of W_k x_{t-3+k} with a filter for each feature, and y, its swish.

    Given B, the numbers of a step, x, net and y (D, T * B), W (D, 4) and b (D,).
    """
    D, N = x.shape
    for i in range(D):
        for n in range(N):
            net[i, n] = b[i] + W[i, 3] * x[i, n]
        for back in range(1, min(4, N // B)):
            later = net[i, back * B :]
            for n in range(N - back * B):
                later[n] += W[i, 3 - back] * x[i, n]
        for n in range(N):
            y[i, n] = net[i, n] * sigmoid(net[i, n])


@compiled()
def folded(x: Any) -> Any:
    """Return the sum of x, (N,), which it overwrites: halves are added, several numbers at a time."""
    N = len(x)
    while N > 1:
        half = (N + 1) // 2
        for n in range(N - half):
            x[n] += x[half + n]
        N = half
    return x[0]


@compiled(int, 2, 2, 2, 2, 2, 2, 1)
def swish_conv_gradient(B: int, grad: Any, x: Any, W: Any, net: Any, dx: Any, dW: Any, db: Any) -> None:
    """Compute the gradients of `swish_conv` in x, W and b, given the one in y."""
    D, N = x.shape
    dy, products = np.empty(N, x.dtype), np.empty(N, x.dtype)
    for i in range(D):
        for n in range(N):
            s = sigmoid(net[i, n])
            dy[n] = grad[i, n] * s * (ONE + net[i, n] * (ONE - s))
        dx[i] = ZERO
        for back in range(min(4, N // B)):
            later, weight = dy[back * B :], W[i, 3 - back]
            for n in range(len(later)):
                dx[i, n] += weight * later[n]
            for n in range(len(later)):  # in the loop above it would take four times as long
                products[n] = later[n] * x[i, n]
            dW[i, 3 - back] = folded(products[: len(later)])
        db[i] = folded(dy)
