"""Text for LaTeX and BibTeX: escaped, so that it is shown as it is, in letters that every engine knows."""

from __future__ import annotations

import hashlib
import re
import unicodedata

_SPECIAL = {
    "\\": r"\textbackslash{}", "{": r"\textbraceleft{}", "}": r"\textbraceright{}",  # BibTeX counts \{ too
    "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
    "\N{EN DASH}": "--", "\N{EM DASH}": "---", "\N{MINUS SIGN}": "$-$", "\N{MULTIPLICATION SIGN}": r"$\times$",
    "\N{GREATER-THAN OR EQUAL TO}": r"$\geq$", "\N{LESS-THAN OR EQUAL TO}": r"$\leq$",
    "\N{PLUS-MINUS SIGN}": r"$\pm$", "\N{MIDDLE DOT}": r"$\cdot$",
}  # fmt: skip
_LONGEST = 60


def escape(text: object) -> str:
    """Return text in one line without a command in it.

    Letters beyond Latin are written by their code point, such as `[U+4E2D]`, as fonts of LaTeX lack most of them.
    """
    return "".join(map(_escaped, " ".join(str(text).split())))


def slug(text: str) -> str:
    """Return a key of ASCII letters, digits, points and hyphens; texts that differ in these alone share it.

    A text that keeps none of its characters, or is long, ends in a hash of the whole.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    key = re.sub(r"(?:[^a-z0-9.]|\.(?!\d))+", "-", plain).strip("-.")
    if key and len(key) <= _LONGEST:
        return key
    digest = hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{key[:_LONGEST].rstrip('-.')}-{digest}".lstrip("-")


def _escaped(letter: str) -> str:
    if letter in _SPECIAL:
        return _SPECIAL[letter]
    if " " <= letter <= "~" or ("\N{NO-BREAK SPACE}" < letter <= "\N{LATIN SMALL LETTER LONG S}" and letter.isalpha()):
        return letter
    return f"[U+{ord(letter):04X}]"
