"""The probe `reuse`: how strongly each block reads each of its sources."""

from __future__ import annotations

from archbench._training._probes._blocks import find_blocks
from archbench._training._probes._specimen import CannotMeasureError, Specimen, Values


def weights_of_sources(specimen: Specimen) -> Values:
    """Return the mean absolute weight by which each block reads each of its sources, as `BLOCK<SOURCE`.

    That is the map of Huang et al., arXiv:1608.06993, Fig. 5: which layer of a densely connected net reads which.

    Raises:
        CannotMeasureError: no block says by which weights it reads its sources.
    """
    blocks = [block for block in find_blocks(specimen.network) if block.reads is not None]
    if not blocks:
        raise CannotMeasureError("no block says by which weights it reads several sources")
    return Values.of(
        (f"{block.name}<{source}", float(weights.detach().double().abs().mean()))
        for block in blocks
        if block.reads is not None
        for source, weights in block.reads().items()
    )
