"""Mutants that overlook a part of their input, or answer at the wrong steps: B107 and B109 to B111."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from archbench import TaskInfo
from support.mutants._axes import SEQUENCE, Steps
from support.mutants._base import Net, mutant

TOKENS = {"inputs": ("tokens",)}


@mutant("B109", "channel 2, 3")
class FirstChannelOnly(Net):
    """A network for the first channel of an image."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.conv = nn.Conv2d(1, 32, 3, padding=1)

    def features(self, x: Tensor) -> Tensor:
        return super().features(x[:, :1])


@mutant("B109", "column")
class LeftHalfOnly(Net):
    """A network that crops the right half."""

    def features(self, x: Tensor) -> Tensor:
        return super().features(x[..., : x.shape[-1] // 2])


@mutant("B109", "row 1")
class CentreOnly(Net):
    """A network that crops the border."""

    def features(self, x: Tensor) -> Tensor:
        return super().features(x[:, :, 2:-2, 2:-2])


@mutant("B109", "of 4 x 4 tiles of the input, the one in row 3 column 3 changes no logit")
class OverlooksAQuarter(Net):
    """A network that leaves out the lower right quarter, of which each row and column is seen elsewhere."""

    def features(self, x: Tensor) -> Tensor:
        rows, columns = x.shape[2] // 2, x.shape[3] // 2
        seen = torch.ones_like(x[:1, :1])
        seen[..., rows:, columns:] = 0
        return super().features(x * seen)


@mutant("B109", "row 2, 4")
class EverySecondRow(Net):
    """A pointwise convolution with a stride, which looks at every second row and column."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.conv = nn.Conv2d(task.input_shape[0], 32, 1, stride=2)


@mutant("B202", "core.weight_hh_l0", **SEQUENCE)
class ReadsTheFirstState(Steps):
    """A causal network that is read at its first step."""

    def forward(self, x: Tensor) -> Tensor:
        h = self.states(x)
        return self.head(h if self.task.per_step else h[:, 0])


@mutant("B109", "step 12", **SEQUENCE)
class DropsTheLastStep(Steps):
    """A network that leaves out the last step, unless every step is asked."""

    def states(self, x: Tensor) -> Tensor:
        return super().states(x if self.task.per_step else x[:, :-1])


@mutant("B109", "feature 3", **SEQUENCE)
class OverlooksAFeature(Steps):
    """A network that sets the last of several features to zero."""

    def states(self, x: Tensor) -> Tensor:
        mask = torch.arange(x.shape[2], device=x.device) < max(1, x.shape[2] - 1)
        return super().states(x * mask)


@mutant("B109", "step 1", **SEQUENCE)
class FewSteps(Steps):
    """A network that reads only the last eight steps, unless every step is asked."""

    def states(self, x: Tensor) -> Tensor:
        return super().states(x if self.task.per_step else x[:, -8:])


class Bag(nn.Module):
    """A sound network of tokens with positions. Mutants change its positions or what it reads."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.task = task
        self.embed = nn.Embedding(task.vocabulary or 1, 32)
        self.position = nn.Embedding(task.input_shape[0], 32)
        self.hidden = nn.Linear(32, 64)
        self.out = nn.Linear(64, 32)
        self.head = nn.Linear(32, task.outputs)

    def places(self, x: Tensor) -> Tensor:
        """Return the position of each step (T,)."""
        return torch.arange(x.shape[1], device=x.device)

    def states(self, x: Tensor) -> Tensor:
        """Map tokens to states (B, T, 32)."""
        h = self.embed(x) + self.position(self.places(x))
        return h + self.out(torch.relu(self.hidden(h)))

    def forward(self, x: Tensor) -> Tensor:
        h = self.states(x)
        return self.head(h if self.task.per_step else h.mean(1))


@mutant("B109", "step", **TOKENS)
class SkipsTokens(Bag):
    """A network that reads every second token, unless every step is asked."""

    def forward(self, x: Tensor) -> Tensor:
        h = self.states(x)
        return self.head(h if self.task.per_step else h[:, ::2].mean(1))


@mutant("B110", "one answer is repeated", **SEQUENCE)
class RepeatsOneAnswer(Steps):
    """One answer for the whole sequence, at every step."""

    def forward(self, x: Tensor) -> Tensor:
        h = self.states(x)
        last = self.head(h[:, -1])
        return last[:, None].expand(-1, h.shape[1], -1) if self.task.per_step else last


@mutant("B110", "one answer is repeated", **TOKENS)
class RepeatsTheMean(Bag):
    """The answer for the mean of all states, at every step."""

    def forward(self, x: Tensor) -> Tensor:
        h = self.states(x)
        mean = h.mean(1, keepdim=True)
        return self.head(mean.expand_as(h) if self.task.per_step else mean[:, 0])


@mutant("B110", "scaled by its place", **SEQUENCE)
class ScalesOneAnswer(Steps):
    """One answer for the whole sequence, which each step multiplies by a number of its own."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.scale = nn.Parameter(torch.rand(task.input_shape[0] if task.per_step else 1, 1) + 0.5)

    def forward(self, x: Tensor) -> Tensor:
        answer = self.head(self.states(x).mean(1))[:, None] * self.scale
        return answer if self.task.per_step else answer[:, 0]


@mutant("B110", "one answer is repeated", **SEQUENCE)
class RepeatsOneAnswerWithPositions(Steps):
    """One answer for the whole sequence, to which something is added that depends on the step alone."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.offset = nn.Parameter(torch.randn(task.input_shape[0] if task.per_step else 1, task.outputs))

    def forward(self, x: Tensor) -> Tensor:
        last = self.head(self.states(x)[:, -1])
        return last[:, None] + self.offset if self.task.per_step else last + self.offset[0]


@mutant("B110", "at step", **SEQUENCE)
class AnswersBackwards(Steps):
    """Answers in the reverse order of the steps."""

    def forward(self, x: Tensor) -> Tensor:
        h = self.states(x)
        return self.head(h.flip(1) if self.task.per_step else h[:, -1])


@mutant("B110", "at step", **SEQUENCE)
class AnswersOneStepLate(Steps):
    """Answers that are shifted by one step."""

    def forward(self, x: Tensor) -> Tensor:
        h = self.states(x)
        return self.head(h.roll(1, 1) if self.task.per_step else h[:, -1])


class Clamped(Bag):
    """A network that treats all steps beyond a limit alike."""

    def __init__(self, task: TaskInfo, limit: int) -> None:
        super().__init__(task)
        self.position = nn.Embedding(limit, 32)

    def places(self, x: Tensor) -> Tensor:
        return super().places(x).clamp(max=self.position.num_embeddings - 1)


def clamped(name: str, limit: int) -> None:
    """Register a network whose positions stop at a limit."""

    def build(task: TaskInfo) -> nn.Module:
        return Clamped(task, limit)

    build.__name__ = name
    mutant("B111", "treated alike", **TOKENS)(build)


clamped("sixteen_positions", 16)
clamped("sixty_four_positions", 64)
clamped("five_hundred_positions", 512)


@mutant("B111", "treated alike", **SEQUENCE)
class FadingPositions(nn.Module):
    """Positions that are zero beyond the thirtieth step."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.task = task
        self.embed = nn.Linear(task.input_shape[1], 32)
        self.register_buffer("position", torch.linspace(1, -0.5, 31).clamp(min=0)[:, None] * torch.ones(32))
        self.body = nn.Sequential(nn.ReLU(), nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32))
        self.head = nn.Linear(32, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        place = torch.arange(x.shape[1], device=x.device).clamp(max=30)
        h = self.body(self.embed(x) + self.position[place])
        return self.head(h if self.task.per_step else h.mean(1))


@mutant("B107", "the amount of padding", inputs=("sequence",), takes_lengths=True)
class DividesByAllSteps(nn.Module):
    """A mean over real steps that is divided by the number of all steps."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.core = nn.Linear(task.input_shape[1], 32)
        self.head = nn.Linear(32, task.outputs)
        self.per_step = task.per_step

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        h = torch.relu(self.core(x))
        if self.per_step:
            return self.head(h)
        if lengths is not None:
            h = h * (torch.arange(x.shape[1], device=x.device) < lengths[:, None])[..., None]
        return self.head(h.mean(1))


@mutant("B107", "noise in place of the padding", inputs=("sequence",), takes_lengths=True)
class LargestOfAllSteps(nn.Module):
    """A maximum over all steps, padding included."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.core = nn.Linear(task.input_shape[1], 32)
        self.head = nn.Linear(32, task.outputs)
        self.per_step = task.per_step

    def forward(self, x: Tensor, lengths: Tensor | None = None) -> Tensor:
        h = torch.relu(self.core(x))
        return self.head(h if self.per_step else h.amax(1))
