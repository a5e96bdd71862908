"""The claims that the study of lesions decides."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import archbench
from archbench_studies._lesions import Surgery, damage, mean_path
from archbench_studies._nets import HIGHWAY_4, MLP_TANH, PLAIN, RESNET, Family
from archbench_studies._reductions import of_readings

_PAPER = "arXiv:1605.06431"

HARDLY = 0.05
"""Share of the score above chance that counts as next to nothing: five of a hundred answers, as published.md has it for
C25."""

HALF = 0.5
"""Share lost above which most of what the net knew is gone, and below which most is left."""

NOISE_OF_LITTLE, NOISE_OF_MUCH = 0.01, 0.05
"""Smallest standard deviations between seeds to reckon with: a test image is 0.3 % of the score above chance, and the
damage near nothing varies less than that in the middle."""


def _damage(family: Family, depth: int, surgery: Surgery, blocks: int, data: archbench.StudyData) -> dict[int, float]:
    return damage(family.find(data, depth), surgery, blocks)


def _lost(
    family: Family, depth: int, surgery: Surgery, blocks: int
) -> Callable[[archbench.StudyData], dict[int, float]]:
    return partial(_damage, family, depth, surgery, blocks)


def _paths(family: Family, depth: int, data: archbench.StudyData) -> dict[int, float]:
    return of_readings(family.find(data, depth).readings("paths"), mean_path)


def _claim(**fields: Any) -> archbench.Claim:
    return archbench.Claim(study="lesion", **fields)


CLAIMS = (
    _claim(
        name="lesions-spare-residual-nets",
        statement="Taking one block out of a trained residual net hardly hurts it.",
        source=f"{_PAPER}, sec. 4.1 and Fig. 3",
        effect="median share of the score above chance that resnet-56 loses with one block",
        statistic=_lost(RESNET, 56, "lesion", 1),
        rule="below",
        threshold=HARDLY,
        noise=NOISE_OF_LITTLE,
        published="CIFAR-10, 110 layers: no noticeable effect, except for blocks that change the shape; as remembered",
        refuted_by="half of the blocks cost more than a twentieth of the score above chance",
    ),
    _claim(
        name="lesions-destroy-plain-nets",
        statement="Taking one block of two layers out of a trained plain net destroys it.",
        source=f"{_PAPER}, sec. 4.1 and Fig. 3",
        effect="median share of the score above chance that plain-20 loses with one block of two layers",
        statistic=_lost(PLAIN, 20, "lesion", 1),
        revision=2,
        rule="above",
        threshold=HALF,
        noise=NOISE_OF_MUCH,
        published="VGG on CIFAR-10: error goes to about 90 %, which is chance, whichever layer it is; as remembered",
        refuted_by="half of the blocks leave more than half of the score above chance",
    ),
    _claim(
        name="lesions-destroy-plain-layers",
        statement="Taking one layer out of a trained fully connected plain net destroys it.",
        source=f"{_PAPER}, sec. 4.1, in the nets of arXiv:1507.06228",
        effect="median share of the score above chance that mlp-20 loses with one layer",
        statistic=_lost(MLP_TANH, 20, "lesion", 1),
        rule="above",
        threshold=HALF,
        noise=NOISE_OF_MUCH,
        refuted_by="half of the layers leave more than half of the score above chance",
    ),
    _claim(
        name="lesions-spare-highway-nets",
        statement="Taking one layer out of a trained highway net hardly hurts it.",
        source="arXiv:1507.06228, section on the importance of layers",
        effect="median share of the score above chance that highway-20 loses with one layer",
        statistic=_lost(HIGHWAY_4, 20, "lesion", 1),
        rule="below",
        threshold=HARDLY,
        noise=NOISE_OF_LITTLE,
        published="50 layers on MNIST: some 60 % of them can go one by one without a visible effect, as remembered",
        refuted_by="half of the layers cost more than a twentieth of the score above chance",
    ),
    _claim(
        name="residual-nets-are-ensembles",
        statement="A trained residual net still knows most of it with several blocks taken out at once.",
        source=f"{_PAPER}, sec. 4.2 and Fig. 5a",
        effect="median share of the score above chance that resnet-56 loses with five blocks",
        statistic=_lost(RESNET, 56, "lesion", 5),
        rule="below",
        threshold=HALF,
        noise=NOISE_OF_MUCH,
        published="110 layers: the error rises smoothly, below 50 % with ten blocks out, as remembered",
        refuted_by="five blocks cost more than half of the score above chance",
    ),
    _claim(
        name="residual-blocks-can-be-swapped",
        statement="A trained residual net still knows most of it with two blocks swapped.",
        source=f"{_PAPER}, sec. 4.2 and Fig. 5b",
        effect="median share of the score above chance that resnet-56 loses with two blocks swapped",
        statistic=_lost(RESNET, 56, "swap", 2),
        rule="below",
        threshold=HALF,
        noise=NOISE_OF_MUCH,
        published="110 layers: the error rises smoothly with the number of swaps, as remembered",
        refuted_by="a swap costs more than half of the score above chance",
    ),
    _claim(
        name="short-paths-count",
        statement="A residual net answers by its short paths.",
        source=f"{_PAPER}, sec. 4.3 and Fig. 6",
        effect="mean length of path in resnet-56, weighted by contribution, as a share of all blocks",
        statistic=partial(_paths, RESNET, 56),
        revision=2,
        rule="below",
        threshold=0.35,  # the paper's longest effective paths, 17 of 54 blocks, and a little more
        noise=0.02,
        published="110 layers, 54 blocks: almost all of the gradient comes by paths of 5 to 17 blocks, as remembered",
        refuted_by="the mean path, by contribution, goes through 35 % of the blocks or more",
    ),
)
