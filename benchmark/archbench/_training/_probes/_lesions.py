"""The probes `lesion` and `swap`: the test score of a network with blocks skipped or swapped."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Iterator, Sequence

import torch
from torch import nn

from archbench._declarations import Block
from archbench._training._probes._blocks import Call, find_blocks, skipped, watched
from archbench._training._probes._specimen import CannotMeasureError, Specimen, Values

TOGETHER = (2, 3, 5)
"""Numbers of blocks that are skipped at once."""

DRAWS = 3
"""Random sets of each such number, and random pairs of distant blocks."""

WHOLE = "whole"
"""The name of the score of the intact network."""


def scores_of_lesions(specimen: Specimen) -> Values:
    """Return the test score with each block skipped in turn, and with 2, 3 and 5 blocks skipped at once.

    The weights are the last ones, in evaluation mode, and nothing is trained again. The first score, `whole`, is that
    of the intact network. Then come the single blocks in order, and three random sets of each number, drawn from the
    seed of the trial, with their names joined by `+`. A skipped block is its straight path; `Block` and `brought_to`
    say how. A lesion that cannot be made has no score.
    """
    blocks = find_blocks(specimen.network)
    sets = [(block,) for block in blocks] + list(_draw_sets(blocks, random.Random(specimen.seed)))  # noqa: S311
    return Values.of([(WHOLE, specimen.score(specimen.network)), *((_joined(s), _lesioned(specimen, s)) for s in sets)])


def _draw_sets(blocks: Sequence[Block], generator: random.Random) -> Iterator[tuple[Block, ...]]:
    for count in TOGETHER:
        possible = list(itertools.islice(itertools.combinations(range(len(blocks)), count), DRAWS + 1))
        drawn = possible if len(possible) <= DRAWS else _draw_distinct(len(blocks), count, generator)
        yield from (tuple(blocks[place] for place in places) for places in drawn)


def _draw_distinct(blocks: int, count: int, generator: random.Random) -> list[tuple[int, ...]]:
    drawn: dict[tuple[int, ...], None] = {}
    while len(drawn) < DRAWS:
        drawn[tuple(sorted(generator.sample(range(blocks), count)))] = None
    return list(drawn)


def _joined(blocks: Sequence[Block]) -> str:
    return "+".join(block.name for block in blocks)


def _lesioned(specimen: Specimen, blocks: Sequence[Block]) -> float:
    try:
        with skipped(blocks):
            return specimen.score(specimen.network)
    except CannotMeasureError:
        return float("nan")


def scores_of_swaps(specimen: Specimen) -> Values:
    """Return the test score with pairs of blocks in each other's place.

    Only blocks can be swapped whose inputs, and whose outputs, have equal shapes. The weights are the last ones, in
    evaluation mode. The first score, `whole`, is that of the intact network; then come all neighbours, and at most
    three random pairs that are no neighbours, drawn from the seed of the trial, as `FIRST+SECOND`.

    Raises:
        CannotMeasureError: no two blocks have equal shapes.
    """
    blocks = find_blocks(specimen.network)
    pairs = _pairs(blocks, _shapes(specimen, blocks), random.Random(specimen.seed))  # noqa: S311
    if not pairs:
        raise CannotMeasureError("no two blocks have equal shapes")
    whole = specimen.score(specimen.network)
    return Values.of([(WHOLE, whole), *((_joined(pair), _swapped_score(specimen, *pair)) for pair in pairs)])


@torch.no_grad()
def _shapes(specimen: Specimen, blocks: Sequence[Block]) -> list[object]:
    """Return what two blocks must have in common to be swapped."""
    with watched(blocks) as calls:
        specimen.network.eval()(*specimen.arguments)
    return [_shape(block, calls[block.name]) for block in blocks]


def _shape(block: Block, call: Call) -> object:
    return call.entered.shape, call.left.shape, len(block.modules)


def _pairs(blocks: Sequence[Block], shapes: Sequence[object], generator: random.Random) -> list[tuple[Block, Block]]:
    places = [(a, b) for a, b in itertools.combinations(range(len(blocks)), 2) if shapes[a] == shapes[b]]
    neighbours = [(a, b) for a, b in places if b == a + 1]
    distant = [(a, b) for a, b in places if b > a + 1]
    chosen = neighbours + sorted(generator.sample(distant, min(DRAWS, len(distant))))
    return [(blocks[a], blocks[b]) for a, b in chosen]


def _swapped_score(specimen: Specimen, first: Block, second: Block) -> float:
    with contextlib.ExitStack() as swaps:
        for one, other in zip(first.modules, second.modules, strict=True):
            swaps.enter_context(_swapped(one, other))
        return specimen.score(specimen.network)


@contextlib.contextmanager
def _swapped(one: nn.Module, other: nn.Module) -> Iterator[None]:
    """Let each of two modules compute what the other does, for a while."""
    one.forward, other.forward = other.forward, one.forward
    try:
        yield
    finally:
        del one.forward, other.forward
