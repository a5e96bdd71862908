"""B109 to B111: every part of the input reaches the answer, each step its own, and late steps as well as early ones."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from archbench.testing._check import Check, Fault, NotApplicable
from archbench.testing.architecture._subject import Case, Subject, moved, predict

ROUNDING = {torch.float64: 1e-12, torch.float32: 1e-6}
"""The largest change of logits, as a share of their size, that rounding alone makes."""
LONG = 520
"""Steps of the long sequence: more than the 512 positions that many networks are made for."""
MOST_LINES = 32
TILES = 4
"""Tiles along each side of an image."""
EXAMPLES = 8
"""Examples that are tried before a part counts as unused: a maximum hides most parts of each."""


def every_part_matters(subject: Subject) -> None:
    """Check that no step, feature, row, column, channel or corner of the input is ignored.

    All weights are first moved a little. At the far edge of an image up to a quarter may be left over by strides.
    """
    for case in subject.cases:
        parts = _parts(case)
        unused = _unused(subject, case, list(parts.values()))
        looked_at = torch.ones(case.info.input_shape, dtype=torch.bool)
        for axis in dict.fromkeys(axis for axis, _ in parts):
            mine = [index for index, (of, _) in enumerate(parts) if of == axis]
            found = [unused[index] for index in mine]
            spare = (len(found) - 1) // 4 if axis in ("row", "column") else 0
            while spare and found and found[-1]:
                found.pop()
                spare -= 1
                looked_at &= ~list(parts.values())[mine[len(found)]]
            if any(found):
                places = [str(index) for index, idle in enumerate(found, 1) if idle]
                shown = ", ".join(places[:6]) + (", ..." if len(places) > 6 else "")
                raise Fault(f"{case}: {axis} {shown} of the input changes no logit ({len(places)} of {len(found)})")
        _check_tiles(subject, case, looked_at)


def _check_tiles(subject: Subject, case: Case, looked_at: Tensor) -> None:
    """Raise if some tile of an image is ignored, although each row and each column is looked at somewhere."""
    if case.info.kind != "image":
        return
    rows, columns = case.info.input_shape[1:]
    tiles = {}
    for row, down in enumerate(torch.arange(rows).chunk(TILES)):
        for column, right in enumerate(torch.arange(columns).chunk(TILES)):
            tile = torch.zeros_like(looked_at)
            tile[:, down[:, None], right] = True
            if bool((tile & looked_at).any()):
                tiles[f"row {row + 1} column {column + 1}"] = tile & looked_at
    idle = [name for name, unused in zip(tiles, _unused(subject, case, list(tiles.values())), strict=True) if unused]
    if idle:
        raise Fault(
            f"{case}: of {TILES} x {TILES} tiles of the input, the one in {idle[0]} changes no logit ({len(idle)} of "
            f"{len(tiles)})"
        )


def _parts(case: Case) -> dict[tuple[str, int], Tensor]:
    """Return masks over an input by the axis and the number of the part; long axes are cut into strips."""
    shape = case.info.input_shape
    names = {"image": ("channel", "row", "column"), "sequence": ("step", "feature"), "tokens": ("step",)}
    parts = {}
    for axis, name in enumerate(names[case.info.kind]):
        for number, lines in enumerate(torch.arange(shape[axis]).chunk(MOST_LINES)):
            mask = torch.zeros(shape, dtype=torch.bool)
            mask.index_fill_(axis, lines, True)
            parts[name, number] = mask
    return parts


def _unused(subject: Subject, case: Case, masks: list[Tensor]) -> list[bool]:
    """Return for each mask whether new numbers in its place change no logit of any example that is tried."""
    unused = [True] * len(masks)
    for seed in range(EXAMPLES):
        logits = _predict(subject, case, _replaced(case, seed, masks))
        moves = _moves(logits[1:], logits[:1]).flatten(1).amax(1)
        unused = [idle and not bool(move > 0) for idle, move in zip(unused, moves, strict=True)]
        if not any(unused):
            break
    return unused


def _replaced(case: Case, seed: int, masks: list[Tensor]) -> Tensor:
    """Return an input, followed by copies of it with other numbers or tokens in the place of each mask."""
    usual = case.inputs(1, seed=seed)[0]
    if case.info.vocabulary is None:
        other = usual + 10 * case.inputs(1, seed=seed + EXAMPLES)[0].sign()  # large, to be seen through a maximum
    else:
        other = (usual + 1 + seed) % case.info.vocabulary
    return torch.stack([usual, *(torch.where(mask, other, usual) for mask in masks)])


def own_answer_per_step(subject: Subject) -> str | None:
    """Check that the answer at each step depends on the input there, and differs from those at other steps."""
    cases = [case for case in subject.cases if case.info.per_step]
    for case in cases:
        steps = case.info.input_shape[0]
        masks = [mask for (axis, _), mask in _parts(case).items() if axis == "step"]
        logits = _predict(subject, case, _replaced(case, 0, masks))
        apart = logits - logits[:, :1]
        if not bool((_moves(apart[1:], apart[:1]) > 0).any()):
            raise Fault(f"{case}: one answer is repeated at every step")
        if _factorises((logits[1:] - logits[:1]).norm(dim=-1)):
            raise Fault(f"{case}: one answer is repeated at every step, scaled by its place")
        if len(masks) == steps:
            own = _moves(logits[1:], logits[:1]).amax(-1).diagonal()
            blind = [str(step) for step, move in enumerate(own.tolist(), 1) if not move > 0]
            if blind:
                raise Fault(
                    f"{case}: the input at step {blind[0]} does not change the answer there ({len(blind)} of {steps} "
                    "steps are so)"
                )
    return None if cases else "it gives one answer, or takes images only"


def _factorises(moves: Tensor) -> bool:
    """Return whether moves (parts, steps) are those of one number that each step scales, up to rounding."""
    sizes = torch.linalg.svdvals(moves)
    return len(sizes) > 1 and bool(sizes[1] <= 100 * ROUNDING[moves.dtype] * sizes[0])


def late_order_matters(subject: Subject) -> None:
    """Check that a network that sees the order of early steps sees that of late ones too, in a long sequence."""
    case = _long_case(subject)
    inputs = case.inputs(1)[0]
    if case.info.vocabulary is not None:
        inputs = torch.arange(LONG) * 3 % case.info.vocabulary  # neighbours differ, so that swapping them is a change
    swaps = [_swapped(inputs, *pair) for pair in ((0, 1), (2, 4), (LONG - 3, LONG - 2), (LONG - 7, LONG - 5))]
    content = inputs.clone()
    content[LONG - 3] = inputs[LONG - 4]
    logits = _predict(subject, case, torch.stack([inputs, *swaps, content]))
    early, also_early, late, also_late, read = _moves(logits[1:], logits[:1]).flatten(1).amax(1).tolist()
    if late == also_late == 0 and min(early, also_early, read) > 0:
        raise Fault(
            f"{case}: swapping two of the last steps changes no logit, swapping two of the first does: beyond some "
            "length all positions are treated alike"
        )


def _long_case(subject: Subject) -> Case:
    for case in subject.main_cases:
        if case.info.kind != "image":
            long = replace(case.info, input_shape=(LONG, *case.info.input_shape[1:]))
            if subject.refusal(long, subject.options) is None:
                return Case(long)
    raise NotApplicable("it takes no long sequences")


def _swapped(inputs: Tensor, first: int, second: int) -> Tensor:
    order = list(range(len(inputs)))
    order[first], order[second] = second, first
    return inputs[order]


def _predict(subject: Subject, case: Case, inputs: Tensor) -> Tensor:
    """Return logits of moved weights in double precision, where the faint trace of an early step is not rounded away.

    A network that cannot do that, which B402 says, computes in single precision.
    """
    network = moved(subject.build(case))
    try:
        return predict(network.double(), inputs.double() if inputs.is_floating_point() else inputs)
    except RuntimeError:
        return predict(moved(subject.build(case)), inputs)


def _moves(logits: Tensor, usual: Tensor) -> Tensor:
    """Return how far logits are from the usual ones, as a share of their size; 0 for what rounding can make."""
    share = (logits - usual).abs() / usual.abs().max().clamp(min=1e-30)
    return share.masked_fill(share <= ROUNDING[logits.dtype], 0)


CHECKS = (
    Check(
        "B109",
        "every part of the input matters",
        every_part_matters,
        "a slice, an index or a stride leaves it out; a causal net is read at its last step, h[:, -1]; what does not "
        "fit is refused in incompatible()",
        ("B203", "B104"),
    ),
    Check(
        "B110",
        "where every step is asked, each gets an answer of its own",
        own_answer_per_step,
        "apply the head to the states of all steps, in their order, instead of expanding one answer",
        ("B203", "B104"),
    ),
    Check(
        "B111",
        "late positions are told apart as early ones are",
        late_order_matters,
        "make as many positions as task.input_shape[0]; clamp() and min() on an index give all late steps one position",
        ("B203", "B104"),
    ),
)
