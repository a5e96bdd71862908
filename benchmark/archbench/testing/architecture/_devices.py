"""B4xx: other devices, other number formats, the compiler, other memory layouts. No accelerator is needed."""

from __future__ import annotations

import traceback
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

import archbench
from archbench._training import half_precision
from archbench.testing._check import Check, Fault, NotApplicable
from archbench.testing.architecture._subject import Case, Subject, all_logits, logits_of, penalties_of, predict


def moves(subject: Subject) -> None:
    """Run the network on the meta device, where a tensor that was left behind on the CPU makes it fail."""
    for case in subject.main_cases:
        network = subject.build(case).to("meta").eval()
        try:
            with torch.no_grad():
                logits = logits_of(network(case.inputs(3).to("meta")))
        except (RuntimeError, NotImplementedError) as error:
            if _asks_for_values(error):
                raise NotApplicable("its control flow depends on values, which meta tensors do not have") from error
            raise Fault(f"{case}: {_first_line(error)}") from error
        if logits.device.type != "meta":
            raise Fault(f"{case}: the logits are on {logits.device}, the inputs were elsewhere")


def sends_nothing(subject: Subject) -> None:
    """Take the gradient on the meta device, and find numbers that the host would send to a GPU in every step.

    The host waits until they are there, and the step cannot be repeated from a CUDA graph.
    """
    for case in subject.main_cases:
        network = subject.build(case).to("meta").train()
        inputs = case.inputs(3).to("meta")
        with _SentNumbers() as sent:
            try:
                output = network(inputs)
                penalties = [penalty for penalty, _ in penalties_of(output).values()]
                _take_gradient(torch.stack([t.sum() for t in (*all_logits(output), *penalties)]).sum())
            except (RuntimeError, NotImplementedError) as error:
                if not _asks_for_values(error):
                    raise NotApplicable(f"{case}: {_first_line(error)}") from error
                place = _place(traceback.extract_tb(error.__traceback__))
                raise NotApplicable(f"it asks for values{place}, for which the host waits in any case") from error
        if sent.places:
            raise Fault(f"{case}: a step sends numbers to a GPU{sent.places[0]}, and waits until they are there")


def _take_gradient(loss: Tensor) -> None:
    """Do what `loss.backward()` does, but with the modes of torch functions, which that puts aside."""
    engine: Any = torch.autograd.Variable._execution_engine
    engine.run_backward(
        (loss,), (torch.ones_like(loss),), False, False, (), allow_unreachable=True, accumulate_grad=True
    )


class _SentNumbers(TorchFunctionMode):
    """A mode that notes where tensors of the meta device are made from numbers of the host.

    Attributes:
        places: where, as the end of a clause.
    """

    MAKERS = (torch.tensor, torch.as_tensor, Tensor.new_tensor)
    MOVES = (Tensor.to, Tensor.copy_)

    def __init__(self) -> None:
        super().__init__()
        self.places: list[str] = []

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and result.is_meta and self._sends(func, args, kwargs or {}):
            self.places.append(_place(traceback.extract_stack()))
        return result

    def _sends(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
        """Return whether a call that gave a tensor of the meta device read numbers of the host, other than a scalar."""
        if func in self.MAKERS:
            data = kwargs.get("data", args[-1] if args else None)
            return not (isinstance(data, Tensor) and data.is_meta)
        tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, Tensor)]
        return any(not tensor.is_meta and (tensor.dim() > 0 or func in self.MOVES) for tensor in tensors)


def _place(frames: traceback.StackSummary) -> str:
    """Return the innermost line that is neither of torch nor of the kit, as the end of a clause; empty if none is."""
    ours = [str(Path(module.__file__ or "").parent) for module in (torch, archbench)]
    frame = next((f for f in reversed(frames) if not f.filename.startswith(tuple(ours))), None)
    return f", in {Path(frame.filename).name}, line {frame.lineno}" if frame else ""


def _asks_for_values(error: Exception) -> bool:
    """Return whether the error says that the code needs the values of a tensor, which a meta tensor lacks.

    The text decides, because torch raises plain `RuntimeError` and `NotImplementedError` here, as it does for a tensor
    on the wrong device.
    """
    text = str(error)
    return any(sign in text for sign in ("item() cannot be called", "_local_scalar_dense", "data-independent"))


def other_formats(subject: Subject) -> None:
    """Check that the network runs in float64, and in bfloat16 under autocast, with about the same logits."""
    for case in subject.main_cases:
        network, inputs = subject.build(case), case.inputs(4)
        expected = predict(network, inputs)
        with half_precision(torch.device("cpu")):
            half = predict(network, inputs).float()
        gap = float((half - expected).norm() / expected.norm().clamp_min(1e-12))
        if not gap < 0.1:
            raise Fault(f"{case}: under bfloat16 autocast the logits are off by {gap:.0%}")
        _check_double(network.double(), case, expected)


def _check_double(network: nn.Module, case: Case, expected: Tensor) -> None:
    inputs = case.inputs(4)
    try:
        logits = predict(network, inputs if case.info.kind == "tokens" else inputs.double())
    except RuntimeError as error:
        raise Fault(f"{case}: fails in float64: {_first_line(error)}") from error
    if logits.dtype != torch.float64:
        raise Fault(f"{case}: in float64 the logits are {logits.dtype}")
    if not torch.allclose(logits.float(), expected, rtol=1e-2, atol=1e-2):
        raise Fault(f"{case}: float64 and float32 disagree by {float((logits - expected).abs().max()):.2g}")


def compiles(subject: Subject) -> None:
    """Check that torch.compile takes the network as one graph; no code is generated, the graph is run as it is."""
    for case in subject.main_cases:
        network, inputs = subject.build(case), case.inputs(4)
        expected = predict(network, inputs)
        torch.compiler.reset()
        try:
            compiled = torch.compile(network, backend="eager", fullgraph=True)
            with torch.no_grad():
                logits = logits_of(compiled(inputs.clone()))
        except Exception as error:
            if "RNN, GRU, or LSTM" in str(error):
                raise NotApplicable("torch.compile traces neither nn.LSTM nor nn.GRU nor nn.RNN") from error
            raise Fault(f"{case}: {type(error).__name__}: {_first_line(error)}") from error
        finally:
            torch.compiler.reset()
        if not torch.allclose(logits, expected, rtol=1e-4, atol=1e-5):
            raise Fault(f"{case}: the compiled network gives other logits")


def any_layout(subject: Subject) -> None:
    """Check that inputs with another order in memory give the same logits."""
    for case in subject.main_cases:
        network, inputs = subject.build(case), case.inputs(4)
        axes = list(reversed(range(inputs.dim())))
        scattered = inputs.permute(axes).contiguous().permute(axes)
        network.eval()
        with torch.no_grad():
            try:
                logits = logits_of(network(scattered))
            except RuntimeError as error:
                raise Fault(f"{case}: {_first_line(error)}") from error
            if not torch.allclose(logits, predict(network, inputs), rtol=1e-4, atol=1e-5):
                raise Fault(f"{case}: other logits for the same numbers in another memory layout")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


CHECKS = (
    Check(
        "B401",
        "runs on whatever device it is moved to",
        moves,
        "make tensors with device=x.device, or register them as buffers",
        ("B303",),
    ),
    Check(
        "B402",
        "runs in float64, and in bfloat16 under autocast",
        other_formats,
        "make tensors with dtype=x.dtype, do not cast to float32",
        ("B303",),
    ),
    Check(
        "B403",
        "torch.compile takes it as one graph",
        compiles,
        "branches on values and code outside torch break the graph; it still trains, but a GPU waits for such values",
        ("B105",),
        level="warning",
    ),
    Check(
        "B404",
        "takes inputs in any memory layout",
        any_layout,
        "use reshape() instead of view() on what came from outside",
        ("B105",),
        level="warning",
    ),
    Check(
        "B406",
        "its training step sends no numbers to a GPU, for which the host would wait",
        sends_nothing,
        "make constants in __init__ as buffers, or on the device by full() or arange(); such a step takes far longer",
        ("B303", "B401"),
        level="warning",
    ),
)
