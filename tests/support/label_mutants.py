"""Broken tasks that do not load, or whose labels do not belong to their inputs, or too well: T003, T004, T105, T40x."""

from __future__ import annotations

import contextlib
import socket
import sys
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from archbench import Examples, Splits, TaskInfo
from support.task_mutants import MUTANTS as MUTANTS
from support.task_mutants import PICTURES, REGRESSION, Mutant, declare, mutant, sound

SIGNALS = TaskInfo(kind="sequence", input_shape=(6, 2), outputs=3)
TAGS = TaskInfo(kind="sequence", input_shape=(12, 2), outputs=2, per_step=True)
TEXT = TaskInfo(kind="tokens", input_shape=(24,), outputs=3, vocabulary=9)
LANGUAGE = TaskInfo(kind="tokens", input_shape=(24,), outputs=9, vocabulary=9, per_step=True)
Change = Callable[[Examples], Examples]


def shapes(count: int, draw: Any) -> Examples:
    """Draw images whose class is the row that is bright, under noise."""
    labels = draw.permutation(np.arange(count) % 3)
    inputs = draw.standard_normal((count, 1, 4, 4))
    inputs[np.arange(count), 0, labels] += 1.5
    return Examples(inputs.astype(np.float32), labels)


def sums(count: int, draw: Any) -> Examples:
    """Draw sequences whose target is the sum of their numbers."""
    inputs = draw.standard_normal((count, 6, 2)).astype(np.float32)
    return Examples(inputs, inputs.sum((1, 2))[:, None])


def signals(count: int, draw: Any) -> Examples:
    """Draw sequences whose class is the level of their numbers, under noise."""
    labels = draw.permutation(np.arange(count) % 3)
    return Examples((draw.standard_normal((count, 6, 2)) + labels[:, None, None] - 1).astype(np.float32), labels)


def tags(count: int, draw: Any) -> Examples:
    """Draw sequences; the label of each step is the sign of the sum of its features and those before it."""
    inputs = draw.standard_normal((count, 12, 2)).astype(np.float32)
    return Examples(inputs, ((inputs + np.roll(inputs, 1, 1)).sum(-1) > 0).astype(np.int64))


def text(count: int, draw: Any) -> Examples:
    """Draw tokens; the class is the third of the vocabulary that is most frequent."""
    labels = draw.permutation(np.arange(count) % 3)
    common = labels[:, None] * 3 + draw.integers(0, 3, (count, 24))
    return Examples(np.where(draw.random((count, 24)) < 0.4, common, draw.integers(0, 9, (count, 24))), labels)


SOUND_SIGNALS = [
    declare("shapes", sound(shapes)),
    declare("sums", sound(sums), **{**REGRESSION, "chance": 12.0}),
    declare("signals", sound(signals), info=SIGNALS),
    declare("tags", sound(tags), info=TAGS, chance=0.5),
    declare("text", sound(text), info=TEXT),
]
KINDS: dict[Any, dict[str, Any]] = {
    shapes: {"info": PICTURES},
    sums: {**REGRESSION, "chance": 12.0},
    signals: {"info": SIGNALS},
    tags: {"info": TAGS, "chance": 0.5},
    text: {"info": TEXT},
}


def broken(name: str, code: str, says: str, draw: Any, change: Change, splits: tuple[str, ...], **more: Any) -> None:
    """Register a task whose named splits are changed."""

    def load(options: None, seed: int) -> Splits:
        made = sound(draw)(options, seed)
        return replace(made, **{split: change(getattr(made, split)) for split in splits})

    load.__name__ = name
    mutant(code, says, **{**KINDS[draw], **more})(load)


def moved(by: int) -> Change:
    """Return a change that moves labels by some examples."""
    return lambda e: Examples(e.inputs, np.roll(e.targets, by, 0))


def shuffled(examples: Examples) -> Examples:
    """Return examples whose labels are in another order."""
    order = np.random.default_rng(len(examples.targets)).permutation(len(examples.targets))
    return Examples(examples.inputs, examples.targets[order])


def renumbered(examples: Examples) -> Examples:
    """Return examples whose classes have other numbers."""
    return Examples(examples.inputs, (examples.targets + 1) % 3)


def backwards(examples: Examples) -> Examples:
    """Return examples whose inputs, but not labels, are in the reverse order."""
    return Examples(np.ascontiguousarray(examples.inputs[::-1]), examples.targets)


def given(place: Any, *, scale: float = 1.0, noise: float = 0.0) -> Change:
    """Return a change that writes the label into a place of each input."""

    def change(e: Examples) -> Examples:
        inputs = e.inputs.copy()
        answer = e.targets.reshape(inputs[place].shape)
        inputs[place] = scale * answer + noise * np.random.default_rng(0).standard_normal(answer.shape)
        return Examples(inputs, e.targets)

    return change


def times(factor: Any, offset: float = 0.0) -> Change:
    """Return a change of the scale of inputs."""
    return lambda e: Examples((e.inputs * np.float32(factor) + np.float32(offset)).astype(np.float32), e.targets)


ALL = ("train", "validation", "test")
BELONG = "do not belong"
for draws in (shapes, sums, signals, tags, text):
    broken(f"{draws.__name__}_labels_one_late", "T402", "moved by one example", draws, moved(1), ALL)
    broken(f"{draws.__name__}_random_test_labels", "T402", f"test labels {BELONG}", draws, shuffled, ("test",))
broken("labels_one_early", "T402", "moved by one example", shapes, moved(-1), ALL)
broken("training_labels_one_late", "T402", "moved by one example", shapes, moved(1), ("train",))
broken("training_labels_one_early", "T402", "moved by one example", signals, moved(-1), ("train",))
broken("test_labels_one_late", "T402", f"test labels {BELONG}", shapes, moved(1), ("test",))
broken("validation_labels_one_late", "T402", f"validation labels {BELONG}", shapes, moved(1), ("validation",))
broken("test_labels_renumbered", "T402", f"test labels {BELONG}", shapes, renumbered, ("test",))
broken("test_inputs_backwards", "T402", f"test labels {BELONG}", signals, backwards, ("test",))

broken("answer_in_a_pixel", "T401", "(0, 0, 0)", shapes, given(np.s_[:, 0, 0, 0]), ALL)
broken("answer_in_the_last_pixel_scaled", "T401", "(0, 3, 3)", shapes, given(np.s_[:, 0, 3, 3], scale=-0.1), ALL)
broken("answer_in_a_pixel_with_noise", "T401", "(0, 1, 2)", shapes, given(np.s_[:, 0, 1, 2], noise=0.01), ALL)
broken("answer_at_the_last_step", "T401", "(5, 1)", signals, given(np.s_[:, 5, 1]), ALL)
broken("target_among_the_inputs", "T401", "(2, 0)", sums, given(np.s_[:, 2, :1]), ALL)
broken("answer_beside_each_step", "T401", "tells the answer", tags, given(np.s_[:, :, 1]), ALL)
broken("answer_is_a_token", "T401", "(0,)", text, given(np.s_[:, 0]), ALL)


@mutant("T401", "tells the answer", info=LANGUAGE, chance=1 / 9)
def language_without_a_shift(options: None, seed: int) -> Splits:
    """Load a language task in which each step asks for the token that it is given."""
    made = sound(text)(options, seed)
    return Splits(*(Examples(e.inputs, e.inputs) for e in (made.train, made.validation, made.test)))


broken("pixels_to_255", "T105", "standard deviation", shapes, times(60, 128), ALL)
broken("features_in_other_units", "T105", "feature 2", signals, times([1, 1e5]), ALL)
broken("features_far_from_zero", "T105", "mean", signals, times(1, 1000), ALL)
broken("features_that_vanish", "T105", "standard deviation", sums, times(1e-7), ALL, chance=12.0)


@mutant("T004", "not archbench.Splits")
def returns_a_tuple(options: None, seed: int) -> Any:
    """Return a tuple instead of `Splits`."""
    made = sound()(options, seed)
    return made.train, made.validation, made.test


@mutant("T004", "the train split is an object of type tuple, not archbench.Examples")
def returns_pairs(options: None, seed: int) -> Any:
    """Return splits of arrays."""
    made = sound()(options, seed)
    return Splits(*((each.inputs, each.targets) for each in (made.train, made.validation, made.test)))  # type: ignore[arg-type]


@mutant("T004", "raised ValueError: boom (")
def raises(options: None, seed: int) -> Splits:
    """Raise an error."""
    raise ValueError("boom")


@mutant("T004", "raised SystemExit: 3 (")
def leaves(options: None, seed: int) -> Splits:
    """End the process."""
    sys.exit(3)


@mutant("T004", "load cannot be called as load(options, seed): too many positional arguments (")
def takes_one_argument(seed: int) -> Splits:
    """Load sound splits, given the seed alone."""
    return sound()(None, seed)


MUTANTS += [
    Mutant(name, "T004", declare(name, load), says)
    for name, load, says in (
        ("of-no-module", "nowhere:load", "'nowhere:load', and importing it raised ModuleNotFoundError: No module"),
        ("of-no-name", "support.task_mutants:nowhere", "importing it raised AttributeError: module 'support"),
    )
]


@mutant("T003", "asks for the network")
def downloads(options: None, seed: int) -> Splits:
    """Load pictures after a download that may fail."""
    with contextlib.suppress(OSError):
        urllib.request.urlopen("http://data.invalid/set.npz", timeout=1)
    return sound()(options, seed)


@mutant("T003", "asks for the network")
def opens_a_connection(options: None, seed: int) -> Splits:
    """Load pictures from a server."""
    socket.create_connection(("127.0.0.1", 9), timeout=1)
    return sound()(options, seed)


@mutant("T003", "asks for the network")
def looks_up_a_name(options: None, seed: int) -> Splits:
    """Load pictures, and ask in vain where a server is."""
    with contextlib.suppress(OSError):
        socket.getaddrinfo("data.invalid", 443)
    return sound()(options, seed)


@mutant("T003", "asks for the network")
def connects_a_socket(options: None, seed: int) -> Splits:
    """Load pictures, and talk to a server over a plain socket."""
    with contextlib.suppress(OSError), socket.socket() as plain:
        plain.connect(("127.0.0.1", 9))
    return sound()(options, seed)
