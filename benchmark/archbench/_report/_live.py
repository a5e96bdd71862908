"""The page as it is served while records change: it asks whether there is a newer one, and then reloads itself."""

from __future__ import annotations

import hashlib
from importlib import resources

from archbench._report._html import csp_hash

VERSION_PATH = "/-/version"
"""Where the page asks for the version that is served now."""


def version_of(*pages: bytes) -> str:
    """Return a short hash of the pages of a leaderboard."""
    return hashlib.sha256(b"".join(pages)).hexdigest()[:16]


def make_live(page: bytes, version: str) -> bytes:
    """Return a page with a script that reloads it when there is a newer version.

    Its content security policy allows this script, and requests to its own server. The page on disk has neither.

    Args:
        page: the page as it is on disk.
        version: that of all pages.
    """
    place = resources.files("archbench._report").joinpath("templates", "live.js")
    script = place.read_text(encoding="utf-8").replace("VERSION", version)
    head, rest = page.decode().split("<style>", 1)  # so that nothing but the policy can match
    head = _replace(head, "default-src 'none';", "default-src 'none'; connect-src 'self';")
    head = _replace(head, "script-src ", f"script-src '{csp_hash(script)}' ")
    body, end = rest.rsplit("</body>", 1)
    return f"{head}<style>{body}<script>{script}</script>\n</body>{end}".encode()


def _replace(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1
    return text.replace(old, new)
