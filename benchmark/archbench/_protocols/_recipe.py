"""Recipes: how the weights are updated. Plain data, for the house recipe of a protocol and for own recipes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

Optimizer = Literal["sgd", "nesterov", "adam", "adamw", "rmsprop"]
CUSTOM = "custom"
"""The optimizer of an own recipe whose plugin makes it; see `archbench.Published`."""
Share = Annotated[float, Meta(gt=0, lt=1)]
Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=1)]


class Additions(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The parts of an own recipe that no house recipe has; the code itself is that of the plugin.

    Args:
        optimizer, schedule: names of the functions that make them; empty for those of the recipe.
        average: decay of the average of the weights that is evaluated, for each step; 0 for the weights themselves.
    """

    optimizer: str = ""
    schedule: str = ""
    average: Annotated[float, Meta(ge=0, lt=1)] = 0.0


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """How the weights of a network are updated.

    Args:
        optimizer: `sgd`, with momentum if there is any; `nesterov` (Sutskever et al. 2013); `adam`; `adamw`; `rmsprop`;
            `custom` for that of a plugin, in an own recipe only.
        learning_rate: peak of the schedule.
        warmup: share of the budget over which the learning rate rises linearly to its peak.
        warmup_rate: the learning rate during a warm-up at a constant rate; 0 if the rate rises.
        milestones: shares of the budget after which the learning rate is multiplied by `decay`; empty for a constant
            rate. If this is None, the rate falls along a half cosine.
        floor: the end of the half cosine, as a share of the peak.
        decay: see `milestones`.
        betas: the two decay rates of Adam (Kingma and Ba, arXiv:1412.6980, Algorithm 1).
        momentum: of `sgd`, `nesterov` and `rmsprop`.
        weight_decay: added to the gradient; decoupled from it for `adamw` (Loshchilov and Hutter, arXiv:1711.05101).
        decay_biases: weight decay applies to biases too.
        bias_rate: the learning rate of biases divided by that of the other parameters.
        clip_norm: bound on the global gradient norm (Pascanu et al., arXiv:1211.5063, Algorithm 1); 0 for none.
        batch_size: examples per step; None for that of the protocol. Only an own recipe has one.
        epochs, steps: the budget of an own recipe; used if the protocol has none.
        additions: set by `archbench.Published`, which has the code.

    Raises:
        ValueError: the settings contradict each other.
    """

    optimizer: Literal[Optimizer, "custom"]
    learning_rate: Positive
    warmup: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    warmup_rate: NotNegative = 0.0
    milestones: tuple[Share, ...] | None = ()
    floor: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    decay: Positive = 0.1
    betas: tuple[Share, Share] = (0.9, 0.999)
    momentum: Annotated[float, Meta(ge=0, lt=1)] = 0.0
    weight_decay: NotNegative = 0.0
    decay_biases: bool = True
    bias_rate: Positive = 1.0
    clip_norm: NotNegative = 0.0
    batch_size: Count | None = None
    epochs: Positive | None = None
    steps: Count | None = None
    additions: Additions | UnsetType = UNSET  # left out of the identity where there are none, so that older ids stay

    def __post_init__(self) -> None:
        if self.momentum and self.optimizer in ("adam", "adamw"):
            raise ValueError(f"momentum is {self.momentum}, and {self.optimizer} has none; set its betas instead")
        if self.optimizer == "nesterov" and not self.momentum:
            raise ValueError("optimizer is nesterov, which needs a momentum above 0")
        if self.milestones is not None and list(self.milestones) != sorted(set(self.milestones)):
            raise ValueError(f"milestones are {list(self.milestones)}; give them in rising order, each once")
        if self.milestones is not None and self.floor:
            raise ValueError(f"floor is {self.floor}, the end of a half cosine; with milestones there is none")

    def words(self) -> str:
        """Return the recipe in one line, for people."""
        more = self.additions or Additions()
        name = f"{self.optimizer} {self.momentum:g}" if self.momentum else self.optimizer
        name = f"optimiser of its own ({more.optimizer})" if more.optimizer else name
        parts = [f"{name}, learning rate {self.learning_rate:g}"]
        if self.warmup and self.warmup_rate:
            parts.append(f"{self.warmup_rate:g} for the first {self.warmup:.2g} of the budget")
        elif self.warmup:
            parts.append(f"warm-up {self.warmup:g}")
        parts.append(f"schedule of its own ({more.schedule})" if more.schedule else self._fall())
        if self.optimizer in ("adam", "adamw"):
            parts.append(f"betas {self.betas[0]:g} and {self.betas[1]:g}")
        biases = "" if self.decay_biases else " (not of biases)"
        if self.weight_decay or self.optimizer != CUSTOM:
            parts.append(f"weight decay {self.weight_decay:g}{biases}" if self.weight_decay else "no weight decay")
        if self.bias_rate != 1:
            parts.append(f"biases at {self.bias_rate:g} times the rate")
        parts.append(f"gradient norm at most {self.clip_norm:g}" if self.clip_norm else "no clipping")
        if self.batch_size:
            parts.append(f"batches of {self.batch_size}")
        if more.average:
            parts.append(f"weights averaged with decay {more.average:g}")
        return ", ".join(parts)

    def _fall(self) -> str:
        if self.milestones is None:
            return f"half cosine to {self.floor * self.learning_rate:.3g}"
        if not self.milestones:
            return "constant"
        return f"times {self.decay:g} after {' and '.join(f'{share:.3g}' for share in self.milestones)}"


HOUSE_RECIPE = Recipe(optimizer="adamw", learning_rate=0.01, warmup=0.1, milestones=None, clip_norm=1.0)
"""The house recipe of the built-in protocols, and of a protocol file that extends none of them."""


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """How every entrant of a protocol is tuned on every task, at equal cost, before it is evaluated.

    The best validation score wins. Tuning and evaluation never share a seed.

    Args:
        rates: learning rates to try, each on every tuning seed.
        trials: number of recipes to try from the search space, one after the other; 0 with `rates`.
        seeds: tuning seeds of each candidate.

    Raises:
        ValueError: both `rates` and `trials` are given, or neither, or a rate is given twice.
    """

    rates: tuple[Positive, ...] = ()
    trials: Annotated[int, Meta(ge=0)] = 0
    seeds: Count = 1

    def __post_init__(self) -> None:
        if bool(self.rates) == bool(self.trials):
            raise ValueError("tuning needs either rates or trials, and only one of them")
        if len(set(self.rates)) != len(self.rates):
            raise ValueError(f"tuning rates are {list(self.rates)}; give each once")

    @property
    def cost(self) -> int:
        """Tuning trials of one entrant on one task."""
        return max(len(self.rates), self.trials) * self.seeds

    def words(self) -> str:
        """Return the tuning in one line, for people."""
        seeds = "" if self.seeds == 1 else f" on {self.seeds} seeds each"
        if self.trials:
            return f"{self.trials} recipes tried by Optuna{seeds}"
        return f"learning rate of {', '.join(f'{rate:g}' for rate in self.rates)}{seeds}"
