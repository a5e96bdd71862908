"""The declaration of a section that a plugin adds to the leaderboard page."""

from __future__ import annotations

from dataclasses import dataclass

from archbench._declarations._study import Chart
from archbench._errors import DeclarationError

PNG = b"\x89PNG\r\n\x1a\n"
MOST_PIXELS = 4096
"""Width and height of a PNG at most: a few kilobytes can unpack to gigabytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture that a plugin draws itself, shown as an image: nothing in it can run, load or leave its block.

    Args:
        data: the content of a PNG or SVG file.
        description: what it shows, for those who cannot see it.

    Raises:
        DeclarationError: it is neither, or has no description.
    """

    data: bytes
    description: str

    def __post_init__(self) -> None:
        if not isinstance(self.description, str) or not self.description.strip():
            raise DeclarationError("Picture: description is empty; say what it shows, for those who cannot see it")
        if not isinstance(self.data, bytes):
            raise DeclarationError(f"Picture: data must be bytes, not {type(self.data).__name__}; text has .encode()")
        if problem := _png_problem(self.data) if self.data.startswith(PNG) else _svg_problem(self.data):
            raise DeclarationError(f"Picture {self.description[:60]!r}: {problem}")

    @property
    def media_type(self) -> str:
        """Type of the content: `image/png` or `image/svg+xml`."""
        return "image/png" if self.data.startswith(PNG) else "image/svg+xml"


def _png_problem(data: bytes) -> str:
    """Return why the head of a PNG file cannot be shown; empty if it can.

    Its first chunk must be IHDR with width and height (PNG specification, section 11.2.1).
    """
    if data[12:16] != b"IHDR" or len(data) < 33:
        return "it begins like a PNG file and is none"
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    if 0 < width <= MOST_PIXELS and 0 < height <= MOST_PIXELS:
        return ""
    return f"it is {width} by {height} pixels; at most {MOST_PIXELS} by {MOST_PIXELS} are shown"


def _svg_problem(data: bytes) -> str:
    """Return why a file cannot be shown as SVG; empty if it can."""
    from xml.etree import ElementTree  # few plugins draw pictures, and every command loads this module

    if b"<!ENTITY" in data:  # a few lines of them can unpack to gigabytes
        return "it declares entities; write an SVG file without them"
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - without entities, there is nothing to expand
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        return f"it is neither a PNG file nor well-formed SVG ({error})"
    if root.tag == "{http://www.w3.org/2000/svg}svg":
        return ""
    return f'its root is <{root.tag}>, not <svg xmlns="http://www.w3.org/2000/svg">'


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section that a plugin adds to the leaderboard page: text, a table, charts and pictures, shown in this order.

    Args:
        title: the heading, plain text.
        text: paragraphs of plain text, separated by empty lines; markup in it is shown as text.
        columns: the header of a table below the text; empty for no table.
        rows: the rows of the table, each a tuple of as many cells as there are columns.
        charts: data that the page draws in its own way.
        pictures: what the plugin drew itself.
    """

    title: str
    text: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[tuple[str, ...], ...] = ()
    charts: tuple[Chart, ...] = ()
    pictures: tuple[Picture, ...] = ()
