"""The training of one rank of several: its share of every batch, so that all together take the steps of one device.

A batch has the same examples in the same order, augmented alike, as on one device; each rank takes a stretch of it. The
gradients of the ranks are weighted by the targets that they have, so their mean is the gradient of the whole batch also
where it cannot be divided evenly. In evaluation each example counts once. All ranks draw the same noise: a network that
draws once for a batch, as stochastic depth does, must draw alike everywhere, and masks of dropout repeat from share to
share.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, distributed, nn
from torchmetrics.utilities.distributed import gather_all_tensors

from archbench._declarations import Outputs
from archbench._planning import Rank
from archbench._training._augmentation import Augmented
from archbench._training._joining import exchanged_on
from archbench._training._losses import is_asked
from archbench._training._metrics import AnyMetric
from archbench._training._module import TrialModule
from archbench._training._predictions import Predictions
from archbench._training._schedule import TrainingClock
from archbench._training._shared_norm import share_statistics
from archbench._training._splits import EvaluationBatches, Split
from archbench._training._streaming import Batch


class RankedModule(TrialModule):
    """A `TrialModule` that trains and evaluates the share of one rank.

    Args:
        rank: this one.
        arguments, named: see `TrialModule`.

    Raises:
        ValueError: a split or a batch has fewer examples than there are ranks.
    """

    def __init__(self, rank: Rank, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        smallest = min(map(len, self.splits.values()))
        if smallest < rank.total:
            raise ValueError(f"a split has {smallest} examples, fewer than the {rank.total} devices of the trial")
        self.rank = rank
        self.train_split = self.shared_split = SharedSplit(self.train_split, rank)  # type: ignore[assignment]
        self.clock = AgreedClock(self.clock.seconds, self._now)
        self._tested: list[Tensor] = []  # the indices of the test examples that this rank has seen
        self._idle = False  # no example of the batch is of this rank
        share_statistics(self.network)

    def differentiate(self, loss: Tensor, penalty: Tensor | None) -> Tensor:
        """Compute the gradients of the whole batch, and return the part of this rank in its loss.

        The penalty is the mean of what the ranks say of their stretches, weighted as the loss.
        """
        share = self.shared_split.share.to(loss.dtype)
        weighted = torch.where(share > 0, loss * share, torch.zeros_like(loss))  # no target: the mean is not a number
        whole = weighted if penalty is None else weighted + penalty * share
        self.manual_backward(whole * self.rank.total)  # DDP takes the mean over ranks, this is a sum
        return weighted.detach()

    def collect(self, losses: list[Tensor]) -> Tensor:
        """Return the losses of whole batches, (steps,)."""
        whole = torch.stack(losses)
        distributed.all_reduce(whole)
        return whole.cpu()

    def score(self, batches: EvaluationBatches) -> None:
        """Score the test split together with the other ranks."""
        self._tested = []
        super().score(batches)
        if self.predictions is not None:
            unite_predictions(self.predictions, torch.cat(self._tested))

    def _fetch(self, batch: tuple[str, int, int]) -> Batch:
        """Return the examples of this rank in a batch; one of another rank, which does not count, if it has none.

        Rank r of N gets the examples r, r + N, r + 2 N ... of a split: as many as others, however small batches are.
        """
        (arguments, targets), (name, start, end) = super()._fetch(batch), batch
        first = (self.rank.number - start) % self.rank.total
        self._idle = first >= len(targets)
        if name == "test":
            own = torch.arange(min(start + first, end), end, self.rank.total, device=targets.device)
            self._tested.append(own)
        mine = slice(0, 1) if self._idle else slice(first, None, self.rank.total)
        return tuple(argument[mine] for argument in arguments), targets[mine]

    def _update(self, metric: AnyMetric | nn.Module, outputs: Tensor | Outputs, targets: Tensor) -> None:
        if not self._idle:
            super()._update(metric, outputs, targets)

    def _add_predictions(self, outputs: Tensor | Outputs, targets: Tensor) -> None:
        if not self._idle:
            super()._add_predictions(outputs, targets)

    def _measure_plain_loss(self) -> float:
        """Return the loss on training examples, which every rank measures on all of them."""
        self._idle = False
        return super()._measure_plain_loss()


class SharedSplit:
    """A training split of which one rank gets its stretch of every batch.

    Args:
        split: the training split, augmented or not.
        rank: this one.

    Attributes:
        share: the part of the targets of the last batch that is in the stretch of this rank, ().
    """

    def __init__(self, split: Split | Augmented, rank: Rank) -> None:
        self.split, self.rank = split, rank
        self.share = torch.tensor(1.0)

    @property
    def generator(self) -> torch.Generator | None:
        """The stream of augmentation; None if nothing is augmented."""
        return getattr(self.split, "generator", None)

    def batches(self, chunk: Iterable[Tensor]) -> Iterator[Batch]:
        """Yield this rank's stretch of the batch of each step; `chunk` yields the indices of the whole batch."""
        for arguments, targets in self.split.batches(chunk):
            if len(targets) < self.rank.total:
                raise ValueError(f"a batch has {len(targets)} examples, fewer than the trial has devices")
            mine = slice(*stretch(len(targets), self.rank))
            self.share = _counted(targets[mine]) / _counted(targets)
            yield tuple(argument[mine] for argument in arguments), targets[mine]


class AgreedClock(TrainingClock):
    """The clock of rank 0, which all ranks read at the same places, so that they end together."""

    def share(self) -> float:
        """Return the share of the budget that rank 0 has used up."""
        share = torch.tensor(super().share(), dtype=torch.float64, device=exchanged_on())
        distributed.broadcast(share, 0)
        return float(share)


def stretch(count: int, rank: Rank) -> tuple[int, int]:
    """Return the first and the last place plus one of the stretch of a rank among so many examples.

    The stretches of all ranks lie side by side, and differ in length by 1 at most.
    """
    return count * rank.number // rank.total, count * (rank.number + 1) // rank.total


def unite_predictions(mine: Predictions, indices: Tensor) -> None:
    """Give a collection of predictions those of all ranks, in the order of the split.

    Args:
        mine: the predictions of this rank.
        indices: of their examples, (N,).

    Raises:
        RuntimeError: an example was seen by two ranks, or by none.
    """
    found = torch.cat(gather_all_tensors(indices))
    order = found.argsort()
    if not torch.equal(found[order], torch.arange(len(found), device=found.device)):
        raise RuntimeError("the ranks did not see every test example once")
    mine.replace([torch.cat(gather_all_tensors(part))[order] for part in mine.parts()])


def _counted(targets: Tensor) -> Tensor:
    """Return how many targets count in a loss, ()."""
    return is_asked(targets).sum(dtype=torch.float64)
