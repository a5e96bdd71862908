"""Sound networks of less common designs, on which no check of the kit may give a false alarm."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from archbench import Architecture, Outputs, TaskInfo
from support.sound import Patches, declare, no_steps


class Embedded(nn.Module):
    """A network of sequences or tokens: embedding, body, head. Subclasses give the body, (B, T, 32) to the same."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.embed = nn.Embedding(task.vocabulary, 32) if task.vocabulary else nn.Linear(task.input_shape[1], 32)
        self.head = nn.Linear(32, task.outputs)
        self.per_step = task.per_step

    def body(self, h: Tensor) -> Tensor:
        """Map states to states of the same shape."""
        raise NotImplementedError

    def forward(self, x: Tensor) -> Tensor:
        h = self.body(self.embed(x))
        return self.head(h if self.per_step else h.mean(1))


class Mamba(Embedded):
    """A selective state space with a causal depthwise convolution and a gate (after arXiv:2312.00752)."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.split = nn.Linear(32, 128)
        self.local = nn.Conv1d(64, 64, 4, padding=3, groups=64)
        self.select = nn.Linear(64, 64 + 2 * 8)
        self.log_rates = nn.Parameter(torch.arange(1.0, 9.0).log().repeat(64, 1))
        self.skip = nn.Parameter(torch.ones(64))
        self.join = nn.Linear(64, 32)

    def body(self, h: Tensor) -> Tensor:
        x, gate = self.split(h).chunk(2, -1)
        x = functional.silu(self.local(x.transpose(1, 2))[..., : h.shape[1]].transpose(1, 2))
        step, write, read = self.select(x).split([64, 8, 8], -1)
        step = functional.softplus(step)
        state, outputs = x.new_zeros(len(x), 64, 8), []
        for t in range(x.shape[1]):
            decay = (-step[:, t, :, None] * self.log_rates.exp()).exp()
            state = decay * state + (step[:, t] * x[:, t])[..., None] * write[:, t, None]
            outputs.append((state * read[:, t, None]).sum(-1))
        return h + self.join((torch.stack(outputs, 1) + self.skip * x) * functional.silu(gate))


class KanLayer(nn.Module):
    """A layer of learnt functions on edges, sums of Gaussian bumps (after arXiv:2404.19756)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.register_buffer("grid", torch.linspace(-2, 2, 8))
        self.norm = nn.LayerNorm(inputs)
        self.bumps = nn.Parameter(0.1 * torch.randn(outputs, inputs * 8) / math.sqrt(inputs))
        self.base = nn.Linear(inputs, outputs)

    def forward(self, x: Tensor) -> Tensor:
        bumps = torch.exp(-((self.norm(x)[..., None] - self.grid) ** 2) * 2).flatten(-2)
        return self.base(functional.silu(x)) + functional.linear(bumps, self.bumps)


class Kan(nn.Module):
    """Two layers of learnt functions on flattened inputs."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.layers = nn.Sequential(KanLayer(math.prod(task.input_shape), 32), KanLayer(32, task.outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x.flatten(1))


class Residual(nn.Module):
    """A function with a shortcut."""

    def __init__(self, function: nn.Module) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return x + self.function(x)


class ConvMixer(nn.Module):
    """Patches, then depthwise and pointwise convolutions (after arXiv:2201.09792)."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(task.input_shape[0], 32, 2, stride=2), nn.GELU(), nn.BatchNorm2d(32)]
        for _ in range(2):
            depthwise = nn.Sequential(nn.Conv2d(32, 32, 5, groups=32, padding="same"), nn.GELU(), nn.BatchNorm2d(32))
            layers += [Residual(depthwise), nn.Conv2d(32, 32, 1), nn.GELU(), nn.BatchNorm2d(32)]
        self.net = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, task.outputs))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x)


class GatedMlp(Embedded):
    """gMLP: a spatial gate whose weights start near zero, and its bias at one (arXiv:2105.08050)."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.norm, self.split, self.join = nn.LayerNorm(32), nn.Linear(32, 64), nn.Linear(32, 32)
        self.gate_norm = nn.LayerNorm(32)
        self.spatial = nn.Linear(task.input_shape[0], task.input_shape[0])
        nn.init.normal_(self.spatial.weight, std=1e-3)
        nn.init.ones_(self.spatial.bias)

    def body(self, h: Tensor) -> Tensor:
        u, v = functional.gelu(self.split(self.norm(h))).chunk(2, -1)
        gate = self.spatial(self.gate_norm(v).transpose(1, 2)).transpose(1, 2)
        return h + self.join(u * gate)


class DiagonalStateSpace(Embedded):
    """S4D: a convolution with the kernel of a diagonal state space, by FFT (arXiv:2206.11893)."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.log_step = nn.Parameter(torch.empty(32).uniform_(math.log(1e-2), math.log(1e-1)))
        self.log_real = nn.Parameter(torch.full((32, 8), math.log(0.5)))
        self.imaginary = nn.Parameter(math.pi * torch.arange(8.0).repeat(32, 1))
        self.read = nn.Parameter(torch.randn(32, 8, 2) / math.sqrt(8))
        self.skip = nn.Parameter(torch.randn(32))
        self.mix = nn.Linear(32, 64)

    def kernel(self, steps: int) -> Tensor:
        """Return the kernel (32, steps)."""
        step = self.log_step.exp()[:, None]
        rates = torch.complex(-self.log_real.exp(), self.imaginary)
        time = torch.arange(steps, device=step.device, dtype=step.dtype)
        powers = ((rates * step)[..., None] * time).exp()
        read = torch.view_as_complex(self.read) * ((rates * step).exp() - 1) / rates
        return 2 * (read[..., None] * powers).sum(1).real

    def body(self, h: Tensor) -> Tensor:
        steps, x = h.shape[1], h.transpose(1, 2)
        with torch.autocast(h.device.type if h.device.type != "meta" else "cpu", enabled=False):
            x = x.to(self.skip.dtype)
            spectrum = torch.fft.rfft(x, n=2 * steps) * torch.fft.rfft(self.kernel(steps), n=2 * steps)
            y = torch.fft.irfft(spectrum, n=2 * steps)[..., :steps] + x * self.skip[:, None]
        return h + functional.glu(self.mix(functional.gelu(y).transpose(1, 2)))


class Perceiver(nn.Module):
    """Latents that attend to the input, then to each other (after arXiv:2103.03206)."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.embed = nn.Embedding(task.vocabulary, 32) if task.vocabulary else nn.Linear(task.input_shape[1], 32)
        self.position = nn.Parameter(0.1 * torch.randn(task.input_shape[0], 32))
        self.latents = nn.Parameter(torch.randn(6, 32) * 0.2)
        self.cross = nn.MultiheadAttention(32, 2, batch_first=True)
        self.self_attention = nn.TransformerEncoderLayer(32, 2, 64, dropout=0.1, batch_first=True)
        self.head = nn.Linear(32, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = self.embed(x) + self.position
        latents = self.latents.expand(len(x), -1, -1)
        latents = latents + self.cross(latents, h, h, need_weights=False)[0]
        return self.head(self.self_attention(latents).mean(1))


class RotaryAttention(Embedded):
    """Causal attention whose queries and keys are turned by their position (arXiv:2104.09864)."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.norm, self.project, self.join = nn.LayerNorm(32), nn.Linear(32, 96), nn.Linear(32, 32)
        self.register_buffer("rates", 100.0 ** -torch.arange(0, 1, 0.25))

    def turn(self, x: Tensor) -> Tensor:
        """Turn (B, heads, T, 8) by angles that grow with the step."""
        angle = torch.arange(x.shape[2], device=x.device, dtype=x.dtype)[:, None] * self.rates.to(x.dtype)
        first, second = x.chunk(2, -1)
        return torch.cat([first * angle.cos() - second * angle.sin(), first * angle.sin() + second * angle.cos()], -1)

    def body(self, h: Tensor) -> Tensor:
        q, k, v = (part.unflatten(-1, (4, 8)).transpose(1, 2) for part in self.project(self.norm(h)).chunk(3, -1))
        mixed = functional.scaled_dot_product_attention(self.turn(q), self.turn(k), v, is_causal=True)
        return h + self.join(mixed.transpose(1, 2).reshape(h.shape))


class WeightNormed(nn.Module):
    """Layers with normalised weights, as parametrisations or, as before them, by hooks."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.first = weight_norm(nn.Linear(math.prod(task.input_shape), 64))
        self.second = weight_norm(nn.Linear(64, 64))
        self.head = nn.Linear(64, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.relu(self.second(torch.relu(self.first(x.flatten(1))))))


class HookedWeights(WeightNormed):
    """Layers whose weights a hook computes before each forward pass."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.first = nn.utils.weight_norm(nn.Linear(math.prod(task.input_shape), 64))
        self.second = nn.utils.spectral_norm(nn.Linear(64, 64))


class AttentiveLstm(Embedded):
    """A bidirectional LSTM whose states are averaged by attention."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.core = nn.LSTM(32, 16, batch_first=True, bidirectional=True)
        self.score = nn.Linear(32, 1)

    def forward(self, x: Tensor) -> Tensor:
        h = self.core(self.embed(x))[0]
        return self.head(h if self.per_step else (self.score(h).softmax(1) * h).sum(1))


class LargestOverTime(Embedded):
    """Convolutions over time and their maximum (after arXiv:1408.5882)."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.core = nn.Conv1d(32, 32, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.core(self.embed(x).transpose(1, 2))).transpose(1, 2)
        return self.head(h if self.per_step else h.amax(1))


class RelativeAttention(Embedded):
    """Attention with a table of relative positions, shifted into place by a reshape (arXiv:1901.02860, app. B)."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__(task)
        self.project = nn.Linear(32, 96)
        self.position = nn.Parameter(0.2 * torch.randn(task.input_shape[0], 32))

    def body(self, h: Tensor) -> Tensor:
        q, k, v = self.project(h).chunk(3, -1)
        steps = h.shape[1]
        relative = functional.pad(q @ self.position.T, (1, 0)).reshape(len(h), steps + 1, steps)[:, 1:]
        scores = (q @ k.transpose(1, 2) + relative.tril()) / math.sqrt(32)
        ahead = torch.ones(steps, steps, dtype=torch.bool, device=h.device).triu(1)
        return h + scores.masked_fill(ahead, -math.inf).softmax(-1) @ v


class SmallViT(nn.Module):
    """Patches whose heads are split and joined by views, with a fixed table of sines."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.patches = Patches(task, 32)
        angles = torch.arange(self.patches.count)[:, None] / 100 ** torch.linspace(0, 1, 16)
        self.register_buffer("position", torch.cat([angles.sin(), angles.cos()], -1))
        self.project, self.join, self.head = nn.Linear(32, 96), nn.Linear(32, 32), nn.Linear(32, task.outputs)

    def forward(self, x: Tensor) -> Tensor:
        h = self.patches(x) + self.position
        batch, count, _ = h.shape
        q, k, v = self.project(h).view(batch, count, 3, 4, 8).permute(2, 0, 3, 1, 4)
        mixed = ((q @ k.transpose(2, 3) / 8**0.5).softmax(-1) @ v).transpose(1, 2).reshape(batch, count, 32)
        return self.head((h + self.join(mixed)).mean(1))


class BalancedExperts(nn.Module):
    """Two experts, mixed by a gate whose balance is a penalty (after arXiv:1701.06538, eq. 6), and a decay."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        size = math.prod(task.input_shape)
        self.gate, self.head = nn.Linear(size, 2), nn.Linear(32, task.outputs)
        self.experts = nn.ModuleList(nn.Linear(size, 32) for _ in range(2))

    def forward(self, x: Tensor) -> Outputs:
        x = x.flatten(1)
        shares = self.gate(x).softmax(-1)  # (B, 2)
        h = sum(shares[:, [k]] * torch.relu(expert(x)) for k, expert in enumerate(self.experts))
        load = shares.mean(0)
        decay = self.head.weight.square().mean()
        return Outputs(self.head(h), penalties={"balance": ((load - 0.5).square().sum(), 0.1), "decay": (decay, 0.01)})


class ComplexWeights(nn.Module):
    """A layer with complex weights between two real ones."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        self.first, self.head = nn.Linear(math.prod(task.input_shape), 32), nn.Linear(32, task.outputs)
        self.turn = nn.Parameter(torch.randn(32, 32, dtype=torch.complex64) / 6)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.relu(self.first(x.flatten(1)))
        return self.head((h.to(torch.complex64) @ self.turn).real.to(h.dtype))


class Energy(nn.Module):
    """One step down an energy, whose gradient is taken in the forward pass."""

    def __init__(self, task: TaskInfo) -> None:
        super().__init__()
        size = math.prod(task.input_shape)
        self.net = nn.Sequential(nn.Flatten(), nn.Linear(size, 32), nn.Tanh(), nn.Linear(32, task.outputs))

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (step,) = torch.autograd.grad(self.net(x).logsumexp(-1).sum(), x, create_graph=True)
        return self.net(x - 0.1 * step)


MORE_SOUND: list[Architecture] = [
    declare("mamba", Mamba, "sequence", "tokens"),
    declare("kan", Kan, "image", "sequence", incompatible=no_steps),
    declare("convmixer", ConvMixer, "image"),
    declare("gmlp", GatedMlp, "sequence", "tokens"),
    declare("s4d", DiagonalStateSpace, "sequence"),
    declare("perceiver", Perceiver, "sequence", "tokens", incompatible=no_steps),
    declare("rope", RotaryAttention, "sequence", "tokens"),
    declare("weight-norm", WeightNormed, "image"),
    declare("hooked-weights", HookedWeights, "image"),
    declare("lstm-attention", AttentiveLstm, "sequence", "tokens"),
    declare("largest-over-time", LargestOverTime, "tokens"),
    declare("relative-attention", RelativeAttention, "sequence"),
    declare("small-vit", SmallViT, "image"),
    declare("balanced-experts", BalancedExperts, "image"),
    declare("complex-weights", ComplexWeights, "image"),
    declare("energy", Energy, "image", expected_failures={"B403": "torch compiles no gradient within a graph"}),
]
