"""The classes that a network predicts for the examples of a split, next to the true ones."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from archbench._declarations import IGNORED, Task, TaskInfo
from archbench._records import MOST_CLASSES, MOST_WRONG


class Predictions:
    """Collects the predictions of one pass over a split; for classification of whole examples.

    Args:
        classes: number of classes.
    """

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self._batches: list[tuple[Tensor, Tensor, Tensor]] = []

    def update(self, logits: Tensor, targets: Tensor) -> None:
        """Add the next batch of the split: logits (N, classes), targets (N,)."""
        confidence = torch.softmax(logits.float(), dim=-1).amax(dim=-1)
        self._batches.append((targets, logits.argmax(dim=-1), confidence))

    def confusion(self) -> list[list[int]] | None:
        """Return how many examples of each true class (row) got each class (column); None above `MOST_CLASSES`."""
        if self.classes > MOST_CLASSES:
            return None
        targets, predicted, _ = self._collected()
        asked = targets != IGNORED
        cells = targets[asked] * self.classes + predicted[asked]
        counts = torch.bincount(cells, minlength=self.classes**2)
        return [[int(count) for count in row] for row in counts.view(self.classes, self.classes).tolist()]

    def wrong(self) -> list[int]:
        """Return the indices of wrongly classified examples, at most `MOST_WRONG`, the most confident first.

        The confidence is the probability of the predicted class; of equal ones the earlier example comes first.
        """
        targets, predicted, confidence = self._collected()
        wrong = ((predicted != targets) & (targets != IGNORED)).nonzero()[:, 0]
        order = torch.sort(confidence[wrong], descending=True, stable=True).indices
        return [int(index) for index in wrong[order][:MOST_WRONG]]

    def parts(self) -> list[Tensor]:
        """Return targets, predictions and confidences of all batches, each (N,)."""
        return [torch.cat(parts) for parts in zip(*self._batches, strict=True)]

    def replace(self, parts: Sequence[Tensor]) -> None:
        """Take other predictions in the place of those that were added, as `parts` returns them."""
        targets, predicted, confidence = parts
        self._batches = [(targets, predicted, confidence)]

    def _collected(self) -> tuple[Tensor, Tensor, Tensor]:
        """Return the same in host memory."""
        targets, predicted, confidence = (part.cpu() for part in self.parts())
        return targets, predicted, confidence


def make_predictions(task: Task, info: TaskInfo) -> Predictions | None:
    """Return an empty collection for a task; None unless it asks for one class of each whole example."""
    whole = task.targets == "classes" and not info.per_step
    return Predictions(info.outputs) if whole else None
