"""The declaration of a claim: a published statement with a rule that decides it. Free of torch and numpy."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from archbench._declarations._checks import check_name, check_revision, check_target
from archbench._errors import DeclarationError

Rule = Literal["above", "below", "within"]
"""Where a claim puts its effect: above a threshold, below it, or within so much of zero."""

Measure = Literal["mean", "share"]
"""The quantity that a claim is about: the mean of its effects, or the share of seeds whose effect is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A published statement made testable.

    The statistic gives one effect for each seed. The verdict follows from the interval of their mean, at a level that
    holds for all claims of the distribution together: *supported* if the whole interval lies where the rule says,
    *contradicted* if the whole interval lies elsewhere, else *undecided*.

    Args:
        name: lower-case letters, digits, `.`, `_` and `-`; what users type.
        statement: the claim in one sentence.
        source: paper, section, table or figure.
        study: the study whose records decide it.
        effect: what the statistic is, with its unit, such as "log10 of the training loss of depth 56 over depth 20".
        statistic: `statistic(data)` returns the effect of each seed, as a mapping from seed to number; seeds that
            cannot be told are left out. `data` is an `archbench.StudyData`. A function, or `"module:function"`.
        rule: where the claim puts the effect.
        threshold: of the rule, in the unit of the effect; for `within` the largest distance from zero.
        measure: `mean` of the effects, judged by Student's t; or `share` of seeds, for effects that are 1 where
            something is true of a seed and 0 where not, such as that it solves a task. A share is judged by the exact
            binomial interval, with the rule `above` or `below` and a threshold between 0 and 1.
        noise: of a mean, the smallest standard deviation between seeds to reckon with, in the unit of the effect: few
            seeds that happen to agree, or scores at a ceiling, must not pass for certainty. A share has none.
        seeds: the fewest seeds that may decide it, at least 3.
        note: what a reader has to know of the effect to read it right, in whole sentences, such as limits that the
            statistic sets to values and seeds that it leaves out. It stands beside the effect; where there is little
            room, only its first sentence does.
        published: the paper's own figure, in words; empty if it gives none.
        replications: independent replications with their figures, in words.
        refuted_by: the outcome that would refute it, in one sentence.
        revision: raise it when the rule is changed on purpose.

    Raises:
        DeclarationError: a field does not fit; the message says which and what is allowed.
    """

    name: str
    statement: str
    source: str
    study: str
    effect: str
    statistic: str | Callable[[Any], Mapping[int, float]]
    rule: Rule
    threshold: float
    measure: Measure = "mean"
    noise: float = 0.0
    seeds: int = 3
    note: str = ""
    published: str = ""
    replications: tuple[str, ...] = ()
    refuted_by: str = ""
    revision: int = 1

    def __post_init__(self) -> None:
        check_name("Claim", self.name)
        check_target(f"Claim {self.name!r}: statistic", self.statistic)
        check_revision(f"Claim {self.name!r}", self.revision)
        for name in ("statement", "source", "study", "effect"):
            if not isinstance(getattr(self, name), str) or not getattr(self, name).strip():
                raise DeclarationError(f"Claim {self.name!r}: {name} is empty; a claim without it cannot be judged")
        if self.rule not in get_args(Rule):
            raise DeclarationError(f"Claim {self.name!r}: rule is {self.rule!r}; allowed: {', '.join(get_args(Rule))}")
        if not math.isfinite(self.threshold) or (self.rule == "within" and self.threshold <= 0):
            raise DeclarationError(
                f"Claim {self.name!r}: threshold is {self.threshold!r}; give a number, above 0 for within"
            )
        self._check_measure()
        if type(self.seeds) is not int or self.seeds < 3:
            raise DeclarationError(
                f"Claim {self.name!r}: seeds is {self.seeds!r}; at least 3 are needed for an interval"
            )

    def _check_measure(self) -> None:
        """Raise if the rule does not fit what the claim is about."""
        if self.measure not in get_args(Measure):
            raise DeclarationError(
                f"Claim {self.name!r}: measure is {self.measure!r}; allowed: {', '.join(get_args(Measure))}"
            )
        if self.measure == "mean" and not 0 < self.noise < math.inf:
            raise DeclarationError(f"Claim {self.name!r}: noise is {self.noise!r}; give a number above 0")
        if self.measure == "share" and self.noise:
            raise DeclarationError(
                f"Claim {self.name!r}: noise is {self.noise!r}; a share has none, as its interval is exact"
            )
        if self.measure == "share" and (self.rule == "within" or not 0 < self.threshold < 1):
            raise DeclarationError(
                f"Claim {self.name!r}: a share takes above or below and a threshold between 0 and 1; "
                f"this one has {self.rule} {self.threshold:g}"
            )
