"""Features that may give the label away: constant within sequences, or telling the label by themselves.

A column with one value for a whole sequence, such as the number of a subject or a session, tells which sequence it is
and so its label, which no new sequence will confirm.

A feature tells the label by itself if its mean, its first or its last value does: among the sequences outside the test
split, each gets the label of the other one whose value is nearest, or of all that are equally near. The agreement with
the true labels is corrected for chance as Krippendorff's alpha, 1 - D / E, where D is the share of wrong labels and E
that of two sequences drawn at random. From .8 on, the bound that Krippendorff asks of data to be relied on, the feature
is named (K. Krippendorff, Content Analysis, 2nd ed., 2004, chapter 11).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from archbench_tasks._sequence_columns import write_names
from archbench_tasks._sequences import SequenceOptions, Sequences

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

ALPHA = 0.8
FEWEST = 20  # sequences; among fewer, one feature of many agrees by luck
SHOWN = 5  # features that a warning names


@dataclass(frozen=True)
class Doubt:
    """A feature to be warned of.

    Args:
        feature: its name.
        summary: the value of a sequence that tells the label, in words; empty for a feature that is constant.
        agreement: the share of sequences outside the test whose neighbour has the same label.
        by_chance: that share for two sequences drawn at random.
    """

    feature: str
    summary: str = ""
    agreement: float = 0.0
    by_chance: float = 0.0


def find_doubts(sequences: Sequences, known: Array) -> list[Doubt]:
    """Return the features that are constant within sequences, then those that tell the label, the most telling first.

    Args:
        sequences: all.
        known: the sequences outside the test split.
    """
    constant = [Doubt(name) for name, column in _columns(sequences) if _is_constant(column, sequences.lengths)]
    if not sequences.classes or len(known) < FEWEST:
        return constant
    labels = sequences.targets[known]
    telling = []
    for name, column in _columns(sequences):
        found = [
            (agreement(values[known], labels), summary)
            for summary, values in _summaries(column, sequences.lengths).items()
        ]
        share, summary = max(found, key=lambda pair: pair[0])
        telling.append(Doubt(name, summary, share, chance_agreement(labels)))
    telling = [doubt for doubt in telling if 1 - (1 - doubt.agreement) / (1 - doubt.by_chance) >= ALPHA]
    return constant + sorted(telling, key=lambda doubt: -doubt.agreement)


def _columns(sequences: Sequences) -> list[tuple[str, Array]]:
    return list(zip(sequences.features, sequences.values.T, strict=True))


def _is_constant(column: Array, lengths: Array) -> bool:
    """Return whether a feature (M,) has one value within each sequence, but not one for all."""
    import numpy as np

    first = np.r_[0, lengths.cumsum()[:-1]]
    same = (column == np.repeat(column[first], lengths)).all()
    return bool(same and lengths.max() > 1 and (column != column[0]).any())


def _summaries(column: Array, lengths: Array) -> dict[str, Array]:
    """Return values of a feature (M,) that stand for each sequence (N,), by their names."""
    import numpy as np

    ends = lengths.cumsum()
    starts = ends - lengths
    return {
        "mean": np.add.reduceat(column, starts) / lengths,
        "first value": column[starts],
        "last value": column[ends - 1],
    }


def agreement(values: Array, labels: Array) -> float:
    """Return the share of examples whose nearest other example has the same label; of equally near ones, on average.

    Args:
        values: of a feature (N,).
        labels: of the examples, 0, 1, ... (N,).
    """
    import numpy as np

    distinct, place, count = np.unique(values, return_inverse=True, return_counts=True)
    pairs, here = np.unique(place * (labels.max() + 1) + labels, return_counts=True)  # examples of one value and label

    def share(value: Array) -> Array:
        """Return the share of examples of a value, by its place, that have the label of each example."""
        code = value * (labels.max() + 1) + labels
        at = np.minimum(np.searchsorted(pairs, code), len(pairs) - 1)
        return np.where(pairs[at] == code, here[at], 0) / count[value]

    alone = count[place] == 1
    same = (share(place) * count[place] - 1) / np.maximum(count[place] - 1, 1)
    below, above = np.maximum(place - 1, 0), np.minimum(place + 1, len(distinct) - 1)
    down = np.where(place > 0, values - distinct[below], np.inf)
    up = np.where(place < len(distinct) - 1, distinct[above] - values, np.inf)
    lower, upper = count[below] * (down <= up), count[above] * (up <= down)
    beside = (share(below) * lower + share(above) * upper) / np.maximum(lower + upper, 1)
    return float(np.where(alone, beside, same).mean())


def chance_agreement(labels: Array) -> float:
    """Return the share of pairs of two different examples that have the same label."""
    import numpy as np

    count, total = np.bincount(labels), len(labels)
    return float((count * (count - 1)).sum() / (total * (total - 1)))


def describe_doubts(doubts: Sequence[Doubt], options: SequenceOptions) -> list[str]:
    """Return a warning for the features that are constant, and one for those that tell the label."""
    constant = [doubt for doubt in doubts if not doubt.summary]
    telling = [doubt for doubt in doubts if doubt.summary]
    said = []
    if constant:
        said.append(
            f"constant within each sequence: {_list([repr(doubt.feature) for doubt in constant])}; what names the "
            "sequence or its source can give the label away. If networks should not see it, "
            f"{_advise(constant, options)}"
        )
    if telling:
        shown = [f"the {doubt.summary} of {doubt.feature!r} ({doubt.agreement:.0%})" for doubt in telling]
        said.append(
            f"tells the label by itself: {_list(shown)}; so many sequences outside the test have the label of the "
            f"one whose value is nearest, {telling[0].by_chance:.0%} by chance. If it is not known when one predicts, "
            f"{_advise(telling, options)}"
        )
    return said


def _list(texts: list[str]) -> str:
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return f"{', '.join(texts[:SHOWN])}{more}"


def _advise(doubts: Sequence[Doubt], options: SequenceOptions) -> str:
    """Return the option that leaves these features out."""
    names = [doubt.feature for doubt in doubts]
    if options.features and not any(name.startswith("spacing of") for name in names):
        return f"leave it out of features={write_names(options.features)}"
    return f"leave it out with drop={write_names([*(options.drop or ()), *names])}"
