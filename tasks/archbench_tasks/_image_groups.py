"""Groups of images by the names of their files.

A pattern is the name of a file with `{group}` in the place of the group, `*` for any text and `?` for any one sign.
`{group}` takes as little as fits: of `p1_3.png` and `{group}_*` the group is `p1`, and so it is of `p1_3_b.png`. A
pattern with a slash is compared with the path below the folder of the class: `{group}/*`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import archbench


def group_finder(pattern: str) -> Callable[[Path], str]:
    """Return a function from the path of an image below the folder of its class to its group.

    Raises:
        DataError: the pattern does not have `{group}` once; the function raises it where the pattern does not fit.
    """
    if pattern.count("{group}") != 1:
        raise archbench.DataError(
            f"group={pattern} needs {{group}} once, in the place of the group in the names of files: group={{group}}_*"
        )
    signs = {"*": "[^/]*", "?": "[^/]"}
    before, after = ("".join(signs.get(sign, re.escape(sign)) for sign in part) for part in pattern.split("{group}"))
    compiled = re.compile(f"{before}([^/]+?){after}")

    def find(path: Path) -> str:
        name = path.as_posix() if "/" in pattern else path.name
        match = compiled.fullmatch(name)
        if match is None:
            raise archbench.DataError(f"group={pattern} does not fit the image {name}; give a pattern that fits all")
        return match[1]

    return find
