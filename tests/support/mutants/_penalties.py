"""Mutants with a penalty beside the logits that is none: B209."""

from __future__ import annotations

from torch import Tensor

from archbench import Outputs
from support.mutants._base import Net, mutant


class Penalised(Net):
    """A sound network whose hidden weights are kept small by a penalty."""

    def penalty(self) -> Tensor:
        """Return the mean of the squared weights of the hidden layer."""
        return self.hidden.weight.square().mean()

    def forward(self, x: Tensor) -> Outputs:
        return Outputs(self.head(self.features(x)), penalties={"weights": (self.penalty(), 0.01)})


@mutant("B209", "(32,)")
class PenaltyOfEachUnit(Penalised):
    """A penalty that nobody has summed up."""

    def penalty(self) -> Tensor:
        return self.hidden.weight.square().mean(1)


@mutant("B209", "is nan")
class PenaltyOfNothing(Penalised):
    """A mean over no weights."""

    def penalty(self) -> Tensor:
        return self.hidden.weight[:0].mean()


@mutant("B209", "no gradient")
class DetachedPenalty(Penalised):
    """A penalty that is only reported."""

    def penalty(self) -> Tensor:
        return super().penalty().detach()


@mutant("B209", "gradient of zero")
class ConstantPenalty(Penalised):
    """A penalty that is the same for all weights."""

    def penalty(self) -> Tensor:
        return (self.hidden.weight - self.hidden.weight).sum()


@mutant("B209", "gradient that is not finite")
class PenaltyWithRoot(Penalised):
    """The norm of a difference that is always zero: its root has an infinite slope there."""

    def penalty(self) -> Tensor:
        return (self.hidden.weight * 0).square().sum().sqrt()


@mutant("B209", "enters the logits in evaluation")
class PenaltyInTheLogits(Penalised):
    """A network that adds its penalty to the logits where it should not."""

    def forward(self, x: Tensor) -> Outputs:
        penalty = self.penalty()
        logits = self.head(self.features(x))
        return Outputs(logits if self.training else logits + penalty, penalties={"weights": (penalty, 0.01)})


@mutant("B209", "weight None")
class PenaltyWithoutWeight(Penalised):
    """A penalty whose weight was forgotten."""

    def forward(self, x: Tensor) -> Outputs:
        return Outputs(self.head(self.features(x)), penalties={"weights": (self.penalty(), None)})
