"""The claims that the study of the line decides: each weakens the straight path and compares training losses."""

from __future__ import annotations

from functools import partial
from typing import Any

import archbench
from archbench_studies._depth_claims import DEGRADES, NOISE
from archbench_studies._nets import RESIDUAL, RESNET, Family
from archbench_studies._reductions import loss_note, loss_ratio

_PAPER = "arXiv:1603.05027, sec. 3.1 and Table 1"


def _weakened(
    family: Family, depth: int, option: str, value: str | float, data: archbench.StudyData
) -> dict[int, float]:
    return loss_ratio(family.find(data, depth, **{option: value}), family.find(data, depth))


def _shortcut(kind: str, **other: Any) -> archbench.Claim:
    return archbench.Claim(
        study="line",
        source=_PAPER,
        effect=f"log10 of the ratio of training losses, resnet-56 with shortcut={kind} over the identity",
        note=loss_note(),
        statistic=partial(_weakened, RESNET, 56, "shortcut", kind),
        threshold=DEGRADES,
        noise=NOISE,
        revision=2,
        **other,
    )


CLAIMS = (
    _shortcut(
        "scaled",
        name="halved-shortcuts-hurt",
        statement="A residual net whose shortcuts halve what they carry trains worse than one with identities.",
        rule="above",
        published="does not converge well at 110 layers",
        refuted_by="with halved shortcuts the net trains to a loss at most three times as high",
    ),
    _shortcut(
        "averaged",
        name="averaging-hurts",
        statement="A residual net that averages shortcut and branch trains worse than one that adds them.",
        rule="above",
        published="12.35 % test error at 110 layers against 6.61 %, as remembered",
        refuted_by="with averages the net trains to a loss at most three times as high",
    ),
    _shortcut(
        "dropout",
        name="dropped-shortcuts-hurt",
        statement="A residual net with dropout of one half on its shortcuts trains worse than one with identities.",
        rule="above",
        published="does not converge to a good solution at 110 layers",
        refuted_by="with dropout on its shortcuts the net trains to a loss at most three times as high",
    ),
    _shortcut(
        "exclusive-gate",
        name="exclusive-gates-hurt",
        statement="Gates that share out between shortcut and branch train worse than an identity, even at -6.",
        rule="above",
        published="8.70 % test error at 110 layers against 6.61 %, as remembered",
        replications=(
            "flukeskywalker/highway-resnet-comparison, by an author of highway networks: the comparison had "
            "mistakes in its design",
        ),
        refuted_by="with such gates the net trains to a loss at most three times as high",
    ),
    _shortcut(
        "shortcut-gate",
        name="open-gates-recover",
        statement="Gates on the shortcuts alone that start almost fully open, at -6, train as well as an identity.",
        rule="below",
        published="6.91 % test error at 110 layers against 6.61 %, as remembered",
        refuted_by="with such gates the net trains to a loss more than three times as high",
    ),
    archbench.Claim(
        name="half-a-line-is-not-enough",
        statement="Over 50 layers a shortcut of one half puts the exponential decay back: the net trains to more than "
        "three times the loss of one with an identity.",
        source="arXiv:1603.05027, sec. 3.1, eq. 7: the product of 49 halves is 2e-15",
        study="line",
        effect="log10 of the ratio of training losses, residual-mlp-50 with line=0.5 over line=1",
        note=loss_note(),
        statistic=partial(_weakened, RESIDUAL, 50, "line", 0.5),
        rule="above",
        threshold=DEGRADES,
        noise=NOISE,
        revision=2,
        refuted_by="with half a line the net trains to a loss at most three times as high",
    ),
)
