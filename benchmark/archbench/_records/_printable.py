"""Text of strangers as it may be shown: without the characters that move a cursor, set colours or turn words around."""

from __future__ import annotations

import re

# ECMA-48: a control sequence (ESC [ parameters, intermediates, a final byte); a control string such as the title of a
# window (ESC ] ... up to BEL or ESC \); any other escape of one or more bytes.
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].{0,1000}?(?:\x07|\x1b\\)|\x1b[ -/]*[0-~]?", re.DOTALL)

# C0 without tab and line feed, DEL, C1, line separators, the marks that change the direction of text, and the lone
# surrogates with which Python writes a file name that is no UTF-8, and which UTF-8 cannot hold.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """Return text without terminal escapes, and with `\\x07` and the like in the place of other control characters.

    A carriage return before a line feed goes; one that would overwrite a line begins a new one.
    """
    text = _ESCAPES.sub("", text).replace("\r\n", "\n").replace("\r", "\n")
    return _CONTROLS.sub(lambda found: _escaped(ord(found[0])), text)


def fits_utf8(text: str) -> bool:
    """Return whether UTF-8 can hold a text; Python reads a file name that is no UTF-8 as one that it cannot hold."""
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
