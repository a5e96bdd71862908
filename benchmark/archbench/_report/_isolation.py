"""Names in scripts that run from right to left, kept from reordering the sentences that they stand in."""

from __future__ import annotations

import re

_RIGHT = "\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff"
"""Blocks whose letters run from right to left (Unicode, DerivedBidiClass.txt: R and AL)."""
_RUN = re.compile(f"[{_RIGHT}]+(?:[ _.-]+[{_RIGHT}]+)*")
_ISOLATES = re.compile("[\u2068\u2069]")
_CONTROLS = re.compile("[\u202a-\u202e\u2066\u2067]")
"""Characters that change the direction of what follows them (Unicode, UAX #9, section 2)."""
_ANY = re.compile(f"[{_RIGHT}\u202a-\u202e\u2066-\u2069]")
_DATA = '<script type="application/json"'


def isolate(page: str) -> str:
    """Return a page in which words that run from right to left order nothing but themselves.

    Each run of them stands between the characters "first strong isolate" and "pop directional isolate" (UAX #9), so
    that a number or a name beside it stays at its place. Characters that would turn what follows them are replaced.
    The data, from which the script looks up names, are left as they are; it isolates what it writes itself.
    """
    shown, mark, data = page.partition(_DATA)
    if not _ANY.search(shown):
        return page
    return _RUN.sub("\u2068\\g<0>\u2069", _CONTROLS.sub("\ufffd", _ISOLATES.sub("", shown))) + mark + data
