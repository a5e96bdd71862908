"""One example of a task, drawn: an image as a picture, a sequence as lines."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Sequence

from markupsafe import Markup

from archbench._records import Example
from archbench._report._charts._axes import linear, padded
from archbench._report._charts._svg import image, tag

SIZE = (420, 96)
"""Width and height of the plot of a sequence, in pixels."""

GREY, COLOUR = 0, 2
"""Kinds of pixels in a PNG file."""


def draw_example(example: Example) -> Markup | None:
    """Return an image or a sequence as a picture.

    Returns:
        The picture; None for tokens, which are text, and for values that do not fill their shape.
    """
    if math.prod(example.shape) != len(example.values) or not example.values:
        return None
    if example.kind == "image" and len(example.shape) == 3:
        return _picture(example)
    if example.kind == "sequence" and len(example.shape) == 2 and example.shape[0] > 1:
        return _lines(example)
    return None


def _picture(example: Example) -> Markup:
    address = f"data:image/png;base64,{base64.b64encode(make_png(example.shape, example.values)).decode()}"
    _, height, width = example.shape
    return tag("img", src=address, width=width, height=height, alt="An example of the task", class_="example")


def make_png(shape: Sequence[int], values: Sequence[float]) -> bytes:
    """Return pixels from 0 to 255 as a PNG file, grey from one channel and colours from three.

    The pixels are stored without compression, whose bytes would differ between versions of its library.

    Args:
        shape: (channels, height, width).
        values: in the order of the shape, the last axis fastest.
    """
    channels, height, width = shape
    used = 3 if channels == 3 else 1
    pixels = [int(min(max(value, 0), 255)) for value in values]
    plane = height * width
    rows = [
        bytes([0, *(pixels[c * plane + y * width + x] for x in range(width) for c in range(used))])
        for y in range(height)
    ]
    header = struct.pack(">IIBBBBB", width, height, 8, COLOUR if used == 3 else GREY, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", _stored(b"".join(rows))) + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


def _stored(content: bytes) -> bytes:
    """Return one stored block of a zlib stream (RFC 1950 and 1951); at most 65,535 bytes fit."""
    sizes = struct.pack("<HH", len(content), len(content) ^ 0xFFFF)
    return b"\x78\x01\x01" + sizes + content + struct.pack(">I", zlib.adler32(content))


def _lines(example: Example) -> Markup:
    """Return a sequence as one line for each of its features."""
    steps, features = example.shape
    series = [[float(value) for value in example.values[n::features]] for n in range(features)]
    x = linear((0.0, float(steps - 1)), (4, SIZE[0] - 4))
    y = linear(padded([value for line in series for value in line]), (SIZE[1] - 4, 4))
    drawn = [
        tag("polyline", points=" ".join(f"{x(n):.0f},{y(v):.0f}" for n, v in enumerate(line)), class_=f"c{number}")
        for number, line in enumerate(series)
    ]
    return image(SIZE, f"An example of the task: {steps} steps of {features} features", *drawn, class_="example")
