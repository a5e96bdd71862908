"""The effect of a claim in a sentence: the logarithm of a ratio is told as a number of times."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from archbench._report._claim_words import interval, number, short_note
from archbench._report._schema import ClaimEntry
from archbench._report._text import NOTHING

_BASES = {"log10 of ": 10.0, "log2 of ": 2.0}
"""How the effect of a claim begins that is the logarithm of a ratio, and its base."""

_FURTHEST = 6.0
"""Beyond this power, a ratio is written as one."""


class _Scale(NamedTuple):
    """How the effect of a claim is told.

    Args:
        what: what was measured.
        say: a value in words.
        unit: what follows the mean.
        zero: what no difference is.
    """

    what: str
    say: Callable[[float | None], str]
    unit: str
    zero: str


def effect_sentence(claim: ClaimEntry) -> str:
    """Return the measured effect with its interval, the rule, and the first thing that a reader has to know of them.

    The table of claims has rule and note in full.
    """
    scale = _scale(claim)
    spread = f" ({scale.say(claim.low)} to {scale.say(claim.high)})" if interval(claim) else ""
    rule = f"{claim.rule} {scale.say(claim.threshold)}{scale.unit}"
    if claim.rule == "within":
        rule = f"within {scale.say(claim.threshold)}{scale.unit} of {scale.zero}"
    what = f"{scale.what[:1].upper()}{scale.what[1:]}"
    said = f"{what}: {scale.say(claim.mean)}{scale.unit}{spread}, {claim.n} seeds; the rule: {rule}."
    return f"{said} {short_note(claim)}".rstrip()


def _scale(claim: ClaimEntry) -> _Scale:
    for start, base in _BASES.items():
        if claim.effect.startswith(start):
            return _Scale(claim.effect.removeprefix(start), partial(times, base=base), " times", "equal")
    return _Scale(claim.effect, number, "", "zero")


def times(exponent: float | None, base: float) -> str:
    """Return a ratio with two significant digits, given its logarithm; a power where it is beyond counting."""
    if exponent is None:
        return NOTHING
    if abs(exponent) > _FURTHEST:
        return f"{base:g}^{number(exponent)}"
    ratio = float(f"{base**exponent:.2g}")
    return f"{ratio:,.0f}" if ratio >= 10 else f"{ratio:.2g}"
