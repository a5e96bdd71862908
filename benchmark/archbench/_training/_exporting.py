"""Kept networks in formats of others, each compared with the network before its file is written."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import safetensors.torch
import torch
from torch import Tensor, nn

from archbench._declarations import Outputs, TaskInfo
from archbench._errors import DataError, SelectionError
from archbench._records import ExportFormat, KeptNetwork

BATCHES = (1, 2, 7)
"""Sizes of the batches that an exported network answers beside its original; it is traced with the second of them."""
TOLERANCE = 1e-4
"""Largest difference of two outputs, over the largest output of the batch. Other libraries add in another order."""

TRACERS_STEPS = {
    "Obtain model graph": "tracing",
    "Run decompositions": "taking operations apart",
    "Translate the graph": "translating the graph",
    (OPTIMISING := "Optimize the ONNX graph"): "optimising the graph",
}
"""What torch prints when a step begins, and what it is called here; a graph of ten thousand nodes takes minutes."""
MOST_OPTIMISED = 5000
"""Nodes up to which a graph is optimised. Its file is smaller then, down to a third; but it takes torch 4 ms a node and
more, so minutes for a loop of many steps, and ONNX Runtime optimises what it loads anyway."""

LONGEST_REASON = 400

Answer = Callable[[tuple[Tensor, ...]], Tensor]
Arguments = tuple[Tensor, ...]


def export_network(
    network: nn.Module, kept: KeptNetwork, kind: ExportFormat, *, tell: Callable[[str], object]
) -> tuple[bytes, float]:
    """Return the bytes of a file with the network, and the largest relative difference of its outputs.

    Args:
        network: in evaluation mode, on the CPU.
        kept: its sidecar.
        kind: the format. The inputs of ONNX are called `inputs` and, where the network takes them, `lengths`; the
            output is called `logits`. The batch axis is free in both formats that can be called.
        tell: is told each step of an export that may take minutes.

    Raises:
        DataError: the network cannot be exported to this format, or gives other outputs there.
        SelectionError: the libraries of the format are not installed.
    """
    if kind == "onnx":
        _require_onnx()
    bare, batches = _Logits(network), [_example(kept, size) for size in BATCHES]
    with torch.no_grad(), _quiet(tell), _without_own_gradients():
        expected = [bare(*batch) for batch in batches]
        try:
            data, answer = _MAKERS[kind](bare, kept, batches[1])
            found = [answer(batch) for batch in batches]
        except Exception as error:  # tracers raise many types, for whatever a network of other people does
            raise DataError(
                f"{kept.trial.architecture.label} cannot be exported as {kind}: {describe_failure(error)}; "
                "archbench.load gives the network itself"
            ) from None
    return data, _largest_difference(kept, kind, expected, found)


class _Logits(nn.Module):
    """A network that returns its logits alone."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: Tensor, lengths: Tensor | None = None) -> Tensor:
        answer = self.network(inputs) if lengths is None else self.network(inputs, lengths)
        logits: Tensor = answer.logits if isinstance(answer, Outputs) else answer
        return logits


def _example(kept: KeptNetwork, size: int) -> Arguments:
    """Return the arguments of the network for a batch of random examples."""
    draw, info = torch.Generator().manual_seed(size), kept.info
    shape = (size, *info.input_shape)
    inputs = torch.randn(shape, generator=draw)
    if info.kind == "tokens":
        inputs = torch.randint(info.vocabulary or 1, shape, generator=draw)
    if not _takes_lengths(kept):
        return (inputs,)
    lengths = torch.randint(1, info.input_shape[0] + 1, (size,), generator=draw)
    lengths[0] = info.input_shape[0]
    inputs[torch.arange(info.input_shape[0]) >= lengths[:, None]] = 0
    return inputs, lengths


def _takes_lengths(kept: KeptNetwork) -> bool:
    return kept.takes_lengths and kept.info.variable_length


def _as_safetensors(network: _Logits, kept: KeptNetwork, example: Arguments) -> tuple[bytes, Answer]:
    """Return the weights with a header that says what they are of; they are read back into the network."""
    inner = network.network
    state = {name: tensor.detach().contiguous().clone() for name, tensor in inner.state_dict().items()}
    data = safetensors.torch.save(state, metadata=describe(kept))

    def answer(batch: Arguments) -> Tensor:
        inner.load_state_dict(safetensors.torch.load(data))
        logits: Tensor = network(*batch)
        return logits

    return data, answer


def _as_torchscript(network: _Logits, kept: KeptNetwork, example: Arguments) -> tuple[bytes, Answer]:
    traced = torch.jit.trace(network, example, check_trace=False)  # type: ignore[no-untyped-call]
    file = io.BytesIO()
    torch.jit.save(traced, file)
    loaded = torch.jit.load(io.BytesIO(file.getvalue()))  # type: ignore[no-untyped-call]
    return file.getvalue(), lambda batch: loaded(*batch)


def _as_onnx(network: _Logits, kept: KeptNetwork, example: Arguments) -> tuple[bytes, Answer]:
    import onnxruntime

    names = input_names(kept)
    batch_axis = {0: torch.export.Dim("batch", min=1)}
    program = torch.onnx.export(
        network,
        example,
        dynamo=True,
        input_names=names,
        output_names=["logits"],
        dynamic_shapes=tuple(batch_axis for _ in names),
        optimize=False,
        verbose=True,  # it says which step begins
    )
    assert program is not None
    if len(program.model.graph) <= MOST_OPTIMISED:
        sys.stdout.write(f"{OPTIMISING}...")  # as torch does where it decides that itself
        program.optimize()
    model = program.model_proto
    for key, value in describe(kept).items():
        model.metadata_props.add(key=key, value=value)
    data: bytes = model.SerializeToString()
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])

    def answer(batch: Arguments) -> Tensor:
        feed = {name: part.numpy() for name, part in zip(names, batch, strict=True)}
        return torch.from_numpy(session.run(["logits"], feed)[0])

    return data, answer


_MAKERS: dict[ExportFormat, Callable[[_Logits, KeptNetwork, Arguments], tuple[bytes, Answer]]] = {
    "safetensors": _as_safetensors,
    "torchscript": _as_torchscript,
    "onnx": _as_onnx,
}


def input_names(kept: KeptNetwork) -> list[str]:
    """Return the names of the inputs of an exported network."""
    return ["inputs", "lengths"] if _takes_lengths(kept) else ["inputs"]


def describe(kept: KeptNetwork) -> dict[str, str]:
    """Return what the header of an exported file says of the network."""
    return {
        "archbench.trial": kept.trial.id,
        "archbench.architecture": kept.trial.architecture.label,
        "archbench.task": kept.trial.task.label,
        "archbench.weights": kept.weights,
        "archbench.step": str(kept.step),
        "archbench.input": _input(kept.info),
    }


def _input(info: TaskInfo) -> str:
    return f"{info.kind} ({', '.join(map(str, ('batch', *info.input_shape)))})"


def _largest_difference(kept: KeptNetwork, kind: str, expected: list[Tensor], found: list[Tensor]) -> float:
    """Return the largest difference of outputs, over the largest output of the batch.

    Raises:
        DataError: it is above the tolerance, or the outputs have other shapes.
    """
    largest = 0.0
    for ours, theirs in zip(expected, found, strict=True):
        if ours.shape != theirs.shape:
            raise DataError(
                f"{kept.trial.architecture.label} as {kind} returns the shape {tuple(theirs.shape)} for a batch of "
                f"{len(ours)}, and not {tuple(ours.shape)}; nothing was written"
            )
        scale = max(float(ours.abs().max()), 1e-12)
        largest = max(largest, float((ours - theirs).abs().max()) / scale)
    if not largest <= TOLERANCE:
        raise DataError(
            f"{kept.trial.architecture.label} as {kind} gives outputs that differ by {largest:.2g} of the largest "
            f"(allowed: {TOLERANCE:g}); nothing was written. Export it in another format"
        )
    return largest


class _NoContext:
    """Takes what a function keeps for its gradient, and forgets it."""

    def save_for_backward(self, *tensors: Tensor) -> None:
        """Do nothing."""

    def mark_non_differentiable(self, *tensors: Tensor) -> None:
        """Do nothing."""

    def set_materialize_grads(self, value: bool) -> None:
        """Do nothing."""


@contextlib.contextmanager
def _without_own_gradients() -> Iterator[None]:
    """Let functions that bring their own gradient run as plain operations, which tracers see into."""
    original = torch.autograd.Function.__dict__["apply"]

    def apply(function: type[torch.autograd.Function], *arguments: Any) -> Any:
        old_style = function.setup_context is torch.autograd.function._SingleLevelFunction.setup_context
        return function.forward(*((_NoContext(),) if old_style else ()), *arguments)

    torch.autograd.Function.apply = classmethod(apply)
    try:
        yield
    finally:
        torch.autograd.Function.apply = original


def describe_failure(error: BaseException) -> str:
    """Return why an export failed, in one line, without what tracers say around the reason.

    The exporter of torch wraps the reason in advice to its authors. That of TorchScript puts it behind two tracebacks.
    """
    while type(error).__module__.startswith("torch.onnx") and error.__cause__ is not None:
        error = error.__cause__
    said = str(error).strip()
    if "Traceback of TorchScript" in said:
        return said.splitlines()[-1]
    reason, *_advice = said.split("\n\n")
    return textwrap.shorten(f"{type(error).__name__}: {reason}", LONGEST_REASON, placeholder=" ...")


class _Steps(io.StringIO):
    """Takes what tracers print, which only their authors understand, and tells the steps that it names."""

    def __init__(self, tell: Callable[[str], object]) -> None:
        super().__init__()
        self.report = tell  # a stream has a method `tell`

    def write(self, text: str) -> int:
        """Tell the step that begins, if the text says so."""
        for said, step in TRACERS_STEPS.items():
            if text.startswith(said) and text.endswith("..."):
                self.report(step)
        return super().write(text)


@contextlib.contextmanager
def _quiet(tell: Callable[[str], object]) -> Iterator[None]:
    """Keep tracers from printing; tell their steps."""
    level, noisy = logging.root.manager.disable, _Steps(tell)
    logging.disable(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(noisy), contextlib.redirect_stderr(noisy):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _require_onnx() -> None:
    missing: list[Any] = []
    for name in ("onnx", "onnxscript", "onnxruntime"):
        try:
            __import__(name)
        except ImportError:
            missing.append(name)
    if missing:
        raise SelectionError(
            f"export to ONNX needs {' and '.join(missing)}, which is not installed; run pip install 'archbench[onnx]'"
        )
