"""Columns by the names that options give them, and the features among them.

`*` and `?` stand for any text and for any one character, as in a shell. They also stand for signs that a selector
cannot hold: `speed ?m/s?` is the column `speed [m/s]`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence

import archbench
from archbench_tasks._sequences import SequenceOptions


def find_column(file: str, columns: Sequence[str], option: str, written: str) -> str:
    """Return the one column that an option names.

    Raises:
        DataError: there is none, or a pattern fits several.
    """
    found = _matching(columns, written)
    if len(found) == 1:
        return found[0]
    if found:
        raise archbench.DataError(f"{file}: {option}={written} fits {', '.join(found)}; it must name one of them")
    hint = ", or target=NAME for a number to predict" if option == "label" else ""
    raise archbench.DataError(
        f"{file} has no column {written!r}; {_suggest(written, columns)}: set {option}=NAME{hint}"
    )


def spacing_name(named: Mapping[str, str]) -> str:
    """Return the name of the feature that is made of the column of times; empty if there is none."""
    return f"spacing of {named['time']}" if "time" in named else ""


def find_features(file: str, columns: Iterable[str], named: Mapping[str, str], options: SequenceOptions) -> list[str]:
    """Return the names of the features in the order of the file; spacing is the last where there are times.

    Args:
        file: its name, for messages.
        columns: all there are.
        named: the columns with another use, by the options that name them.
        options: `features` or `drop`.

    Raises:
        DataError: both options are given, one names no column, or no feature is left.
    """
    if options.features and options.drop:
        raise archbench.DataError(f"{file}: features= and drop= exclude each other; give one of them")
    everything = [name for name in [*columns, spacing_name(named)] if name]
    _check_unused(file, options.features or (), named)
    kept = _listed(file, everything, "features", options.features or ("*",)) | {spacing_name(named)}
    dropped = _listed(file, everything, "drop", options.drop or ()) | {*named.values()}
    features = [name for name in everything if name in kept - dropped]
    if not features:
        beside = " and ".join(repr(name) for name in everything if name in dropped)
        raise archbench.DataError(f"{file} has no columns beside {beside}; where are the numbers?")
    return features


def _check_unused(file: str, features: Iterable[str], named: Mapping[str, str]) -> None:
    for option, column in named.items():
        if column in features:
            raise archbench.DataError(
                f"{file}: the column {column!r} is named by {option}= and cannot be a feature as well; "
                "leave it out of features="
            )


def _listed(file: str, columns: Sequence[str], option: str, written: Iterable[str]) -> set[str]:
    """Return all columns that the texts of an option name."""
    found: set[str] = set()
    for text in written:
        matching = _matching(columns, text)
        if not matching:
            raise archbench.DataError(f"{file}: {option}= names {text!r}, no column of it; {_suggest(text, columns)}")
        found.update(matching)
    return found


def _matching(columns: Sequence[str], written: str) -> list[str]:
    """Return the column of this name, or all that fit it as a pattern."""
    if written in columns:
        return [written]
    signs = {"*": ".*", "?": "."}
    pattern = "".join(signs.get(sign, re.escape(sign)) for sign in written)
    return [name for name in columns if re.fullmatch(pattern, name)]


def _suggest(written: str, columns: Sequence[str]) -> str:
    near = difflib.get_close_matches(written, columns, n=1)
    there = f"its columns are {', '.join(columns)}"
    return f"did you mean {near[0]!r}? {there}" if near else there


def write_names(names: Iterable[str]) -> str:
    """Return names as a selector can hold them: `?` for commas, brackets and signs of equality."""
    return ",".join(re.sub(r"[\[\],=]", "?", name) for name in names)
