"""Depths that a family of nets allows: a n + b layers for n blocks in each stage."""

from __future__ import annotations


def check_depth(depth: int, a: int, b: int) -> None:
    """Refuse a depth between two nets, and name both.

    Raises:
        ValueError: the depth is not a n + b.
    """
    n, rest = divmod(depth - b, a)
    if rest:
        near = f"{a * n + b} and {a * (n + 1) + b}"
        raise ValueError(f"depth is {depth}; these nets have {a}n+{b} layers: the nearest depths are {near}")
