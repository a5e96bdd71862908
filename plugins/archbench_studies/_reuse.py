"""Which layer reads which in a densely connected net: the map of Huang et al., arXiv:1608.06993, Fig. 5."""

from __future__ import annotations

import statistics
from collections.abc import Mapping

import archbench
from archbench_studies._wording import listed

INPUT = "input"
"""Source of the channels that came into the dense block."""

Reuse = Mapping[tuple[str, str], float]
"""Mean absolute weight by reading layer and source, over the mean of that layer: 1 where all sources are read alike."""


def map_of_reuse(data: archbench.StudyData) -> Reuse:
    """Return the map of reuse after training, the median over the seeds, without layers that have one source."""
    maps = [_relative(reading) for reading in data.readings("reuse").values()]
    pairs = list(dict.fromkeys(pair for found in maps for pair in found))
    return {pair: statistics.median(found[pair] for found in maps if pair in found) for pair in pairs}


def _relative(reading: archbench.Reading) -> dict[tuple[str, str], float]:
    by_reader: dict[str, dict[str, float]] = {}
    for name, value in zip(reading.names, reading.values, strict=True):
        reader, _, source = name.partition("<")
        by_reader.setdefault(reader, {})[source] = value or 0.0
    return {
        (reader, source): weight / mean
        for reader, weights in by_reader.items()
        if len(weights) > 1 and (mean := statistics.fmean(weights.values()))
        for source, weight in weights.items()
    }


def reuse_chart(reuse: Reuse) -> archbench.Chart:
    """Return the chart of the map: a line for each reading layer; it has none without readings."""
    lines = []
    for reader in dict.fromkeys(reader for reader, _ in reuse):
        sources = {source: share for (layer, source), share in reuse.items() if layer == reader}
        back = tuple(float(len(sources) - place) for place in range(len(sources)))
        lines.append(archbench.Line(label=f"layer {reader}", x=back, y=tuple(sources.values())))
    return archbench.Chart(
        title="Which layer reads which",
        x="layers back; the last is what came into the dense block",
        y="mean absolute weight, of that over all sources",
        lines=tuple(lines),
        description="How strongly each layer of a trained DenseNet reads the layers before it; medians over seeds.",
    )


def reuse_text(reuse: Reuse) -> str:
    """Return a sentence on what the last layers of the dense blocks read; empty without readings."""
    sources = {reader: [source for layer, source in reuse if layer == reader] for reader, _ in reuse}
    longest = max(map(len, sources.values()), default=0)
    last = [reader for reader, names in sources.items() if len(names) == longest]
    if not last:
        return ""
    shares = listed([f"{reuse[reader, INPUT]:.2f} in layer {reader}" for reader in last])
    return (
        f" The last layers of its dense blocks read what came into the block with so many times their mean absolute "
        f"weight: {shares}. 1 would be all sources alike."
    )
