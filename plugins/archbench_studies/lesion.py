"""The study of lesions: what is left of a trained net when blocks are taken out or swapped, and which paths count."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

import archbench
from archbench_studies._lesion_claims import CLAIMS as CLAIMS
from archbench_studies._lesions import counts, damage, mean_path, path_profile
from archbench_studies._nets import HIGHWAY_4, MLP_TANH, PLAIN, RESIDUAL, RESNET, Family
from archbench_studies._parts import LESION_FULL, LESION_QUICK
from archbench_studies._reductions import median, of_readings
from archbench_studies._wording import listed, plain_number

NETS = (PLAIN, RESNET, MLP_TANH, HIGHWAY_4, RESIDUAL)
"""Families of which some depths are lesioned."""

Nets = Mapping[tuple[Family, int], archbench.StudyData]


def analyse(data: archbench.StudyData) -> archbench.Findings:
    """Return the damage that lesions and swaps do, and how much the paths of each length contribute."""
    found = {(family, depth): family.find(data, depth) for family in NETS for depth in family.trained(data)}
    found = {net: mine for net, mine in found.items() if counts(mine)}
    numbers = {f"{key} {_name(net)}": value for net, mine in found.items() for key, value in _numbers(mine).items()}
    charts = (_damage_chart(found), _paths_chart(found))
    return archbench.Findings(
        text=" ".join(_sentences(found, numbers)),
        numbers=numbers,
        charts=tuple(chart for chart in charts if chart.lines),
        columns=("net", *_COLUMNS.values()),
        rows=tuple(
            (_label(net), *(plain_number(numbers.get(f"{key} {_name(net)}")) for key in _COLUMNS)) for net in found
        ),
    )


_COLUMNS = {
    "score": "test score whole",
    "damage": "one block out: share lost, median",
    "worst": "one block out: share lost, worst",
    "swap": "two blocks swapped: share lost, median",
    "path": "mean length of path, share of all blocks",
}


def _name(net: tuple[Family, int]) -> str:
    return f"{net[0].name} {net[1]}"


def _label(net: tuple[Family, int]) -> str:
    return f"{net[0].label} ({net[1]})"


def _numbers(data: archbench.StudyData) -> dict[str, float]:
    values = {
        "score": median(data.per_seed(lambda record: record.scores.test_last if record.scores else None)),
        "damage": median(damage(data, "lesion", 1)),
        "worst": median(damage(data, "lesion", 1, max)),
        "swap": median(damage(data, "swap", 2)),
        "path": median(of_readings(data.readings("paths"), mean_path)),
    }
    return {key: value for key, value in values.items() if value is not None}


def _damage_chart(found: Nets) -> archbench.Chart:
    lines = []
    for net, data in found.items():
        lost = {count: damage(data, "lesion", count) for count in counts(data)}
        lines.append(
            archbench.Line(
                label=_label(net),
                x=(0.0, *map(float, lost)),
                y=(0.0, *(median(values) for values in lost.values())),
                seeds=tuple((float(count), value) for count, values in lost.items() for value in values.values()),
            )
        )
    return archbench.Chart(
        title="Damage by lesions of trained nets",
        x="blocks taken out",
        y="share of the score above chance that is lost",
        lines=tuple(lines),
        description="Median over lesions, then over seeds, which are dots; a net that lost 1 is at chance.",
    )


def _paths_chart(found: Nets) -> archbench.Chart:
    profiles = {net: _median_profile(data) for net, data in found.items()}
    return archbench.Chart(
        title="The separated block: what paths of each length contribute",
        x="blocks that a path goes through, as a share of all",
        y="share of the contributions of all paths",
        lines=tuple(
            archbench.Line(label=_label(net), x=tuple(profile), y=tuple(profile.values()))
            for net, profile in profiles.items()
            if profile
        ),
        description="Median over seeds. A net of n blocks with a straight path is the sum of 2^n paths.",
    )


def _median_profile(data: archbench.StudyData) -> dict[float, float]:
    profiles = [profile for reading in data.readings("paths").values() if (profile := path_profile(reading))]
    lengths = sorted({length for profile in profiles for length in profile})
    return {
        length: statistics.median(profile[length] for profile in profiles if length in profile) for length in lengths
    }


def _sentences(found: Nets, numbers: Mapping[str, float]) -> list[str]:
    lost = [(net, numbers[f"damage {_name(net)}"]) for net in found if f"damage {_name(net)}" in numbers]
    texts = []
    if lost:
        named = listed([f"{round(share, 2) + 0.0:.0%} in {_label(net)}" for net, share in lost])
        texts.append(f"Taking one block out of a trained net costs this share of its score above chance: {named}.")
    swapped = [(net, numbers[f"swap {_name(net)}"]) for net in found if f"swap {_name(net)}" in numbers]
    if swapped:
        named = listed([f"{round(share, 2) + 0.0:.0%} in {_label(net)}" for net, share in swapped])
        texts.append(f"Swapping two blocks costs {named}.")
    lengths = [(net, numbers[f"path {_name(net)}"]) for net in found if f"path {_name(net)}" in numbers]
    if lengths:
        named = listed([f"{round(share, 2) + 0.0:.0%} in {_label(net)}" for net, share in lengths])
        texts.append(
            f"Weighted by what they contribute, the paths of a separated net go through this share of its blocks: "
            f"{named}. Were all paths equal, it would be 50%."
        )
    return texts


STUDY = archbench.Study(
    name="lesion",
    question="What is left of a trained net when blocks are taken out or swapped, and which paths does it answer by?",
    source="arXiv:1605.06431",
    sizes={"quick": LESION_QUICK, "full": LESION_FULL},
    analyse=analyse,
)
