"""Hidden velocity: steer as an optimal controller does that senses noisy positions, now and then.

Source: made for this suite, as its task of control. It is the linear-quadratic-Gaussian regulator of a double
integrator, the standard example of optimal control with a hidden state: Kalman, Boletin de la Sociedad Matematica
Mexicana 5, 1960, for the controller; Kalman, Journal of Basic Engineering 82(1), 1960, for the filter; Astrom,
"Introduction to stochastic control theory", 1970, ch. 8, for both. To hide the velocity is what makes pole balancing a
test of memory (Wieland, IJCNN 1991).

A cart has a position and a velocity. A controller pushes it by u_t, chance by w_t, and it should come to rest at 0:

    position_{t+1} = position_t + velocity_t + (u_t + w_t) / 2        at first from N(0, 1)
    velocity_{t+1} = velocity_t + u_t + w_t                           at first from N(0, 0.3^2); w_t from N(0, 0.05^2)

A sensor gives the position, with noise of standard deviation 0.3, at every third step, beginning with step 0, 1 or 2.
The controller that makes the mean of position^2 + 30 u^2 least is u_t = -K x_t, with x_t the expected state given all
that was sensed: Kalman's filter. At each step a network gets the measurement (0 if there is none) and whether there is
one (1 or 0), and has to answer u_t. It is not told u: what the controller did is part of what it has to keep track of.

u is a fixed function of what was sensed, so `oracle` is an error of 0. Answers are scaled to a mean square of 1, which
is `chance`, the error of always answering their mean, 0. The scale is exact: with M_t the covariance of the state and
P_t that of the filter's error, both of which follow by recursion, u_t has the variance K (M_t - P_t) K'.

Splits: 20,000 training and 500 validation runs, new for every seed; 2,000 test runs, always the same.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import archbench
from archbench_tasks._generated import draw_splits

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

START = 1.0, 0.3  # standard deviations of position and velocity
PUSH = 0.05
SENSOR = 0.3
PRICE = 30.0  # of u^2, against position^2: the cart comes to rest in about ten steps
EVERY = 3


@dataclass(frozen=True)
class HiddenVelocityOptions:
    """Settings of the runs."""

    steps: Annotated[int, archbench.Meta(ge=EVERY, description="steps of a run")] = (
        30  # ten to come to rest, then to keep it there
    )


def info(options: HiddenVelocityOptions) -> archbench.TaskInfo:
    """Return the `TaskInfo`: measurement and whether there is one; a number at each step."""
    return archbench.TaskInfo(kind="sequence", input_shape=(options.steps, 2), outputs=1, per_step=True)


def load(options: HiddenVelocityOptions, seed: int) -> archbench.Splits:
    """Return measurements (N, steps, 2) and pushes (N, steps, 1), float32."""
    return draw_splits(partial(generate, steps=options.steps), seed)


def generate(count: int, draw: np.random.Generator, *, steps: int) -> archbench.Examples:
    """Draw `count` runs of the cart under its controller."""
    import numpy as np

    gains, scale = kalman(steps)
    first = draw.integers(0, EVERY, count)
    x, v = START[0] * draw.standard_normal(count), START[1] * draw.standard_normal(count)
    guess_x, guess_v = np.zeros((2, count))
    inputs, pushes = np.zeros((count, steps, 2), np.float32), np.zeros((count, steps, 1), np.float32)
    for t in range(steps):
        sensed = t % EVERY == first
        y = x + SENSOR * draw.standard_normal(count)
        inputs[:, t] = np.stack([np.where(sensed, y, 0), sensed], axis=1)
        gain_x, gain_v = gains[first, t].T  # 0 where nothing is sensed
        guess_x, guess_v = guess_x + gain_x * (y - guess_x), guess_v + gain_v * (y - guess_x)
        u = -(CONTROL[0] * guess_x + CONTROL[1] * guess_v)
        pushes[:, t, 0] = u / scale
        guess_x, guess_v = _move(guess_x, guess_v, u)
        x, v = _move(x, v, u + PUSH * draw.standard_normal(count))
    return archbench.Examples(inputs, pushes)


def _move(x: Array, v: Array, push: Array) -> tuple[Array, Array]:
    """Return position and velocity one step later."""
    return x + v + push / 2, v + push


def controller() -> tuple[float, float]:
    """Return K, which makes the mean of position^2 + PRICE u^2 least, from the Riccati equation by iteration."""
    xx, xv, vv = 1.0, 0.0, 0.0  # S: the cost to go is (x, v) S (x, v)'
    for _ in range(300):
        to_x, to_v = xx / 2 + xv, xv / 2 + vv  # B' S with B = (1/2, 1)'
        weight = PRICE + to_x / 2 + to_v
        k = to_x / weight, (to_x + to_v) / weight  # B' S A / weight with A = (1 1; 0 1)
        xx, xv, vv = 1 + xx - weight * k[0] ** 2, xx + xv - weight * k[0] * k[1], xx + 2 * xv + vv - weight * k[1] ** 2
    return k


CONTROL = controller()


def kalman(steps: int) -> tuple[Array, float]:
    """Return the gains of the filter, (EVERY, steps, 2), and the root mean square of u over runs and steps.

    The first axis is the step of the first measurement, the last one position and velocity.
    """
    import numpy as np

    a, b, k = np.array([[1.0, 1.0], [0.0, 1.0]]), np.array([0.5, 1.0]), np.array(CONTROL)
    closed, chance = a - np.outer(b, k), PUSH**2 * np.outer(b, b)
    gains, variances = np.zeros((EVERY, steps, 2)), np.zeros((EVERY, steps))
    for first in range(EVERY):
        state = error = np.diag(np.square(START))  # covariances of the state, and of the filter's error
        for t in range(steps):
            if t % EVERY == first:
                gains[first, t] = error[:, 0] / (error[0, 0] + SENSOR**2)
                error = error - np.outer(gains[first, t], error[0])
            known = state - error
            variances[first, t] = k @ known @ k
            moved = a @ error @ a.T + chance
            state, error = moved + closed @ known @ closed.T, moved
    return gains, float(np.sqrt(variances.mean()))


@archbench.hookimpl
def archbench_tasks() -> Iterable[archbench.Task]:
    """Declare the runs, of any length."""
    yield archbench.Task(
        name="hidden-velocity",
        info=info,
        load=load,
        loss="mean_squared_error",
        metric="mean_squared_error",
        chance=1.0,
        oracle=0.0,
        by_default=False,
        margin=0.003,  # a root mean square of 5 % of that of the pushes
        factor=1.25,  # errors lie orders of magnitude apart: by their difference nobody is told apart
        options=HiddenVelocityOptions,
        summary="Steer a cart as the optimal controller does, from noisy positions sensed at every third step",
        source="made for this suite, after Kalman 1960 and Astrom 1970, ch. 8",
    )
