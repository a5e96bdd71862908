"""The declaration of an architecture, its own recipe, and the outputs of its networks. Free of torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from archbench._declarations._checks import check_declaration, check_files, check_modules
from archbench._declarations._published import Published
from archbench._declarations._task import InputKind, TaskInfo
from archbench._downloads import RemoteFile, data_folder
from archbench._errors import DeclarationError

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class Outputs:
    """The outputs of a network that has auxiliary classifiers, or penalties beside the loss of the task.

    Args:
        logits: (batch, outputs), or (batch, steps, outputs) for a per-step task.
        auxiliary: name -> (logits of the same shape, loss weight). They are part of the training loss only.
        penalties: name -> (a scalar tensor, its weight), such as a regulariser, a balance of experts or a divergence.
            Training minimises them beside the loss; records keep their weighted sum apart from it, and scores do not
            depend on them.

    Raises:
        TypeError: `auxiliary` or `penalties` is something else.
    """

    logits: torch.Tensor
    auxiliary: Mapping[str, tuple[torch.Tensor, float]] = field(default_factory=dict)
    penalties: Mapping[str, tuple[torch.Tensor, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_terms("auxiliary", self.auxiliary, "logits")
        _check_terms("penalties", self.penalties, "value")


def _check_terms(name: str, terms: object, what: str) -> None:
    """Raise unless terms of the training loss are a dictionary of pairs."""
    if not isinstance(terms, Mapping):
        raise TypeError(f"Outputs.{name} is a {type(terms).__name__}; give a dict, {{'name': ({what}, weight)}}")
    for key, pair in terms.items():
        if not isinstance(pair, tuple | list) or len(pair) != 2:
            raise TypeError(f"Outputs.{name}[{key!r}] is a {type(pair).__name__}; give a pair, ({what}, weight)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Architecture:
    """A family of networks that one plugin registers.

    Args:
        name: lower-case letters, digits, `.`, `_` and `-`; what users type.
        build: `build(task, options)` returns a `torch.nn.Module`, or the same as a `"module:attribute"` string; with
            `files` it is `build(task, options, files)`.
            Import torch inside it, or use the string, so that listing the architecture does not import torch.
            The module maps a batch of inputs to logits (batch, outputs), or (batch, steps, outputs) for a
            per-step task, or to `Outputs`.
        takes_lengths: on a task of variable length the network is called `network(inputs, lengths)`: inputs padded at
            the end, lengths int64 (batch,); the padding must not change the outputs. Without it the network is called
            `network(inputs)` with the padding in front, so that the last step is the last real one of the example.
        inputs: the kinds of input it takes.
        options: a frozen dataclass whose fields all have defaults, or None. Field types are checked when a
            user sets an option; `Annotated[int, Meta(ge=1, description="...")]` adds bounds and a help text.
        variants: named settings, such as `{"resnet-56": {"depth": 56}}`.
        incompatible: `incompatible(task, options)` returns why this network cannot take this task, or None.
        summary: one line for lists and the leaderboard.
        source: the paper, with its section.
        revision: raise it when results change; older rows are then shown as superseded.
        parameters: numbers of trainable parameters, checked by `benchmark check`: from the name of a variant, or of the
            architecture for its default options, to (the task on which they are counted, the count).
        control: a selector of the architecture to compare it with: the same network without its idea.
        tags: words that group architectures, such as `recurrent` or `residual`.
        recipe: the own recipe, or `recipe(options)` that returns it or None; used by protocols of the own recipe, such
            as `paper`, and by no protocol with a house recipe.
        unused_parameters: shell patterns over the names of parameters that get no gradient from some batches, such as
            `"experts.*"`. Every pattern must match a parameter.
        frozen_parameters: shell patterns over the names of parameters whose `requires_grad` is False, so that they are
            not trained, and of buffers of random numbers that hold most weights. Every pattern must match one.
        expected_failures: from the code of a check that this network fails by design to the reason. Strict for the
            default options: it is an error if the check passes, so that no exception outlives its reason.
        by_default: whether `benchmark run all` includes it; if not, it runs when it is named. Meant for networks that
            are there for a study.
        files: the files that `build` reads, such as pretrained weights; each with its sha256, which is part of what
            identifies a trial. `benchmark data prepare` downloads them, and a run does not begin without them. `build`
            gets a mapping from the declared `path` of each to where it lies, unpacked if `unpack` says so.
        libraries: modules that `build` imports and that take long to import, such as `timm`; as for `Task`.

    Raises:
        DeclarationError: a field does not fit; the message says which and what is allowed.
    """

    name: str
    build: str | Callable[[TaskInfo, Any], torch.nn.Module]
    inputs: tuple[InputKind, ...]
    options: type | None = None
    variants: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    incompatible: Callable[[TaskInfo, Any], str | None] | None = None
    summary: str = ""
    source: str = ""
    revision: int = 1
    parameters: Mapping[str, tuple[TaskInfo, int]] = field(default_factory=dict)
    control: str = ""
    tags: tuple[str, ...] = ()
    recipe: Published | Callable[[Any], Published | None] | None = None
    unused_parameters: tuple[str, ...] = ()
    frozen_parameters: tuple[str, ...] = ()
    expected_failures: Mapping[str, str] = field(default_factory=dict)
    takes_lengths: bool = False
    by_default: bool = True
    files: tuple[RemoteFile, ...] = ()
    libraries: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        check_declaration(self, "Architecture", self.build, "build")
        _check_files(self)
        check_modules(f"Architecture {self.name!r}: libraries", self.libraries)
        _check_parameters(self)
        _check_patterns(self)
        if self.recipe is not None and not isinstance(self.recipe, Published) and not callable(self.recipe):
            raise DeclarationError(
                f"Architecture {self.name!r}: recipe is {self.recipe!r}; "
                "give an archbench.Published, or a function of the options"
            )
        kinds = get_args(InputKind)
        if not isinstance(self.inputs, tuple) or not self.inputs or not set(self.inputs) <= set(kinds):
            raise DeclarationError(
                f"Architecture {self.name!r}: inputs is {self.inputs!r}; give a tuple of one or more of {kinds}"
            )

    def arguments(self, task: TaskInfo, options: Any) -> tuple[Any, ...]:
        """Return the arguments of `build`: the task, the options, and where the files are, if it has any."""
        files = {file.path: data_folder() / (file.unpack or file.path) for file in self.files}
        return (task, options, files) if files else (task, options)

    def own_recipe(self, options: Any) -> Published | None:
        """Return the own recipe of the network with these options; None if it is not known."""
        return self.recipe(options) if callable(self.recipe) else self.recipe


def _check_files(item: Architecture) -> None:
    check_files(f"Architecture {item.name!r}", item.files, (RemoteFile,))
    for file in item.files:
        if not file.sha256:
            raise DeclarationError(
                f"Architecture {item.name!r}: {file.path!r} has no sha256; give it, as results depend on the file"
            )


def _check_parameters(item: Architecture) -> None:
    for name, declared in item.parameters.items():
        if name != item.name and name not in item.variants:
            known = ", ".join([item.name, *item.variants])
            raise DeclarationError(f"Architecture {item.name!r}: parameters has {name!r}; allowed: {known}")
        fits = isinstance(declared, tuple) and len(declared) == 2
        if not fits or not isinstance(declared[0], TaskInfo) or type(declared[1]) is not int or declared[1] < 1:
            raise DeclarationError(
                f"Architecture {item.name!r}: parameters[{name!r}] is {declared!r}; give (TaskInfo, count)"
            )


def _check_patterns(item: Architecture) -> None:
    for field_name in ("unused_parameters", "frozen_parameters"):
        patterns = getattr(item, field_name)
        if not isinstance(patterns, tuple) or not all(isinstance(pattern, str) and pattern for pattern in patterns):
            raise DeclarationError(
                f"Architecture {item.name!r}: {field_name} is {patterns!r}; give a tuple of patterns over names"
            )
